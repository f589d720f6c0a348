"""Paths of Windows are mapped by rules, and never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_ssis.engine.connections.paths import PathMap, hint_of_case
from airflow_provider_ssis.engine.errors import TaskFailure

RULES = PathMap.parse(
    ["C:\\data=/data", "c:/Data/In=/inbox", "\\\\srv\\share=/mnt/share", "D:\\bin\\tool.exe=/usr/bin/tool"]
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C:\\data\\x.csv", "/data/x.csv"),
        ("c:\\DATA\\in\\x.csv", "/inbox/x.csv"),
        ("C:/data/sub/x.csv", "/data/sub/x.csv"),
        ("C:\\data\\", "/data"),
        ("\\\\SRV\\share\\a\\b.txt", "/mnt/share/a/b.txt"),
        ("\\\\?\\C:\\data\\x", "/data/x"),
        ("\\\\?\\UNC\\srv\\share\\x", "/mnt/share/x"),
        ("D:\\bin\\tool.exe", "/usr/bin/tool"),
        ("/srv/here", "/srv/here"),
        ("folder\\x.csv", "folder/x.csv"),
        ('"C:\\data\\x y.csv"', "/data/x y.csv"),
    ],
)
def test_the_longest_rule_maps_a_path(text: str, expected: str) -> None:
    assert RULES.path(text) == Path(expected)


@pytest.mark.parametrize("text", ["C:\\database\\x", "E:\\x", "C:\\data\\..\\secret", "\\\\other\\share\\x", "C:\\"])
def test_a_windows_path_without_a_rule_is_refused(text: str) -> None:
    with pytest.raises(TaskFailure, match="--map-path") as caught:
        RULES.path(text)
    assert text in str(caught.value)


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(TaskFailure, match="empty"):
        RULES.path(" ")


@pytest.mark.parametrize("rule", ["", "C:\\x", "=/x", "C:\\x="])
def test_a_malformed_rule_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match=r"C:\\folder=/folder"):
        PathMap.parse([rule])


def test_a_missing_path_is_compared_without_case(tmp_path: Path) -> None:
    (tmp_path / "In" / "2024").mkdir(parents=True)
    (tmp_path / "In" / "2024" / "Sales.csv").touch()
    hint = hint_of_case(tmp_path / "in" / "2024" / "sales.CSV")
    assert hint.startswith(f" Did you mean {tmp_path / 'In' / '2024' / 'Sales.csv'}?")
    assert hint_of_case(tmp_path / "in" / "2024" / "other.csv") == ""
    assert hint_of_case(tmp_path / "in" / ("x" * 300) / "sales.csv") == ""
    (tmp_path / "In" / "2024" / "SALES.csv").touch()
    assert hint_of_case(tmp_path / "In" / "2024" / "sales.csv") == ""

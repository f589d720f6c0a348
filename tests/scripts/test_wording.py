"""The script that finds words which this project does not use."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.wording import LIST, WordList, main


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("# It is deployed anew.", "anew"),
        ("def test_somebody_else_stops_it() -> None:", "somebody"),
        ("class NobodyWaits:", "Nobody"),
        ("A process of its own.", "of its own"),
        ("The user is told why.", "is told"),
    ],
)
def test_a_word_is_found_in_prose_and_in_names(line: str, word: str) -> None:
    assert [(number, found) for number, found, _ in WordList.read().find(f"\n{line}\n")] == [(2, word)]


@pytest.mark.parametrize("line", ["The amendment is repeated.", "A beard.", "renewed", "Meeting at the bearer's"])
def test_parts_of_other_words_are_not_found(line: str) -> None:
    assert not list(WordList.read().find(line))


def test_the_output_names_file_line_and_replacement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text("Fine.\nRun it anew.\n")
    (tmp_path / "picture.svg").write_text("anew")
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out == f"{page}:2: anew -> again\n"


def test_without_such_words_it_succeeds_silently(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.md").write_text("Run it again.\n")
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr() == ("", "")


def test_the_list_itself_is_not_checked() -> None:
    assert main([str(LIST)]) == 0

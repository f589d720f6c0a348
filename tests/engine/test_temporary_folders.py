"""Temporary folders of the engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_ssis.engine.temporary_folders import TemporaryFolder, remove_abandoned_folders

PROGRAM = """
import sys
from airflow_provider_ssis.engine.temporary_folders import TemporaryFolder
folder = TemporaryFolder(sys.argv[1])
(folder.path / "rows").write_bytes(bytes(1000))
print(folder.path, flush=True)
sys.stdin.read()
"""


def test_a_removed_folder_is_not_there(tmp_path: Path) -> None:
    folder = TemporaryFolder(str(tmp_path))
    (folder.path / "spill").mkdir()
    folder.remove()
    folder.remove()
    assert not list(tmp_path.iterdir())


def test_a_folder_in_use_stays(tmp_path: Path) -> None:
    folder = TemporaryFolder(str(tmp_path))
    other = TemporaryFolder(str(tmp_path))
    remove_abandoned_folders(str(tmp_path))
    assert sorted(tmp_path.iterdir()) == sorted([folder.path, other.path])
    folder.remove()
    assert list(tmp_path.iterdir()) == [other.path]
    other.remove()


@pytest.mark.processes
def test_the_folder_of_a_killed_process_is_removed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        path = Path(process.stdout.readline().strip())
        remove_abandoned_folders(str(tmp_path))
        assert (path / "rows").exists()
        process.kill()
        process.wait()
    TemporaryFolder(str(tmp_path)).remove()
    assert not list(tmp_path.iterdir())


def test_other_folders_and_links_stay(tmp_path: Path) -> None:
    for name in ("ssis-engine-without-lock", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "other" / "lock").touch()
    target = tmp_path / "target"
    target.touch()
    linked = tmp_path / "ssis-engine-link"
    linked.mkdir()
    (linked / "lock").symlink_to(target)
    remove_abandoned_folders(str(tmp_path))
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "other",
        "ssis-engine-link",
        "ssis-engine-without-lock",
        "target",
    ]

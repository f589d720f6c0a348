"""File System: every operation, through connection managers and variables, and its faults."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.engine.connections.paths import PathMap
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from tests.support.engine import Context, failure_of, run_task, task_context, task_of

DRIVE = "C:\\data"


def context(
    folder: Path,
    operation: str,
    source: str,
    destination: str | None = None,
    *,
    usages: tuple[str, str] = ("existing file", "existing folder"),
    by_variable: bool = True,
    by_flat_file: bool = False,
    **options: Any,
) -> Context:
    """A task whose paths are below the mapped drive."""
    package = ProjectBuilder("P").add_package("Test")

    def end(name: str, path: str, usage: str) -> Any:
        full = f"{DRIVE}\\{path}" if path else ""
        if by_variable:
            return package.add_variable(name, full, data_type="String")
        if by_flat_file:
            return package.connection_managers.add_flat_file(name, full, [FlatFileColumn("a")])
        return package.connection_managers.add_file(name, full, usage=usage)

    target = None if destination is None else end("Destination", destination, usages[1])
    package.add_file_system("Files", operation, end("Source", source, usages[0]), target, **options)
    return task_context(package.read(), paths=PathMap(((DRIVE, str(folder)),)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("new")
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "b.txt").write_text("b")
    (tmp_path / "in" / "deep" / "c.txt").write_text("c")
    (tmp_path / "out").mkdir()
    return tmp_path


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


START = {"a.txt", "in", "in/b.txt", "in/deep", "in/deep/c.txt", "out"}
OPERATIONS = [
    ("CopyFile", "a.txt", "out", {"out/a.txt"}, set()),
    ("CopyFile", "a.txt", "out\\z.txt", {"out/z.txt"}, set()),
    ("MoveFile", "a.txt", "out", {"out/a.txt"}, {"a.txt"}),
    ("RenameFile", "a.txt", "out\\z.txt", {"out/z.txt"}, {"a.txt"}),
    ("DeleteFile", "a.txt", None, set(), {"a.txt"}),
    ("CreateDirectory", "new\\deep", None, {"new", "new/deep"}, set()),
    ("CopyDirectory", "in", "out", {"out/in", "out/in/b.txt", "out/in/deep", "out/in/deep/c.txt"}, set()),
    (
        "MoveDirectory",
        "in",
        "out",
        {"out/in", "out/in/b.txt", "out/in/deep", "out/in/deep/c.txt"},
        {"in", "in/b.txt", "in/deep", "in/deep/c.txt"},
    ),
    ("DeleteDirectory", "in", None, set(), {"in", "in/b.txt", "in/deep", "in/deep/c.txt"}),
    ("DeleteDirectoryContent", "in", None, set(), {"in/b.txt", "in/deep", "in/deep/c.txt"}),
]


@pytest.mark.parametrize(("operation", "source", "destination", "added", "removed"), OPERATIONS)
def test_operations(
    folder: Path, operation: str, source: str, destination: str | None, added: set[str], removed: set[str]
) -> None:
    assert run_task(context(folder, operation, source, destination)) == 1
    assert files(folder) == (START | added) - removed


def test_attributes_make_a_file_read_only_and_writable(folder: Path) -> None:
    run_task(context(folder, "SetAttributes", "a.txt", file_attributes="ReadOnly"))
    assert (folder / "a.txt").stat().st_mode & 0o222 == 0
    run_task(context(folder, "SetAttributes", "a.txt", file_attributes="0"))
    assert (folder / "a.txt").stat().st_mode & 0o200
    run_task(context(folder, "SetAttributes", "a.txt", file_attributes="4"))  # as an expression gives it
    assert not (folder / "a.txt").stat().st_mode & 0o222
    run_task(context(folder, "SetAttributes", "a.txt", file_attributes="Normal"))
    hidden = context(folder, "SetAttributes", "a.txt", file_attributes="ReadOnly, Hidden")
    assert ["hidden" in str(each) for each in task_of(hidden).refusals(hidden.options)] == [True]


@pytest.mark.parametrize("operation", ["CopyFile", "MoveFile", "RenameFile"])
def test_a_file_is_replaced_only_with_overwrite(folder: Path, operation: str) -> None:
    (folder / "out" / "a.txt").write_text("old")
    destination = "out" if operation != "RenameFile" else "out\\a.txt"
    found = context(folder, operation, "a.txt", destination)
    assert "exists already" in failure_of(lambda: run_task(found)).text
    assert found.codes("warning") == [0x80029164]
    assert (folder / "out" / "a.txt").read_text() == "old"
    assert (folder / "a.txt").exists()
    run_task(context(folder, operation, "a.txt", destination, overwrite=True))
    assert (folder / "out" / "a.txt").read_text() == "new"
    assert (folder / "a.txt").exists() is (operation == "CopyFile")


def test_a_file_cannot_be_renamed_to_a_folder(folder: Path) -> None:
    assert failure_of(lambda: run_task(context(folder, "RenameFile", "a.txt", "out"))).code == 0xC002F306
    assert (folder / "a.txt").exists()


@pytest.mark.parametrize("operation", ["CopyDirectory", "MoveDirectory"])
def test_a_folder_is_added_to_only_with_overwrite(folder: Path, operation: str) -> None:
    (folder / "out" / "in").mkdir()
    (folder / "out" / "in" / "kept.txt").write_text("kept")
    assert "exists already" in failure_of(lambda: run_task(context(folder, operation, "in", "out"))).text
    run_task(context(folder, operation, "in", "out", overwrite=True))
    assert {"out/in/kept.txt", "out/in/b.txt", "out/in/deep/c.txt"} <= files(folder)
    assert (folder / "in").exists() is (operation == "CopyDirectory")


def test_an_existing_folder_is_used_only_with_the_option(folder: Path) -> None:
    assert failure_of(lambda: run_task(context(folder, "CreateDirectory", "out"))).code == 0xC002915A
    run_task(context(folder, "CreateDirectory", "out", overwrite=True))


def test_deleting_raises_information(folder: Path) -> None:
    found = context(folder, "DeleteFile", "a.txt")
    run_task(found)
    assert found.codes("information") == [0x40029162]
    found = context(folder, "DeleteDirectory", "in")
    run_task(found)
    assert found.codes("information") == [0x40029161]


@pytest.mark.parametrize(
    ("operation", "source", "destination", "code"),
    [
        ("DeleteFile", "missing.txt", None, 0xC0029163),
        ("CopyFile", "missing.txt", "out", 0xC0029163),
        ("CopyFile", "*.txt", "out", 0xC0029163),
        ("CopyFile", "a.txt", "missing\\a.txt", 0xC002F306),
        ("CopyFile", "a.txt", "a.txt", 0xC002F304),
        ("MoveFile", "a.txt", "b.txt", 0xC002F306),
        ("DeleteDirectory", "missing", None, 0xC002F30C),
        ("DeleteFile", "in", None, 0xC0029163),
        ("CopyDirectory", "in", "in", 0xC002F306),
        ("CopyDirectory", "in", "in\\deep", 0xC002F306),
        ("CreateDirectory", "a.txt\\x", None, 0xC002F307),
        ("DeleteFile", "", None, 0xC002F30D),
        ("CopyFile", "..\\a.txt", "out", 0xC002F304),
    ],
)
def test_faults(folder: Path, operation: str, source: str, destination: str | None, code: int) -> None:
    assert failure_of(lambda: run_task(context(folder, operation, source, destination))).code == code
    assert files(folder) == START


@pytest.mark.parametrize(
    ("operation", "usages", "code"),
    [
        ("CopyFile", ("existing folder", "existing folder"), 0xC0029166),
        ("MoveFile", ("existing file", "existing file"), 0xC0029165),
        ("CopyDirectory", ("existing folder", "create file"), 0xC0029165),
    ],
)
def test_connection_managers_have_the_right_usage(
    folder: Path, operation: str, usages: tuple[str, str], code: int
) -> None:
    found = context(folder, operation, "a.txt", "out", usages=usages, by_variable=False)
    assert failure_of(lambda: task_of(found).validate(found)).code == code


def test_connection_managers_are_checked_before_the_run(folder: Path) -> None:
    assert run_task(context(folder, "CopyFile", "a.txt", "out", by_variable=False)) == 1
    missing = context(folder, "CopyFile", "missing.txt", "out", by_variable=False)
    failure = failure_of(lambda: task_of(missing).validate(missing))
    assert (failure.code, "DelayValidation" in failure.text) == (0xC002F30C, True)


def test_the_wrong_kind_of_source_is_named(folder: Path) -> None:
    assert "is a folder" in failure_of(lambda: run_task(context(folder, "CopyFile", "in", "out"))).text
    assert "is a file" in failure_of(lambda: run_task(context(folder, "DeleteDirectory", "a.txt"))).text


def test_flat_file_connection_managers_have_paths_of_files(folder: Path) -> None:
    assert run_task(context(folder, "CopyFile", "a.txt", "out", by_variable=False, by_flat_file=True)) == 1
    assert files(folder) == START | {"out/a.txt"}
    moved = context(folder, "MoveFile", "a.txt", "out", by_variable=False, by_flat_file=True)
    assert failure_of(lambda: task_of(moved).validate(moved)).code == 0xC0029165  # its usage: an existing file


@pytest.mark.parametrize("operation", ["CopyDirectory", "MoveFile"])
def test_a_connection_manager_creates_the_folder_of_the_destination(folder: Path, operation: str) -> None:
    source, kind = ("in", "existing folder") if operation == "CopyDirectory" else ("a.txt", "existing file")
    for usage, is_created in (("existing folder", False), ("create folder", True)):
        found = context(folder, operation, source, "new\\deep", usages=(kind, usage), by_variable=False)
        task_of(found).validate(found)
        assert not (folder / "new").exists()
        if is_created:
            assert run_task(found) == 1
        else:
            assert failure_of(partial(run_task, found)).code == 0xC002F306
    assert {"new/deep", f"new/deep/{source}"} <= files(folder)


def test_a_folder_without_permission(folder: Path) -> None:
    (folder / "out").rmdir()
    # Linux refuses new files there, from root too.
    (folder / "out").symlink_to("/sys")
    failure = failure_of(lambda: run_task(context(folder, "CopyFile", "a.txt", "out")))
    assert "Permission denied" in failure.text


def test_a_link_is_removed_and_not_followed(folder: Path) -> None:
    (folder / "in" / "link").symlink_to(folder / "out")
    (folder / "out" / "kept.txt").write_text("kept")
    run_task(context(folder, "DeleteDirectoryContent", "in"))
    assert (folder / "out" / "kept.txt").exists()

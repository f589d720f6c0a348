"""A command's output file is complete or absent, and only regular files are replaced."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from airflow_provider_ssis.cli.output_file import replacing


def write(path: Path, data: bytes = b"new") -> None:
    with replacing(path) as file:
        file.write(data)


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "Sales.ispac"
    with replacing(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "Sales.ispac"
    path.write_bytes(b"old")

    def fail_halfway() -> None:
        with replacing(path) as file:
            file.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_that_exists_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "Sales.ispac"
    path.touch()
    path.chmod(mode)
    write(path)
    assert path.stat().st_mode & 0o777 == mode


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    write(tmp_path / "Sales.ispac")
    assert (tmp_path / "Sales.ispac").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_followed_and_stays(tmp_path: Path, exists: bool) -> None:
    target, link = tmp_path / "builds" / "Sales-1.ispac", tmp_path / "Sales.ispac"
    target.parent.mkdir()
    if exists:
        target.write_bytes(b"old")
    link.symlink_to(Path("builds") / "Sales-1.ispac")
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert list(target.parent.iterdir()) == [target]


def test_a_loop_of_links_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises((OSError, RuntimeError)):
        write(tmp_path / "a")
    assert (tmp_path / "a").is_symlink()


def test_a_directory_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="it is a directory, not a regular file"):
        write(tmp_path)


@pytest.mark.parametrize("through_link", [True, False])
def test_a_pipe_is_rejected(tmp_path: Path, through_link: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    path = tmp_path / "link" if through_link else pipe
    if through_link:
        path.symlink_to(pipe)
    with pytest.raises(OSError, match="it is a pipe, not a regular file"):
        write(path)
    assert pipe.is_fifo()


def test_a_device_is_rejected(tmp_path: Path) -> None:
    link = tmp_path / "Sales.ispac"
    link.symlink_to("/dev/null")
    for path in (Path("/dev/null"), link):
        with pytest.raises(OSError, match="it is a device, not a regular file"):
            write(path)
    assert Path("/dev/null").is_char_device()


def test_a_socket_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket may have some hundred characters only
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(OSError, match="it is a socket, not a regular file"):
            write(Path("socket"))
    assert Path("socket").is_socket()


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "builds" / "Sales.ispac")

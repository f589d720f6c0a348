"""FTP, against a real server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.paths import PathMap
from airflow_provider_ssis.engine.errors import Cancelled
from airflow_provider_ssis.engine.tasks.ftp import ftp_server
from airflow_provider_ssis.project.builder.package import PackageBuilder
from tests.support.engine import Context, failure_of, run_task, task_context, task_of

PASSWORD = "s3cret"


@dataclass
class Site:
    """A server of files, and folders on both sides."""

    port: int
    remote: Path
    local: Path

    def context(self, operation: str, remote: str = "/", local: str = "", **options: Any) -> Context:
        package = PackageBuilder("P")
        connection = package.connection_managers.add_ftp("Ftp", "x", use_passive_mode=True)
        stored = package.add_variable("Remote", remote, data_type="String")
        given: dict[str, Any] = {
            "remote_path": stored,
            "remote_path_is_variable": True,
            "ascii_mode": options.pop("ascii_mode", False),
        }
        if local:
            given["local_path"] = package.add_variable("Local", f"C:\\data\\{local}", data_type="String")
        package.add_ftp("Transfer", connection, operation, **given)
        login = {
            "ConnectionString": f"127.0.0.1:{self.port}",
            "ServerUserName": "etl",
            "ServerPassword": options.pop("password", PASSWORD),
            "Retries": options.pop("attempts", "1"),
        }
        found = task_context(
            package.read(), replacements={"Ftp": login}, paths=PathMap((("C:\\data", str(self.local)),))
        )
        element: Any = found.container.data()
        if options.pop("overwrite", False):
            element.element.set("TaskOverwriteDest", "True")
        if (stops := options.pop("stops", None)) is not None:
            element.element.set("StopOnOperationFailure", stops)
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    remote, local = tmp_path / "remote", tmp_path / "local"
    remote.mkdir()
    local.mkdir()
    authorizer = DummyAuthorizer()
    authorizer.add_user("etl", PASSWORD, str(remote), perm="elradfmw")
    handler = type(
        "Handler", (FTPHandler,), {"authorizer": authorizer, "use_sendfile": False, "auth_failed_timeout": 0}
    )
    server = FTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=lambda: server.serve_forever(timeout=0.05, handle_exit=False))
    thread.start()
    yield Site(server.address[1], remote, local)
    server.close_all()
    thread.join()


def test_files_are_sent_and_received(site: Site) -> None:
    content = bytes(range(256)) * 1000
    for name in ("a1.bin", "a2.bin", "other.txt"):
        (site.local / name).write_bytes(content)
    (site.remote / "in").mkdir()
    run_task(site.context("Send", "/in/", "a?.bin"))
    assert sorted(path.name for path in (site.remote / "in").iterdir()) == ["a1.bin", "a2.bin"]
    (site.local / "back").mkdir()
    run_task(site.context("Receive", "/in/*.bin", "back"))
    assert [path.read_bytes() for path in sorted((site.local / "back").iterdir())] == [content, content]


def test_lines_end_as_the_network_has_them_in_ascii_mode(site: Site) -> None:
    (site.local / "a.txt").write_bytes(b"one\ntwo\r\nthree")
    run_task(site.context("Send", "/", "a.txt", ascii_mode=True))
    assert (site.remote / "a.txt").read_bytes().replace(b"\r\n", b"\n") == b"one\ntwo\nthree"


def test_existing_files_are_replaced_only_with_overwrite(site: Site) -> None:
    (site.local / "a.txt").write_text("new")
    (site.remote / "a.txt").write_text("old")
    assert failure_of(lambda: run_task(site.context("Send", "/", "a.txt"))).code == 0xC002918B
    assert (site.remote / "a.txt").read_text() == "old"
    run_task(site.context("Send", "/", "a.txt", overwrite=True))
    assert (site.remote / "a.txt").read_text() == "new"
    (site.remote / "a.txt").write_text("newer")
    assert "exists already" in failure_of(lambda: run_task(site.context("Receive", "/a.txt", "."))).text
    run_task(site.context("Receive", "/a.txt", ".", overwrite=True))
    assert (site.local / "a.txt").read_text() == "newer"


def test_a_received_file_has_the_permissions_of_new_files(site: Site) -> None:
    (site.remote / "a.txt").write_text("x")
    usual = site.local / "usual.txt"
    usual.touch()
    run_task(site.context("Receive", "/a.txt", "."))
    received = site.local / "a.txt"
    assert received.stat().st_mode == usual.stat().st_mode
    received.chmod(0o600)
    run_task(site.context("Receive", "/a.txt", ".", overwrite=True))
    assert received.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in site.local.iterdir()) == ["a.txt", "usual.txt"]


def test_going_on_after_a_failure_is_refused(site: Site) -> None:
    found = [site.context("Receive", "/a.txt", ".", stops=stops) for stops in ("True", "False")]
    assert [
        ["StopOnOperationFailure" in str(one) for one in task_of(each).refusals(each.options)] for each in found
    ] == [
        [],
        [True],
    ]


def test_folders_and_files_are_made_and_removed(site: Site) -> None:
    run_task(site.context("MakeDirRemote", "/made"))
    assert (site.remote / "made").is_dir()
    run_task(site.context("RemoveDirRemote", "/made/"))
    assert not (site.remote / "made").exists()
    for name in ("x1.csv", "x2.csv", "y.csv"):
        (site.remote / name).write_text("x")
        (site.local / name).write_text("x")
    run_task(site.context("DeleteRemote", "/x*.csv"))
    assert [path.name for path in site.remote.iterdir()] == ["y.csv"]
    run_task(site.context("DeleteLocal", local="x*.csv"))
    assert [path.name for path in site.local.iterdir()] == ["y.csv"]
    run_task(site.context("MakeDirLocal", local="made"))
    assert (site.local / "made").is_dir()
    run_task(site.context("RemoveDirLocal", local="made"))
    assert not (site.local / "made").exists()


@pytest.mark.parametrize(
    ("operation", "remote", "local", "options", "code"),
    [
        ("Receive", "/none*.csv", ".", {}, 0xC0029185),
        ("Receive", "/none.csv", ".", {}, 0xC0029185),
        ("Receive", "/a.txt", "missing", {}, 0xC0029184),
        ("Send", "/", "none.csv", {}, 0xC0029183),
        ("Send", "relative", "a.txt", {}, 0xC0029191),
        ("Receive", "/in*/a.txt", ".", {}, 0xC0029191),
        ("DeleteRemote", "", "", {}, 0xC002917A),
        ("RemoveDirRemote", "/none", "", {}, 0xC002918D),
        ("Send", "/none", "a.txt", {}, 0xC002918B),
        ("Send", "/", "a.txt", {"password": "wr0ng"}, 0xC002918F),
    ],
)
def test_faults(site: Site, operation: str, remote: str, local: str, options: dict[str, str], code: int) -> None:
    (site.local / "a.txt").write_text("x")
    failure = failure_of(lambda: run_task(site.context(operation, remote, local, **options)))
    assert failure.code == code, failure.text
    assert "wr0ng" not in failure.text


def test_a_server_that_cannot_be_reached(site: Site) -> None:
    found = site.context("MakeDirRemote", "/x")
    unreachable = Site(1, site.remote, site.local).context("MakeDirRemote", "/x")
    assert failure_of(lambda: run_task(unreachable)).code == 0xC002918F
    assert not list(task_of(found).refusals(found.options))


@pytest.mark.parametrize(("text", "timeout", "attempts"), [("", 60, 5), ("0", None, 0), ("7", 7, 7)])
def test_0_sets_no_limit(text: str, timeout: int | None, attempts: int) -> None:
    values = {"Timeout": text, "Retries": text}
    server = ftp_server(RunConnection("Ftp", "{1}", "FTP", "FTP", "files:21", values))
    assert (server.timeout, server.attempts) == (timeout, attempts)


def test_cancelling_ends_attempts_without_a_limit(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        site.port = closed.getsockname()[1]
    found = site.context("DeleteRemote", "/a", attempts="0")
    threading.Timer(0.1, found.cancel.cancel).start()
    with pytest.raises(Cancelled):
        run_task(found)

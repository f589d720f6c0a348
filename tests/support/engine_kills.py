"""Runs of packages that are ended at a random moment, and what may be left of them.

Each :class:`Trial` makes a package, its files and its tables, runs it, ends it in some way, and then checks: no process
of the run is alive, other sessions can lock its tables, tables have whole batches, no temporary folder is left, and a
run that reports success has done all of its work.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyodbc

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.control_flow.running import run_package
from airflow_provider_ssis.engine.process.job import RunJob
from airflow_provider_ssis.engine.process.parent import EngineProcess, EngineProcessDied
from airflow_provider_ssis.engine.temporary_folders import remove_abandoned_folders
from airflow_provider_ssis.project.builder.executables import Options
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from tests.support.databases import TestDatabase
from tests.support.flow_runs import integer, text
from tests.support.waiting import wait_until

ROWS, COMMIT_SIZE, TURNS = 40_000, 5_000, 12
STUB = "Provider=MSOLEDBSQL.1;Data Source=.;"
COLUMNS = [Column("id", "DT_I4"), Column("name", "DT_WSTR", length=50)]
_LINES = [f"{number},{'name' * 8}{number}" for number in range(ROWS)]
_SECONDS = 20.0
"""How long the system and the server may take to notice the end of a process."""


class Proxy:
    """Forwards connections to a server until they are cut.

    :param host: the server's address.
    :param port: the server's port.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self._open += [client, server]
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=_forward, args=(source, target), daemon=True).start()

    def cut(self) -> None:
        """Cut all connections; new ones are accepted."""
        while self._open:
            _end(self._open.pop())

    def close(self) -> None:
        """Cut all connections and accept no more."""
        _end(self._listener)
        self.cut()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    _end(source)
    _end(target)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@dataclass
class Trial:
    """One run.

    :param folder: an empty folder.
    :param database: where its tables are.
    """

    folder: Path
    database: TestDatabase
    project: ProjectBuilder = field(default_factory=lambda: ProjectBuilder("Kill"))

    def __post_init__(self) -> None:
        self.package = self.project.add_package("Kill")
        self.temporary = self.folder / "temporary"
        self.temporary.mkdir()
        self.database.create("killed", "id int", "name nvarchar(50)")
        self.manager = self.package.connection_managers.add_oledb("Mart", STUB)

    def file(self, name: str) -> Any:
        """A connection manager for a text file of the folder."""
        return self.package.connection_managers.add_flat_file(
            name, str(self.folder / f"{name}.txt"), [integer("id"), text("name")], header=False, row_delimiter="\n"
        )

    def count(self) -> int:
        """The rows of the table."""
        return int(self.database.rows("SELECT COUNT(*) FROM killed")[0][0])

    def lines(self, name: str) -> list[str]:
        """The lines of a file; none if there is no file."""
        path = self.folder / f"{name}.txt"
        return path.read_text().splitlines() if path.exists() else []


Check = Callable[[bool], None]
"""Checks tables and files; the argument is whether the run reported success."""


def transaction(trial: Trial) -> Check:
    """Statements in a transaction of the package, and one that waits."""
    sequence = trial.package.add_sequence("All", options=Options(transaction_option=2))
    first = sequence.add_execute_sql("First", trial.manager, "INSERT INTO killed VALUES (1, 'a')")
    waiting = sequence.add_execute_sql("Wait", trial.manager, "WAITFOR DELAY '00:00:00.300'")
    second = sequence.add_execute_sql("Second", trial.manager, "INSERT INTO killed VALUES (2, 'b')")
    sequence.connect(first, waiting, second)

    def check(succeeded: bool) -> None:
        assert trial.count() in ((2,) if succeeded else (0, 2))

    return check


def processes(trial: Trial) -> Check:
    """A program with a child, and one in another session."""
    script = "sleep 300 & A=$!; setsid sleep 300 & B=$!; sleep 0.3; kill $A $B; echo whole > done.txt"
    trial.package.add_execute_process("Start", "sh", f'-c "{script}"', working_directory=str(trial.folder))

    def check(succeeded: bool) -> None:
        assert not succeeded or trial.lines("done") == ["whole"]

    return check


def load(trial: Trial) -> Check:
    """A text file into a table, in batches."""
    return _load(trial, COMMIT_SIZE)


def load_at_once(trial: Trial) -> Check:
    """A text file into a table, in one transaction."""
    return _load(trial, 0)


def _load(trial: Trial, commit_size: int) -> Check:
    (trial.folder / "in.txt").write_text("\n".join(_LINES) + "\n")
    flow = trial.package.add_data_flow("Load")
    source = flow.add_flat_file_source("Read", trial.file("in"))
    flow.add_oledb_destination("Write", source.output, trial.manager, "killed", commit_size=commit_size)

    def check(succeeded: bool) -> None:
        ids = sorted(row[0] for row in trial.database.rows("SELECT id FROM killed"))
        # Where a batch ends depends on the buffers, but no row before its end is missing.
        assert ids == list(range(len(ids)))
        assert len(ids) == ROWS or not (succeeded or (ids and not commit_size)), len(ids)

    return check


def export(trial: Trial) -> Check:
    """A table into a text file."""
    values = ",".join(f"({number}, 'name{number}')" for number in range(500))
    trial.database.run(*[f"INSERT INTO killed VALUES {values}"] * 6)
    flow = trial.package.add_data_flow("Export")
    source = flow.add_oledb_source("Read", trial.manager, COLUMNS, table="killed")
    flow.add_flat_file_destination("Write", source.output, trial.file("out"))
    expected = sorted([f"{number},name{number}" for number in range(500)] * 6)

    def check(succeeded: bool) -> None:
        assert not succeeded or sorted(trial.lines("out")) == expected

    return check


def sort(trial: Trial) -> Check:
    """A text file, sorted backwards, into another one."""
    (trial.folder / "in.txt").write_text("\n".join(_LINES) + "\n")
    flow = trial.package.add_data_flow("Sort")
    source = flow.add_flat_file_source("Read", trial.file("in"))
    ordered = flow.add_sort("Order", source.output, ["name"])
    flow.add_flat_file_destination("Write", ordered.output, trial.file("out"))

    def check(succeeded: bool) -> None:
        assert not succeeded or sorted(trial.lines("out")) == sorted(_LINES)

    return check


def loop(trial: Trial) -> Check:
    """A loop that inserts a row and copies a file in each iteration."""
    content = b"x" * 300_000
    (trial.folder / "in.bin").write_bytes(content)
    trial.package.add_variable("Turn", 0)
    target = trial.package.add_variable(
        "Target", "", expression=f'"{trial.folder}/" + (DT_WSTR, 9)@[User::Turn] + ".copy"'
    )
    source = trial.package.connection_managers.add_file("In", str(trial.folder / "in.bin"))
    each = trial.package.add_for_loop(
        "Loop", f"@[User::Turn] < {TURNS}", init="@[User::Turn] = 0", assign="@[User::Turn] = @[User::Turn] + 1"
    )
    insert = each.add_execute_sql("Insert", trial.manager, "INSERT INTO killed VALUES (1, 'a')")
    copy = each.add_file_system("Copy", "CopyFile", source, target)
    each.connect(insert, copy)

    def check(succeeded: bool) -> None:
        copies = list(trial.folder.glob("*.copy"))
        assert all(copy.read_bytes() == content for copy in copies)
        assert len(copies) <= trial.count() <= len(copies) + 1
        assert not succeeded or (len(copies), trial.count()) == (TURNS, TURNS)

    return check


SCENARIOS: Mapping[str, Callable[[Trial], Check]] = {
    one.__name__: one for one in (transaction, processes, load, load_at_once, export, sort, loop)
}


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    :param status: ``success``, ``failure``, ``canceled`` or ``died``.
    :param seconds: how long the run took.
    """

    status: str
    seconds: float


def try_once(
    scenario: str, way: str, seconds: float, database: TestDatabase, server: tuple[str, int], folder: Path
) -> Outcome:
    """Run a package, end it after some seconds, and check what is left.

    :param scenario: one of :data:`SCENARIOS`.
    :param way: one of :data:`WAYS`.
    :param seconds: when the run is ended, from its start; in a separate process, from its first event.
    :param server: the address of the database's server.
    """
    trial = Trial(folder, database)
    check = SCENARIOS[scenario](trial)
    path = folder / "Kill.ispac"
    path.write_bytes(trial.project.to_ispac())
    proxy = Proxy(*server)
    manager = database.manager.replace(f"{server[0]},{server[1]}", f"127.0.0.1,{proxy.port}")
    began = time.monotonic()
    try:
        with _temporary_files_in(trial.temporary):
            run = _run_here if way in HERE else _run_in_process
            job = RunJob(source=str(path), connections={"Mart": manager})
            status = run(way, job, seconds, proxy, trial.temporary)
        took = time.monotonic() - began
        wait_until(lambda: not _processes_in(folder), "no process of the run is left", seconds=_SECONDS)
        remove_abandoned_folders(str(trial.temporary))
        assert not list(trial.temporary.iterdir()), "a temporary folder is left"
        if way != "cut":
            proxy.close()
        _lock(database)
        check(status == "success")
    finally:
        proxy.close()
    return Outcome(status, took)


def _run_here(way: str, job: RunJob, seconds: float, proxy: Proxy, temporary: Path) -> str:
    cancel = CancelToken()
    end = {"cancel": cancel.cancel, "cut": proxy.cut, "nothing": lambda: None}[way]
    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        options = RunOptions(temp_folder=str(temporary), memory_limit=1 << 20)
        result = run_package(
            job.source,
            connections=job.connections,
            cancel=cancel,
            options=options,
        )
        status = result.status.name.lower()
    finally:
        timer.cancel()
        timer.join()
    names = [one.name for one in threading.enumerate() if one.name.startswith("ssis-") and "emulator" not in one.name]
    assert not [name for name in names if name.startswith(("ssis-Read", "ssis-Order", "ssis-Write"))], names
    return status


def _run_in_process(way: str, job: RunJob, seconds: float, proxy: Proxy, temporary: Path) -> str:
    with EngineProcess(job) as process:
        end = {
            "cancel the process": process.cancel,
            "kill the process": lambda: _kill(process.pid),
            "limit the files": lambda: _limit(process.pid),
        }[way]
        events = process.events()
        next(events, None)
        timer = threading.Timer(seconds, end)
        timer.start()
        try:
            for _ in events:
                pass
            folder = temporary.parent
            # Before the parent cleans up: the system may kill an engine that has no parent.
            wait_until(lambda: not _processes_in(folder, besides=process.pid), "no process is left", seconds=_SECONDS)
            return process.result().status
        except EngineProcessDied:
            return "died"
        finally:
            timer.cancel()
            timer.join()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _limit(pid: int) -> None:
    """Let the writes of a process fail, as on a full disk."""
    with suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, 4096))


HERE = ("cancel", "cut", "nothing")
WAYS = (*HERE, "cancel the process", "kill the process", "limit the files")


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = None
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before


def _processes_in(folder: Path, besides: int = 0) -> list[int]:
    """The processes whose working folder or command line has the folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state = (each / "stat").read_text().rpartition(")")[2].split()[0]
            is_here = (each / "cwd").readlink() == folder or str(folder).encode() in (each / "cmdline").read_bytes()
            if state != "Z" and is_here and int(each.name) not in (besides, os.getpid()):
                found.append(int(each.name))
    return found


def _lock(database: TestDatabase) -> None:
    """Lock the table from another session, which must be possible at once."""
    connection = pyodbc.connect(database.odbc, autocommit=True)
    try:
        connection.execute(f"SET LOCK_TIMEOUT {int(_SECONDS * 1000)}")
        connection.execute("BEGIN TRANSACTION")
        connection.execute("UPDATE killed SET name = name")
        connection.execute("DROP TABLE IF EXISTS killed_copy")
        connection.execute("ROLLBACK TRANSACTION")
    finally:
        connection.close()


def random_moment(chooser: random.Random, longest: float) -> float:
    """A random number of seconds, often near the start."""
    return float(longest * chooser.random() ** 1.5)

"""Execute Process: arguments, exit codes, redirection, time limits, and cancelling."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.engine.connections.paths import PathMap
from airflow_provider_ssis.engine.errors import Cancelled
from airflow_provider_ssis.engine.tasks import process_guard
from airflow_provider_ssis.engine.tasks.command_line import split_arguments
from airflow_provider_ssis.engine.tasks.guarded_process import GuardedProcess
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from tests.support.engine import Context, failure_of, run_task, task_context, task_of
from tests.support.small_packages import saved
from tests.support.waiting import wait_until


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" a  b\tc ", ["a", "b", "c"]),
        ('"a b" c', ["a b", "c"]),
        (r"C:\x\ y", ["C:\\x\\", "y"]),
        (r'"C:\x y\\" z', ["C:\\x y\\", "z"]),
        (r"say \"hi\"", ["say", '"hi"']),
        ('"a""b" ""', ['a"b', ""]),
        (r"a\\\"b", ['a\\"b']),
        ('-q="select 1" x', ["-q=select 1", "x"]),
    ],
)
def test_arguments_are_split_as_windows_programs_do(text: str, expected: list[str]) -> None:
    assert split_arguments(text) == expected


def context(executable: str, arguments: str = "", paths: PathMap | None = None, **options: Any) -> Context:
    package = ProjectBuilder("P").add_package("Test")
    for name in ("Input", "Output", "Errors"):
        variable = package.add_variable(name, "given\n" if name == "Input" else "", data_type="String")
        stored = {"Input": "standard_input_variable", "Output": "standard_output_variable"}.get(
            name, "standard_error_variable"
        )
        if options.pop("redirects", True) is False:
            options["redirects"] = False
        else:
            options[stored] = variable
    options.pop("redirects", None)
    package.add_execute_process("Start", executable, arguments, **options)
    return task_context(package.read(), paths=paths)


@pytest.mark.processes
class TestProcesses:
    """Real programs."""

    def test_input_and_output_are_variables(self, tmp_path: Path) -> None:
        found = context("sh", '-c "cat; echo $PWD >&2"', working_directory=str(tmp_path))
        assert run_task(found) == 0
        assert found.read("Output") == "given\n"
        assert found.read("Errors").strip() == str(tmp_path.resolve())

    def test_another_exit_code_fails(self) -> None:
        failure = failure_of(lambda: run_task(context("sh", '-c "exit 3"')))
        assert (failure.code, "exit code 3" in failure.text) == (0xC0029151, True)
        assert run_task(context("sh", '-c "exit 3"', success_value=3)) == 3
        assert run_task(context("sh", '-c "exit 3"', fail_on_other_return_code=False)) == 3

    def test_a_windows_program_is_mapped(self) -> None:
        rules = PathMap((("C:\\Tools\\true.exe", "/bin/true"), ("snowsql.exe", "/bin/true")))
        assert run_task(context("C:\\Tools\\true.exe", paths=rules)) == 0
        assert run_task(context("snowsql.exe", paths=rules)) == 0

    def test_a_time_limit_ends_the_process_and_its_children(self, tmp_path: Path) -> None:
        pid = tmp_path / "pid"
        command = f'-c "sleep 60 & echo $! > {pid}; wait"'
        failure = failure_of(lambda: run_task(context("sh", command, timeout=1)))
        assert failure.code == 0xC002914C
        assert not is_running(int(pid.read_text()))

    def test_cancelling_kills_the_process_and_its_children(self, tmp_path: Path) -> None:
        pid = tmp_path / "pid"
        found = context("sh", f'-c "sleep 60 & echo $! > {pid}; wait"')

        def cancel() -> None:
            while not (pid.exists() and pid.read_text().strip()):
                threading.Event().wait(0.01)
            found.cancel.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(Cancelled):
            run_task(found)
        thread.join()
        assert not is_running(int(pid.read_text()))

    def test_cancelling_kills_children_in_other_sessions(self, tmp_path: Path) -> None:
        found = context("sh", f'-c "{STAYS.format(folder=tmp_path)}; wait"')

        def cancel() -> None:
            pids(tmp_path)
            found.cancel.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(Cancelled):
            run_task(found)
        thread.join()
        assert not [pid for pid in pids(tmp_path) if is_running(pid)]

    def test_a_killed_engine_leaves_no_program_and_no_child_of_it(self, tmp_path: Path) -> None:
        """The system kills the engine alone, and nothing cleans up after it."""
        package = ProjectBuilder("P").add_package("Test")
        package.add_execute_process("Start", "sh", f'-c "{STAYS.format(folder=tmp_path)}; wait"')
        command = [sys.executable, "-m", "airflow_provider_ssis.cli.main", "run", str(saved(package, tmp_path))]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as engine:
            started = pids(tmp_path)
            engine.kill()
        assert not [pid for pid in started if is_running(pid)]

    def test_an_engine_that_ends_before_it_reads_a_report_leaves_nothing(self, tmp_path: Path) -> None:
        engine, guard = socket.socketpair()
        program = ["/bin/sh", "-c", f"{STAYS.format(folder=tmp_path)}; wait"]
        command = [sys.executable, "-I", "-S", process_guard.__file__, str(guard.fileno()), "program", *program]
        with subprocess.Popen(command, pass_fds=[guard.fileno()], start_new_session=True) as process:
            guard.close()
            started = pids(tmp_path)
            assert engine.recv(100, socket.MSG_PEEK) == b"started\n"
            engine.close()
            assert process.wait(60) == 0
        assert not [pid for pid in started if is_running(pid)]

    def test_a_killed_guard_ends_its_program(self, tmp_path: Path) -> None:
        process = GuardedProcess(["/bin/sleep", "60"], tmp_path, (subprocess.DEVNULL,) * 3)
        try:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate(None, 60)
            assert process.exit_code() == -signal.SIGKILL
        finally:
            process.close()
        wait_until(lambda: not [one for one in Path("/proc").glob("[0-9]*/cwd") if leads_to(one, tmp_path)])

    def test_a_program_may_leave_processes_in_the_background(self, tmp_path: Path) -> None:
        """As on Windows: the task ends with its program. Those that hold its output are waited for."""
        for redirects in (True, False):
            command = f"sleep 60 >/dev/null 2>&1 & echo $! > {tmp_path}/left.{redirects}; echo done"
            found = context("sh", f'-c "{command}"', redirects=redirects)
            assert run_task(found) == 0
            pid = int((tmp_path / f"left.{redirects}").read_text())
            assert Path(f"/proc/{pid}").exists()
            os.kill(pid, signal.SIGKILL)

    def test_a_process_that_may_outlive_its_time_is_left_running(self, tmp_path: Path) -> None:
        command = f"echo $$ > {tmp_path}/left; exec sleep 60"
        found = context("sh", f'-c "{command}"', redirects=False, timeout=1, terminate_after_timeout=False)
        assert "left running" in failure_of(lambda: run_task(found)).text
        left = tmp_path / "left"
        wait_until(lambda: left.exists() and left.read_text().endswith("\n"), "the program has written its id")
        pid = int(left.read_text())
        assert Path(f"/proc/{pid}").exists()
        os.kill(pid, signal.SIGKILL)

    def test_a_program_has_the_default_signals_and_one_session(self) -> None:
        """Otherwise a program whose reader ends would not end."""
        found = context("sh", '-c "cat /proc/self/status; ps -o sid=,pid= $$"')
        assert run_task(found) == 0
        lines = str(found.read("Output")).splitlines()
        ignored = next(line for line in lines if line.startswith("SigIgn:"))
        assert int(ignored.split()[1], 16) & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)) == 0
        session, pid = lines[-1].split()
        assert session == pid

    def test_a_file_that_is_not_a_program_fails(self, tmp_path: Path) -> None:
        path = tmp_path / "tool.exe"
        path.write_bytes(b"MZ")
        path.chmod(0o755)
        failure = failure_of(lambda: run_task(context(str(path))))
        assert (failure.code, "cannot be started" in failure.text) == (0xC0029153, True)


STAYS = (
    "sleep 60 & echo $! > {folder}/1.pid; setsid sleep 60 & echo $! > {folder}/2.pid; "
    "(setsid sh -c 'sleep 60 & echo $! > {folder}/3.pid'); echo > {folder}/ready"
)
"""Starts a child, one in a different session, and one there whose parent has ended."""


def pids(folder: Path) -> list[int]:
    """The processes that :data:`STAYS` started; waits for it."""
    wait_until((folder / "ready").exists)
    return [int((folder / f"{number}.pid").read_text()) for number in (1, 2, 3)]


def leads_to(link: Path, folder: Path) -> bool:
    try:
        return link.readlink() == folder
    except OSError:
        return False


def is_running(pid: int) -> bool:
    """Whether a process exists and is not a zombie; waits a little for the end of one that was killed."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return False
        if state == "Z":
            return False
        threading.Event().wait(0.01)
    return True


@pytest.mark.parametrize(
    ("executable", "options", "code"),
    [
        ("C:\\Windows\\System32\\cmd.exe", {}, 0xC002F304),
        ("no-such-program.exe", {}, 0xC0029154),
        ("/no/such/program", {}, 0xC0029153),
        (" ", {}, 0xC002914D),
        ("sh", {"working_directory": "/no/such/folder"}, 0xC0029156),
    ],
)
def test_faults_are_found_before_the_run(executable: str, options: dict[str, Any], code: int) -> None:
    found = context(executable, **options)
    assert failure_of(lambda: task_of(found).validate(found)).code == code


def test_a_missing_program_is_a_warning_without_require_full_file_name() -> None:
    found = context("no-such-program", require_full_file_name=False)
    task_of(found).validate(found)
    assert found.codes("warning") == [0x80029185]
    assert failure_of(lambda: run_task(found)).code == 0xC0029154


@pytest.mark.processes
def test_output_that_is_not_utf_8_is_a_warning() -> None:
    found = context("printf", r'"\377a"', standard_output_variable="User::Output")
    run_task(found)
    assert (found.read("User::Output"), found.codes("warning")) == ("\ufffda", [0])


def test_a_process_that_may_outlive_the_task_cannot_be_redirected() -> None:
    found = context("sh", timeout=1, terminate_after_timeout=False)
    assert ["0xC002914B" in str(each) for each in task_of(found).refusals(found.options)] == [True]
    plain = context("sh", redirects=False, timeout=1, terminate_after_timeout=False)
    assert not list(task_of(plain).refusals(plain.options))

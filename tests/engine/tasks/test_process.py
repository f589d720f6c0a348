"""Execute Process: arguments, exit codes, redirection, time limits, and cancelling."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.engine.connections.paths import PathMap
from airflow_provider_ssis.engine.errors import Cancelled
from airflow_provider_ssis.engine.tasks.command_line import split_arguments
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from tests.support.engine import Context, failure_of, run_task, task_context, task_of


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

    def test_a_file_that_is_no_program_fails(self, tmp_path: Path) -> None:
        path = tmp_path / "tool.exe"
        path.write_bytes(b"MZ")
        path.chmod(0o755)
        failure = failure_of(lambda: run_task(context(str(path))))
        assert (failure.code, "cannot be started" in failure.text) == (0xC0029153, True)


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie; waits a little for the end of one that was killed."""
    end = time.monotonic() + 5
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
        ("C:\\Windows\\System32\\cmd.exe", {}, 0xC002F306),
        ("no-such-program.exe", {}, 0xC0029154),
        ("/no/such/program", {}, 0xC0029153),
        (" ", {}, 0xC002914D),
        ("sh", {"working_directory": "/no/such/folder"}, 0xC0029156),
    ],
)
def test_faults_are_found_before_the_run(executable: str, options: dict[str, Any], code: int) -> None:
    found = context(executable, **options)
    assert failure_of(lambda: task_of(found).validate(found)).code == code


def test_a_process_that_may_outlive_the_task_cannot_be_redirected() -> None:
    found = context("sh", timeout=1, terminate_after_timeout=False)
    assert ["0xC002914B" in str(each) for each in task_of(found).refusals(found.options)] == [True]
    plain = context("sh", redirects=False, timeout=1, terminate_after_timeout=False)
    assert not list(task_of(plain).refusals(plain.options))

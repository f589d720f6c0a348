"""Packages that run in a separate process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from airflow_provider_ssis.engine.events import ExecutableEnded, Message
from airflow_provider_ssis.engine.process.job import RunJob
from airflow_provider_ssis.engine.process.parent import EngineProcess, EngineProcessDied
from tests.support.small_packages import TURNS, counting, endless, failing, refused, saved
from tests.support.waiting import wait_until

pytestmark = pytest.mark.processes
SECRET = "c4nary-s3cret"


def job(package: Path, **values: object) -> RunJob:
    return RunJob(source=str(package), **values)  # type: ignore[arg-type]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text() if Path(f"/proc/{pid}").exists() else False


def test_a_package_runs_and_its_events_arrive_in_their_order(tmp_path: Path) -> None:
    with EngineProcess(job(saved(counting(), tmp_path))) as process:
        events = list(process.events())
        result = process.result()
    assert (result.status, result.exit_code, result.error) == ("success", 0, None)
    turns = [event for event in events if isinstance(event, ExecutableEnded) and event.place.name == "Turn"]
    assert [turn.place.execution_path for turn in turns] == [
        f"\\Package\\Loop[{number}]\\Turn" for number in range(1, TURNS + 1)
    ]


def test_a_package_that_fails_has_the_exit_code_of_dtexec(tmp_path: Path) -> None:
    with EngineProcess(job(saved(failing(), tmp_path))) as process:
        texts = [event.text for event in process.events() if isinstance(event, Message)]
        result = process.result()
    assert (result.status, result.exit_code) == ("failure", 1)
    assert any("\\Package\\Broken" in text for text in texts)


def test_a_refused_package_is_not_run_and_says_why(tmp_path: Path) -> None:
    with EngineProcess(job(saved(refused(), tmp_path))) as process:
        assert list(process.events()) == []
        result = process.result()
    assert (result.status, result.exit_code) == ("refused", 5)
    assert any("Clean Up" in refusal for refusal in result.refusals)


def test_a_missing_file_and_a_missing_script_are_errors_before_the_run(tmp_path: Path) -> None:
    for given in (job(tmp_path / "No.dtsx"), job(saved(counting(), tmp_path), scripts={"\\Package\\X": "no_module:f"})):
        with EngineProcess(given) as process:
            assert list(process.events()) == []
            result = process.result()
        assert (result.status, result.exit_code) == ("not_loaded", 5)
        assert result.error


def test_a_canceled_package_ends(tmp_path: Path) -> None:
    with EngineProcess(job(saved(endless(), tmp_path))) as process:
        events = process.events()
        next(event for event in events if isinstance(event, ExecutableEnded))
        process.cancel()
        for _ in events:
            pass
        result = process.result()
    assert (result.status, result.exit_code) == ("canceled", 3)


_SCRIPT = """
import subprocess, sys, threading

def read(task):
    program = subprocess.run(["cat"], capture_output=True, check=True)
    task.information(repr((sys.stdin.read(), program.stdout)))

def hang(task):
    task.information("hangs")
    threading.Event().wait()
"""


@pytest.fixture
def with_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a script, and a module with functions for it in a folder of the import path."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "functions_for_scripts.py").write_text(_SCRIPT)
    monkeypatch.syspath_prepend(folder)
    return saved(refused(), tmp_path)


def test_a_script_has_an_empty_standard_input(with_script: Path) -> None:
    scripts = {"\\Package\\Clean Up": "functions_for_scripts:read"}
    with EngineProcess(job(with_script, scripts=scripts)) as process:
        texts = [event.text for event in process.events() if isinstance(event, Message)]
        assert process.result().status == "success"
    assert "Clean Up:Information: ('', b'')" in texts


def test_a_script_that_cannot_be_cancelled_is_killed(with_script: Path) -> None:
    scripts = {"\\Package\\Clean Up": "functions_for_scripts:hang"}
    with EngineProcess(job(with_script, scripts=scripts)) as process:
        next(event for event in process.events() if isinstance(event, Message) and event.text.endswith("hangs"))
        process.cancel(kill_after=0.1)
        for _ in process.events():
            pass
        result = process.result()
    assert (result.status, result.exit_code) == ("canceled", 3)


def test_a_killed_process_is_not_a_success(tmp_path: Path) -> None:
    with EngineProcess(job(saved(endless(), tmp_path))) as process:
        next(process.events())
        os.kill(process.pid, signal.SIGKILL)
        for _ in process.events():
            pass
        with pytest.raises(EngineProcessDied, match="SIGKILL"):
            process.result()


def test_leaving_the_block_kills_the_process(tmp_path: Path) -> None:
    with EngineProcess(job(saved(endless(), tmp_path))) as process:
        next(process.events())
        pid = process.pid
        assert is_alive(pid)
    assert not is_alive(pid)


def test_the_process_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from airflow_provider_ssis.engine.process.job import RunJob\n"
        "from airflow_provider_ssis.engine.process.parent import EngineProcess\n"
        "process = EngineProcess(RunJob(source=sys.argv[1]))\n"
        "next(process.events())\n"
        "print(process.pid, flush=True)\n"
        "for _ in process.events(): pass\n"
    )
    command = [sys.executable, "-c", program, str(saved(endless(), tmp_path))]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stderr is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
        parent.wait()
        wait_until(lambda: not is_alive(pid), "the engine's process has ended")
        assert parent.stderr.read() == ""


def test_secrets_are_in_no_list_of_processes_and_no_environment(tmp_path: Path) -> None:
    values = {"$Package::Key": SECRET}
    with EngineProcess(job(saved(endless(), tmp_path), parameters=values, password=SECRET)) as process:
        folder = Path(f"/proc/{process.pid}")
        shown = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
    assert SECRET.encode() not in shown


def test_the_values_of_a_job_keep_their_types() -> None:
    values = {
        "moment": datetime(2026, 11, 29, 12, 0, 0, 5),
        "number": Decimal("1.50"),
        "id": UUID(int=7),
        "bytes": b"\x00\xff",
        "text": "Größe",
        "flag": True,
        "whole": 2**62,
        "nothing": None,
    }
    given = RunJob(source="Load.dtsx", parameters=values, secret_texts=(SECRET,), password=SECRET)
    read = RunJob.from_json(given.to_json())
    assert read == given
    assert [type(value) for value in read.parameters.values()] == [type(value) for value in values.values()]
    assert SECRET not in repr(given)


@pytest.mark.parametrize("text", ["[]", "{}", '{"source": "x", "unknown": 1}'])
def test_other_json_is_not_a_job(text: str) -> None:
    with pytest.raises(ValueError, match="not a job"):
        RunJob.from_json(text)

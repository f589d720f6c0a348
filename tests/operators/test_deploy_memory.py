"""The memory of a deployment grows with the size of the project file once, not with each thing done with the file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.project.archive import archive_of
from tests.support.ssis_projects import ispac_parts, make_project, package

MEBIBYTE = 2**20
SIZE = 48 * MEBIBYTE

# One deployment first, so that libraries, drivers and caches are loaded before the measurement.
PROGRAM = """
import sys
from pathlib import Path
from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from tests.support.task_runs import TaskRun

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

def deploy(path):
    operator = SsisDeployProjectOperator(task_id="deploy", source=path, folder="Sales", create_folder=True)
    return TaskRun(operator).execute()["deployed"]

small, large = sys.argv[1:]
deploy(small)
before = peak()
assert deploy(large) is True
print("ratio", (peak() - before) / Path(large).stat().st_size)
"""


def project_file(path: Path, size: int) -> Path:
    """Write a project file of about some size. Its scripts are random, as if they were compressed already."""
    names = [f"P{number}.dtsx" for number in range(6)]
    parts = ispac_parts(make_project(path.stem, [package(name) for name in names]))
    for name in names:
        script = os.urandom(size // len(names) // 2).hex().encode()
        parts[name] = parts[name].replace(
            b"<DTS:Variables/>", b"<DTS:ObjectData><Script>" + script + b"</Script></DTS:ObjectData>"
        )
    path.write_bytes(archive_of(parts))
    return path


@pytest.mark.processes
def test_the_memory_of_a_deployment_is_at_most_one_and_a_half_times_the_file(
    ssisdb: SsisdbEmulator, tmp_path: Path
) -> None:
    """With Microsoft's driver, which sends the bytes as they are; FreeTDS holds a copy."""
    small, large = project_file(tmp_path / "Small.ispac", 1000), project_file(tmp_path / "Large.ispac", 2 * SIZE)
    command = [sys.executable, "-c", PROGRAM, str(small), str(large)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (ratio,) = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("ratio")]
    assert float(ratio) < 1.5

"""The tests of everything that meets Airflow, on each supported version of it, in an environment of its own.

``nox --list`` shows the sessions, ``nox --session 'airflow(2.11.2)'`` runs one. ``make test-versions`` runs all,
``make test`` the oldest; the newest is what ``.venv`` has.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["airflow"]

NEWEST = "3.3.2"
VERSIONS: dict[str, tuple[str, ...]] = {
    "2.11.2": (),
    # The client sends JSON without saying so, which later FastAPI refuses.
    "3.0.6": ("fastapi<0.118", "cadwyn<6"),
    "3.1.8": (),
    # Later FastAPI cannot read its models; later svcs takes its registry away when a helper object is collected.
    "3.2.2": ("fastapi<0.137", "svcs<26"),
    NEWEST: (),
}
"""Versions of Airflow, and what its dependencies must be held at to work today. Airflow states only lower bounds."""

TESTS = [
    "tests/test_provider_info.py",
    "tests/test_retry_policy.py",
    "tests/cli/test_doctor.py",
    *(f"tests/{part}" for part in ("example_dags", "executions", "hooks", "operators", "sensors", "triggers")),
]
"""What depends on Airflow; the rest of the package never imports it."""

INCUMBENT = "airflow-ssis-provider"
"""What people have used so far; constraints.txt says which version."""

EACH_VERSION = [nox.param(version, id=version) for version in VERSIONS]


@nox.session(reuse_venv=True)
@nox.parametrize("airflow", EACH_VERSION)
def airflow(session: nox.Session, airflow: str) -> None:
    """Run the tests on a version of Airflow."""
    _install(session, airflow, "--editable", ".[test]")
    session.run("python", "-m", "pytest", "--numprocesses=3", "-p", "no:cacheprovider", *(session.posargs or TESTS))


@nox.session(reuse_venv=False)
@nox.parametrize("airflow", EACH_VERSION)
def lock(session: nox.Session, airflow: str) -> None:
    """Lock a version's dependencies anew, at the newest that go together."""
    if airflow == NEWEST:
        session.skip("constraints.txt locks the newest; its first lines say how it is renewed")
    session.install(f"apache-airflow=={airflow}", "--editable", ".[test]", *VERSIONS[airflow])
    said = session.run("python", "-m", "pip", "freeze", "--exclude-editable", silent=True)
    frozen = "".join(f"{line}\n" for line in str(said).splitlines() if "==" in line)
    head = f"# Locked versions for the tests on Airflow {airflow}. Renew: nox --session 'lock({airflow})'\n"
    _constraints(airflow).write_text(head + frozen)


@nox.session(reuse_venv=True)
def incumbent(session: nox.Session) -> None:
    """Make the environment in which ``make bench`` measures the incumbent: our Python and Airflow, nothing of ours."""
    _install(session, NEWEST, INCUMBENT)


def _constraints(airflow: str) -> Path:
    return Path("constraints.txt" if airflow == NEWEST else f"constraints/airflow-{airflow}.txt")


def _install(session: nox.Session, airflow: str, *packages: str) -> None:
    """Install packages beside Airflow with locked versions, unless that has been done; a stamp says so."""
    constraints = _constraints(airflow)
    wanted = hashlib.sha256(Path("pyproject.toml").read_bytes() + constraints.read_bytes()).hexdigest()
    stamp = Path(session.virtualenv.location) / ".installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        session.install("--constraint", str(constraints), f"apache-airflow=={airflow}", *packages)
        stamp.write_text(wanted)

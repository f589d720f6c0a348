"""Tests on each supported version of Airflow and of Python, each in a separate environment.

``nox --list`` shows the sessions; ``nox --session 'airflow(2.11.2)'`` runs one. ``make test-versions`` runs the tests
on all versions of Airflow, ``make test`` on the oldest; ``.venv`` has the newest release.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["airflow"]

NEWEST = "3.3.2"
PRE_RELEASE = "3.4.0b2"
VERSIONS: dict[str, tuple[str, ...]] = {
    "2.11.2": (),
    # The client sends JSON without a content type, which later versions of FastAPI refuse.
    "3.0.6": ("fastapi<0.118", "cadwyn<6"),
    "3.1.8": (),
    # Later FastAPI cannot read its models; later svcs closes its registry when an auxiliary object is collected.
    "3.2.2": ("fastapi<0.137", "svcs<26"),
    NEWEST: (),
    PRE_RELEASE: (),
}
"""Versions of Airflow, each with limits on its dependencies, since Airflow states only lower bounds for most."""

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""Supported versions of Python, as pyproject.toml has them."""

AIRFLOW_TESTS = [
    "tests/test_provider_info.py",
    "tests/test_retry_policy.py",
    "tests/cli/test_doctor.py",
    *(f"tests/{part}" for part in ("example_dags", "executions", "hooks", "operators", "sensors", "triggers")),
    # Only a whole Airflow has a triggerer that can fail.
    "tests/processes/test_short_packages.py::test_on_sqlite",
]
"""The tests that depend on Airflow; the rest of the package never imports it."""

INCUMBENT = "airflow-ssis-provider"
"""The package that ``make bench`` compares with; constraints.txt has its version."""

EACH_VERSION = [nox.param(version, id=version) for version in VERSIONS]


@nox.session(reuse_venv=True)
@nox.parametrize("airflow", EACH_VERSION)
def airflow(session: nox.Session, airflow: str) -> None:
    """Run the tests that depend on Airflow on one version of it."""
    _install(session, airflow, "--editable", ".[test]")
    tests = session.posargs or AIRFLOW_TESTS
    session.run("python", "-m", "pytest", "--numprocesses=2", "--dist=loadfile", "-p", "no:cacheprovider", *tests)


@nox.session(python=PYTHONS, reuse_venv=True)
def python(session: nox.Session) -> None:
    """Run the fast tests, with all of their cases, on one version of Python, with the newest release of Airflow."""
    # Most tests of the server need these clients; what only a few tests need is not installed.
    _install(session, NEWEST, "--editable", ".[test]", "import-linter", "pymssql", "python-tds")
    tests = session.posargs or ["tests"]
    parts = ("clients", "docs/test_migration_page.py", "fuzz", "identities", "incumbent", "ui")
    ignored = [f"--ignore=tests/{part}" for part in parts]
    chosen = ["-m", "fast or exhaustive", *ignored, *tests]
    session.run("python", "-m", "pytest", "--numprocesses=2", "-p", "no:cacheprovider", *chosen)


@nox.session(reuse_venv=False)
@nox.parametrize("airflow", EACH_VERSION)
def lock(session: nox.Session, airflow: str) -> None:
    """Lock the dependencies of one version of Airflow again, to the newest that work together."""
    if airflow == NEWEST:
        session.skip("constraints.txt locks the newest release; its first lines say how to renew it")
    session.install(f"apache-airflow=={airflow}", "--editable", ".[test]", *VERSIONS[airflow])
    frozen = session.run("python", "-m", "pip", "freeze", "--exclude-editable", silent=True)
    lines = "".join(f"{line}\n" for line in str(frozen).splitlines() if "==" in line)
    head = f"# Locked versions for the tests on Airflow {airflow}. Renew: nox --session 'lock({airflow})'\n"
    _constraints(airflow).write_text(head + lines)


@nox.session(reuse_venv=True)
def incumbent(session: nox.Session) -> None:
    """Make the environment in which ``make bench`` measures the incumbent: Airflow and that package, without ours."""
    _install(session, NEWEST, INCUMBENT)


def _constraints(airflow: str) -> Path:
    return Path("constraints.txt" if airflow == NEWEST else f"constraints/airflow-{airflow}.txt")


def _install(session: nox.Session, airflow: str, *packages: str) -> None:
    """Install packages and Airflow with locked versions, unless the stamp of the environment shows that it has them."""
    constraints = _constraints(airflow)
    parts = (Path("pyproject.toml").read_bytes(), constraints.read_bytes(), *map(str.encode, packages))
    wanted = hashlib.sha256(b"\n".join(parts)).hexdigest()
    stamp = Path(session.virtualenv.location) / ".installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        session.install("--constraint", str(constraints), f"apache-airflow=={airflow}", *packages)
        stamp.write_text(wanted)

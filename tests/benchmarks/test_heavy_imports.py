"""Modules that Airflow loads to parse a DAG import no driver and no parser."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks.imports import BASES, modules_of

pytestmark = pytest.mark.processes

HEAVY = {"pyodbc", "lxml", "sqlglot", "duckdb", "cryptography"}
PACKAGES = ("operators", "sensors", "triggers")
MODULES = [module for package in PACKAGES for module in modules_of(package)]

# Airflow itself may have loaded one of them, so the imports in our own modules count too.
PROBE = """
import builtins, importlib, json, sys
{bases}
import_, asked = builtins.__import__, set()
def watched(name, globals=None, *rest, **named):
    if globals and globals.get("__name__", "").startswith("airflow_provider_ssis"):
        asked.add(name.partition(".")[0])
    return import_(name, globals, *rest, **named)
builtins.__import__ = watched
added = {{}}
for module in {modules!r}:
    before = set(sys.modules)
    importlib.import_module(module)
    added[module] = sorted(asked | {{name.partition(".")[0] for name in set(sys.modules) - before}})
print(json.dumps(added))
"""


@pytest.fixture(scope="module")
def added() -> dict[str, list[str]]:
    """The packages that each module imports in addition to those of Airflow's base classes, in a separate process."""
    code = PROBE.format(bases="\n".join(BASES[package] for package in PACKAGES), modules=MODULES)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("module", MODULES)
def test_importing_it_imports_nothing_heavy(module: str, added: dict[str, list[str]]) -> None:
    assert {"__future__", "airflow_provider_ssis"} <= set(added[module])
    assert not HEAVY & set(added[module])

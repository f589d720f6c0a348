"""Files that a release needs: they agree with the package and with each other."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_provider_ssis.provider_info import get_provider_info
from tests.support.places import ROOT

REGISTRY: dict[str, Any] = yaml.safe_load((ROOT / ".airflow-registry.yaml").read_text())
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MODULES = [entry["module"] for kind in ("operators", "other") for entry in REGISTRY[kind]]

LOCKS = [ROOT / "constraints.txt", *sorted((ROOT / "constraints").iterdir())]


@pytest.mark.parametrize("path", MODULES)
def test_the_registry_names_classes_that_exist(path: str) -> None:
    module, name = path.rsplit(".", 1)
    assert isinstance(getattr(importlib.import_module(module), name), type)


def test_the_registry_names_each_module_that_airflow_gets_to_know() -> None:
    info = get_provider_info()
    modules = {
        module
        for kind in ("operators", "sensors", "triggers", "hooks")
        for entry in info[kind]
        for module in entry["python-modules"]
    }
    assert {path.rsplit(".", 1)[0] for path in MODULES} >= modules


def test_the_registry_names_the_package_and_its_repository() -> None:
    assert REGISTRY["package-name"] == PROJECT["name"]
    assert REGISTRY["source-url"] == PROJECT["urls"]["Source"]
    assert all(url.startswith(PROJECT["urls"]["Homepage"]) for url in PROJECT["urls"].values())


def test_the_classifiers_name_the_versions_of_python_that_nox_runs() -> None:
    (versions,) = re.findall(r"^PYTHONS = \((.*)\)$", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    named = [each.rpartition(" :: ")[2] for each in PROJECT["classifiers"] if "Python :: 3." in each]
    assert named == re.findall(r'"([\d.]+)"', versions)


@pytest.mark.parametrize("path", LOCKS, ids=[path.name for path in LOCKS])
def test_each_locked_version_is_a_plain_pin(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.!+]+", line)] == []

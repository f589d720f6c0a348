"""Names of this package that the pages use exist."""

from __future__ import annotations

import importlib
import pkgutil
import re

import airflow_provider_ssis
from tests.support.markdown import ROOT, pages

ROOMS = ("catalog", "hooks", "operators", "project", "sensors", "triggers")
ENDINGS = "Active Busy Canceled Changed Denied Failed Mismatch Missing NotFound Pending Refused Timeout Unreachable"
MADE = {"build/fuzz/", "build/screenshots/"}
"""What tests and tools make."""

OF_OTHERS = {"AirflowSensorTimeout", "PackageExecutionError"}


def classes() -> set[str]:
    modules = ["airflow_provider_ssis.exceptions", "airflow_provider_ssis.retry_policy"]
    for room in ROOMS:
        package = importlib.import_module(f"airflow_provider_ssis.{room}")
        modules += [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return {name for module in modules for name in dir(importlib.import_module(module)) if name[0].isupper()}


def test_every_class_that_a_page_names_is_there() -> None:
    pattern = re.compile(rf"`(Ssis[A-Z]\w+|Execution\w+|[A-Z]\w+(?:{ENDINGS.replace(' ', '|')}))[`(]")
    named = {
        (str(page.relative_to(ROOT)), name)
        for page in pages()
        if page.name != "CHANGELOG.md"
        for name in pattern.findall(page.read_text(encoding="utf-8"))
    }
    known = classes() | OF_OTHERS | {"SsisPackageOperator", "SsisPackageSensor", "SsisdbEmulator"}
    assert sorted((page, name) for page, name in named if name not in known) == []


def test_every_file_that_the_contributing_guide_names_is_there() -> None:
    package = ROOT / airflow_provider_ssis.__name__
    rooms = [ROOT, package, *(path for path in package.glob("**/") if path.name != "__pycache__")]
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+(?:/|\.py|\.toml|\.txt))`", text)) - MADE
    assert len(named) > 20
    assert sorted(name for name in named if not any((room / name).exists() for room in rooms)) == []


def test_every_make_target_that_a_page_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        (str(page.relative_to(ROOT)), name)
        for page in pages()
        for name in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert sorted((page, name) for page, name in named if name not in targets) == []

"""Names of this package that the pages use exist."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re

from airflow.providers.common.compat.sdk import RetryAction

import airflow_provider_ssis
from airflow_provider_ssis.retry_policy import SsisRetryPolicy
from tests.support.markdown import code_blocks, pages
from tests.support.places import ROOT

FOLDERS = ("catalog", "cli", "hooks", "operators", "project", "sensors", "triggers")
ENDINGS = "Active Busy Canceled Changed Denied Failed Mismatch Missing NotFound Pending Refused Timeout Unreachable"
MADE = {"build/fuzz/", "build/screenshots/"}
"""What tests and tools make."""

OF_OTHERS = {"AirflowSensorTimeout", "OnTaskFailed", "PackageExecutionError"}


def classes_by_name() -> dict[str, type]:
    modules = ["airflow_provider_ssis.exceptions", "airflow_provider_ssis.retry_policy"]
    for folder in FOLDERS:
        package = importlib.import_module(f"airflow_provider_ssis.{folder}")
        modules += [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    members = [vars(importlib.import_module(module)) for module in modules]
    return {name: found for each in members for name, found in each.items() if isinstance(found, type)}


def test_every_class_that_a_page_names_is_there() -> None:
    pattern = re.compile(rf"`(Ssis[A-Z]\w+|Execution\w+|[A-Z]\w+(?:{ENDINGS.replace(' ', '|')}))[`(]")
    named = {
        (str(page.relative_to(ROOT)), name)
        for page in pages()
        if page.name != "CHANGELOG.md"
        for name in pattern.findall(page.read_text(encoding="utf-8"))
    }
    known = classes_by_name().keys() | OF_OTHERS | {"SsisPackageOperator", "SsisPackageSensor", "SsisdbEmulator"}
    assert sorted((page, name) for page, name in named if name not in known) == []


def test_every_file_that_the_contributing_guide_names_is_there() -> None:
    package = ROOT / airflow_provider_ssis.__name__
    folders = [ROOT, package, *(path for path in package.glob("**/") if path.name != "__pycache__")]
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+(?:/|\.py|\.toml|\.txt))`", text)) - MADE
    assert len(named) > 20
    assert sorted(name for name in named if not any((folder / name).exists() for folder in folders)) == []


def test_every_make_target_that_a_page_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        (str(page.relative_to(ROOT)), name)
        for page in pages()
        for name in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert sorted((page, name) for page, name in named if name not in targets) == []


def test_the_guarantees_say_which_failures_are_retried() -> None:
    page = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    table = page.split("| fails at once | is retried |")[1].split("\n\n")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| ")]
    policy = SsisRetryPolicy()
    for column, action in enumerate((RetryAction.FAIL, RetryAction.RETRY)):
        names = re.findall(r"`(\w+)`", " ".join(row[column] for row in rows))
        assert len(names) > 5
        for name in names:
            error: Exception = Exception.__new__(classes_by_name()[name])
            assert policy.evaluate(error, 1, 3).action is action, name


def test_every_dag_with_a_schedule_has_a_start_date() -> None:
    """Airflow 2.11 refuses it otherwise; the pages' DAGs run on the newest Airflow only."""
    examples = [(path.name, path.read_text(encoding="utf-8")) for path in (ROOT / "example_dags").glob("*.py")]
    dags = [
        (where, {keyword.arg: keyword.value for keyword in node.keywords})
        for where, text in [*((str(block), block.text) for block in code_blocks("python")), *examples]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DAG"
    ]
    scheduled = [(where, given) for where, given in dags if ast.unparse(given["schedule"]) != "None"]
    assert len(dags) > 15
    assert len(scheduled) > 3
    assert [where for where, given in scheduled if "start_date" not in given] == []

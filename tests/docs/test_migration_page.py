"""The page on moving from airflow-ssis-provider covers all that it has, and its old DAG is one."""

from __future__ import annotations

import inspect
import runpy
from pathlib import Path

import pytest
from SSIS_Operator.models.SqlQueryParameters import ParameterType
from SSIS_Operator.operators.ssis_package_operator import SsisPackageOperator
from SSIS_Operator.sensors.ssis_package_sensor import SsisPackageSensor

from tests.support.markdown import blocks_of
from tests.support.places import ROOT

NAME = "docs/migration.md"
PAGE = (ROOT / NAME).read_text(encoding="utf-8")


@pytest.mark.parametrize("replaced", [SsisPackageOperator, SsisPackageSensor])
def test_every_argument_has_a_row(replaced: type) -> None:
    section = PAGE.split(f"## {replaced.__name__}, argument by argument")[1].split("\n## ")[0]
    own = list(inspect.signature(vars(replaced)["__init__"]).parameters)[1:]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    missing = [name for name in own if name not in ("args", "kwargs") and not any(f"`{name}" in row for row in rows)]
    assert missing == []


def test_every_kind_of_parameter_has_a_row() -> None:
    assert [kind.name for kind in ParameterType if f"type `{kind.name}`" not in PAGE] == []


def test_the_old_dag_of_the_page_can_be_parsed(tmp_path: Path) -> None:
    (block,) = [block for block in blocks_of(NAME, "python") if block.reason_not_run]
    file = tmp_path / "old.py"
    # The page leaves out the DAG.
    indented = block.text.replace("\n", "\n    ")
    file.write_text(f"from airflow.sdk import DAG\n\nwith DAG('old', schedule=None) as dag:\n    {indented}\n")
    old = runpy.run_path(str(file))["dag"]
    assert [task.task_id for task in old.tasks] == ["load", "wait"]

"""Real packages of Microsoft and others as typed objects."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from airflow_provider_ssis.project.package.data_flow import OutputColumn, Pipeline
from airflow_provider_ssis.project.package.document import DtsPackage, read_dts_package
from airflow_provider_ssis.project.package.loops import FileEnumerator, ForeachLoop, VariableMapping
from airflow_provider_ssis.project.package.options import ConfigurationType
from airflow_provider_ssis.project.package.tasks import ExecuteSqlTask, ExpressionTask, ScriptTask
from tests.support.places import INPUTS, needs_inputs

pytestmark = needs_inputs


def read(*names: str) -> DtsPackage:
    path = INPUTS.joinpath(*names)
    return read_dts_package(path.read_bytes(), path.name)


def test_wide_world_importers() -> None:
    package = read("wide-world-importers", "DailyETLMain.dtsx")
    data = [container.data() for container in package.container.walk()]
    assert Counter(type(one).__name__ for one in data) == {
        "ExecuteSqlTask": 53,
        "ExpressionTask": 15,
        "Pipeline": 13,
        "NoneType": 14,
    }
    statements = [one for one in data if isinstance(one, ExecuteSqlTask)]
    assert all(one.source for one in statements)
    assert Counter(binding.data_type for one in statements for binding in one.parameters).keys() <= {3, 7, 130, 135}
    assert sum(len(one.results) for one in statements) > 10
    assert all("=" in one.expression for one in data if isinstance(one, ExpressionTask))
    assert {variable.namespace for variable in package.container.variables} == {"User"}


def test_the_columns_of_wide_world_importers_have_a_lineage() -> None:
    """Each input column is an output column of the same data flow, with the type that the input column caches."""
    package = read("wide-world-importers", "DailyETLMain.dtsx")
    count = 0
    for container in package.container.walk():
        flow = container.data()
        if not isinstance(flow, Pipeline):
            continue
        columns: dict[str, OutputColumn] = {
            column.lineage_id: column
            for component in flow.components
            for output in component.outputs
            for column in output.columns
        }
        external = {
            column.key
            for component in flow.components
            for target in component.inputs
            for column in target.external_columns
        } | {
            column.key
            for component in flow.components
            for output in component.outputs
            for column in output.external_columns
        }
        for component in flow.components:
            for target in component.inputs:
                for used in target.columns:
                    assert columns[used.lineage_id].data_type == used.cached_type
                    assert used.external_key in external
                    count += 1
    assert count > 100


def test_a_package_of_sql_server_2012() -> None:
    package = read("ssis-build-sample", "Package 221.dtsx")
    assert package.format_version == 6
    destination, source = package.connection_managers
    assert (destination.kind, source.kind) == ("FLATFILE", "ADO.NET")
    assert destination.properties["HeaderRowDelimiter"] == "_x000D__x000A_"
    assert destination.expressions == {"ConnectionString": "@[User::DestinationFilePath]"}
    assert [column.delimiter for column in destination.columns][-1] == "\r\n"
    assert source.secrets == ("Password",)
    first, second = package.parameters
    assert (first.name, first.value, second.encrypted, second.value) == ("Parameteraa", 0, True, None)
    assert [one.qualified_name for one in package.container.variables][:2] == [
        "User::DestinationFilePath",
        "User::SourceDBName",
    ]
    script = package.container.children[1].data()
    assert isinstance(script, ScriptTask)
    assert script.has_binary
    assert script.read_only_variables == ("$Project::SourceDBServer", "$Project::SourceDBName")


def test_a_package_of_sql_server_2008() -> None:
    package = read("ssis-tutorial", "Lesson 3.dtsx")
    assert package.format_version == 3
    assert [one.type for one in package.configurations] == [ConfigurationType.XML_FILE]
    (loop,) = package.container.children
    data = loop.data()
    assert isinstance(data, ForeachLoop)
    assert isinstance(data.enumerator, FileEnumerator)
    assert (data.enumerator.file_spec, data.enumerator.recurse) == ("Currency_*.txt", False)
    assert data.expressions == {"Directory": "@[User::varFolderName]"}
    assert data.mappings == (VariableMapping("User::varFileName", 0),)
    flow = loop.children[0].data()
    assert isinstance(flow, Pipeline)
    assert [component.name for component in flow.components][1:3] == ["Lookup CurrencyKey", "Lookup DateKey"]
    flat_file = next(one for one in package.connection_managers if one.columns)
    assert [column.name for column in flat_file.columns] == [
        "AverageRate",
        "CurrencyID",
        "CurrencyDate",
        "EndOfDayRate",
    ]
    (handler,) = package.container.event_handlers
    assert (handler.event, handler.propagate) == ("OnError", True)


@pytest.mark.parametrize("path", sorted(INPUTS.rglob("*.dtsx")), ids=lambda path: path.name)
def test_every_object_of_every_package_is_read(path: Path) -> None:
    package = read_dts_package(path.read_bytes(), path.name)
    for container in package.container.walk():
        container.data()
        for variable in container.variables:
            _ = variable.value

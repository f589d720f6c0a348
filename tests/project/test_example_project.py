"""The SSIS project of the example DAGs has what they show."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.project.build import BuiltProject, build_project
from airflow_provider_ssis.project.models import ConstraintValue, ExecutableKind, ProtectionLevel
from tests.support.places import SALES_MART


@pytest.fixture(scope="module")
def built() -> BuiltProject:
    return build_project(SALES_MART)


def test_it_is_built_without_a_warning(built: BuiltProject) -> None:
    assert built.warnings == ()
    assert built.project.name == "SalesMart"
    assert built.project.protection_level is ProtectionLevel.DONT_SAVE_SENSITIVE
    assert [package.name for package in built.project.packages] == [
        "LoadSales.dtsx",
        "RefreshAggregates.dtsx",
        "ReprocessRegion.dtsx",
    ]


def test_its_configurations_are_built(built: BuiltProject) -> None:
    production = build_project(SALES_MART, configuration="Production")
    assert production.warnings == ()
    assert [parameter.value for parameter in built.project.parameters if parameter.name == "BatchSize"] == [5000]
    assert [parameter.value for parameter in production.project.parameters if parameter.name == "BatchSize"] == [50000]


def test_its_project_has_parameters_of_several_types_and_a_sensitive_one(built: BuiltProject) -> None:
    types = {one.name: one.data_type for one in built.project.parameters if not one.name.startswith("CM.")}
    assert types == {"SourceSystem": "String", "BatchSize": "Int32", "LoadDate": "DateTime", "ApiKey": "String"}
    assert [one.name for one in built.project.parameters if one.sensitive] == ["ApiKey", "CM.SalesMartDW.Password"]
    assert not any(one.required for one in built.project.parameters)


def test_one_package_needs_a_value_for_its_region(built: BuiltProject) -> None:
    required = [(one.name, name.name) for one in built.project.packages for name in one.parameters if name.required]
    assert required == [("ReprocessRegion.dtsx", "RegionId")]


def test_its_load_has_every_sort_of_executable_and_constraint(built: BuiltProject) -> None:
    load = built.project.packages[0].control_flow
    assert load is not None
    executables = list(load.walk())
    assert {one.kind for one in executables} >= {
        ExecutableKind.SEQUENCE,
        ExecutableKind.FOREACH_LOOP,
        ExecutableKind.TASK,
    }
    constraints = [one for executable in executables for one in executable.constraints]
    assert {one.value for one in constraints} == set(ConstraintValue)
    assert any(not one.logical_and for one in constraints)
    assert [one.child_package for one in executables if one.child_package] == ["RefreshAggregates.dtsx"]
    assert [one.name for one in executables if one.disabled] == ["Rebuild Indexes"]
    (handler,) = load.event_handlers
    assert (handler.event, [child.name for child in handler.children]) == ("OnError", ["Log Error"])

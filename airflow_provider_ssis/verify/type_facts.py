"""Facts about the types of values: which SQL types each SSIS type takes, and which it keeps.

A table: the SSIS type, an expression that it takes, the base type in which the catalog keeps that value, and an
expression that it refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from airflow_provider_ssis.verify.facts import Fact, Finding, Source
from airflow_provider_ssis.verify.probe import Probe
from airflow_provider_ssis.verify.sample_project import PARAMETERS


@dataclass(frozen=True, slots=True)
class _Kind:
    """A row of the table."""

    name: str
    taken: str
    base: str
    refused: str
    source: str = Source.DOCS


_KINDS = (
    _Kind("Boolean", "CAST(1 AS bit)", "bit", "N'true'"),
    _Kind("Byte", "CAST(5 AS tinyint)", "tinyint", "N'5'", Source.OBSERVED),
    _Kind("DateTime", "CAST('2024-05-31T10:20:30' AS datetime)", "datetime", "N'2024-05-31'"),
    _Kind("Decimal", "CAST(1.5 AS decimal(38, 18))", "decimal", "N'1.5'", Source.OBSERVED),
    _Kind("Double", "CAST(1.5 AS float)", "float", "N'1.5'"),
    _Kind("Int16", "CAST(5 AS smallint)", "smallint", "N'5'"),
    _Kind("Int32", "CAST(5 AS int)", "int", "N'5'"),
    _Kind("Int64", "CAST(5 AS bigint)", "bigint", "N'5'"),
    _Kind("Single", "CAST(0.5 AS real)", "real", "N'0.5'"),
    _Kind("String", "N'text'", "nvarchar", "CAST(5 AS int)"),
    _Kind("UInt32", "CAST(5 AS int)", "int", "N'5'"),
    _Kind("UInt64", "CAST(5 AS bigint)", "bigint", "N'5'"),
)
_WRONG = "error 27147"


def type_facts() -> Iterator[Fact]:
    """Facts about parameters, environment variables and values of executions, for each type."""
    yield Fact("types.deployed", "The deployed parameters have the types of the project file.", _deployed, Source.DOCS)
    for kind in _KINDS:
        name = kind.name.lower()
        taken = kind.taken.replace("CAST(", "").partition(" AS ")[2].rstrip(")") or "nvarchar"
        yield Fact(
            f"types.variable_{name}",
            f"A variable of type {kind.name} takes {taken} and keeps it as {kind.base}.",
            partial(_variable, kind),
            kind.source,
        )
        yield Fact(
            f"types.variable_{name}_refused",
            f"A variable of type {kind.name} refuses {kind.refused} with 27147.",
            partial(_variable_refused, kind),
        )
        yield Fact(
            f"types.parameter_{name}",
            f"A parameter of type {kind.name} takes {taken} and keeps it as {kind.base}.",
            partial(_parameter, kind),
            kind.source,
        )
        yield Fact(
            f"types.parameter_{name}_refused",
            f"A parameter of type {kind.name} refuses {kind.refused} with 27147.",
            partial(_parameter_refused, kind),
        )
        yield Fact(
            f"types.run_{name}",
            f"An execution's value of type {kind.name} takes {taken} and keeps it as {kind.base}.",
            partial(_run, kind),
            kind.source,
        )
        yield Fact(
            f"types.run_{name}_refused",
            f"An execution's value of type {kind.name} refuses {kind.refused} with 27147.",
            partial(_run_refused, kind),
        )


def _deployed(probe: Probe) -> Finding:
    _ = probe.deployment
    found = probe.rows(
        "SELECT v.parameter_name, v.data_type FROM catalog.object_parameters AS v "
        "JOIN catalog.projects AS p ON p.project_id = v.project_id "
        "JOIN catalog.folders AS f ON f.folder_id = p.folder_id "
        "WHERE f.name = :folder AND p.name = :project AND v.object_name = :package ORDER BY v.parameter_name;"
    )
    return Finding(sorted((f"{name}Value", name) for name in PARAMETERS), sorted(tuple(row) for row in found))


def _variable(kind: _Kind, probe: Probe) -> Finding:
    _ = probe.environment
    answer = probe.call(_CREATE_VARIABLE.format(value=kind.taken), name=f"{kind.name}Value", kind=kind.name)
    if answer.number is not None:
        return Finding(kind.base, answer.text)
    return Finding(
        kind.base,
        probe.value(
            "SELECT CAST(SQL_VARIANT_PROPERTY(v.value, 'BaseType') AS nvarchar(128)) "
            "FROM catalog.environment_variables AS v WHERE v.environment_id = :id AND v.name = :name;",
            id=probe.environment,
            name=f"{kind.name}Value",
        ),
    )


def _variable_refused(kind: _Kind, probe: Probe) -> Finding:
    _variable(kind, probe)
    answer = probe.call(
        f"DECLARE @v sql_variant = {kind.refused}; EXEC catalog.set_environment_variable_value "
        "@folder_name = :folder, @environment_name = :environment, @variable_name = :name, @value = @v;",
        name=f"{kind.name}Value",
    )
    return Finding(_WRONG, answer.text)


def _parameter(kind: _Kind, probe: Probe) -> Finding:
    _ = probe.deployment
    answer = probe.call(_SET_PARAMETER.format(value=kind.taken), name=f"{kind.name}Value")
    if answer.number is not None:
        return Finding(kind.base, answer.text)
    found = probe.value(
        "SELECT CAST(SQL_VARIANT_PROPERTY(v.default_value, 'BaseType') AS nvarchar(128)) "
        "FROM catalog.object_parameters AS v JOIN catalog.projects AS p ON p.project_id = v.project_id "
        "JOIN catalog.folders AS f ON f.folder_id = p.folder_id WHERE f.name = :folder AND p.name = :project "
        "AND v.object_name = :package AND v.parameter_name = :name;",
        name=f"{kind.name}Value",
    )
    probe.call(
        "EXEC catalog.clear_object_parameter_value @folder_name = :folder, @project_name = :project, "
        "@object_type = 30, @object_name = :package, @parameter_name = :name;",
        name=f"{kind.name}Value",
    )
    return Finding(kind.base, found)


def _parameter_refused(kind: _Kind, probe: Probe) -> Finding:
    _ = probe.deployment
    return Finding(_WRONG, probe.call(_SET_PARAMETER.format(value=kind.refused), name=f"{kind.name}Value").text)


def _run(kind: _Kind, probe: Probe) -> Finding:
    run = probe.created_run
    answer = probe.call(_SET_VALUE.format(value=kind.taken), run=run, name=f"{kind.name}Value")
    if answer.number is not None:
        return Finding(kind.base, answer.text)
    return Finding(
        (kind.base, True),
        probe.rows(
            "SELECT CAST(SQL_VARIANT_PROPERTY(v.parameter_value, 'BaseType') AS nvarchar(128)), v.runtime_override "
            "FROM catalog.execution_parameter_values AS v "
            "WHERE v.execution_id = :run AND v.object_type = 30 AND v.parameter_name = :name;",
            run=run,
            name=f"{kind.name}Value",
        )[0],
    )


def _run_refused(kind: _Kind, probe: Probe) -> Finding:
    run = probe.created_run
    answer = probe.call(_SET_VALUE.format(value=kind.refused), run=run, name=f"{kind.name}Value")
    return Finding(_WRONG, answer.text)


_CREATE_VARIABLE = (
    "DECLARE @v sql_variant = {value}; IF NOT EXISTS (SELECT 1 FROM catalog.environment_variables AS v "
    "JOIN catalog.environments AS e ON e.environment_id = v.environment_id "
    "JOIN catalog.folders AS f ON f.folder_id = e.folder_id "
    "WHERE f.name = :folder AND e.name = :environment AND v.name = :name) "
    "EXEC catalog.create_environment_variable @folder_name = :folder, @environment_name = :environment, "
    "@variable_name = :name, @data_type = :kind, @sensitive = 0, @value = @v;"
)
_SET_PARAMETER = (
    "DECLARE @v sql_variant = {value}; EXEC catalog.set_object_parameter_value @object_type = 30, "
    "@folder_name = :folder, @project_name = :project, @parameter_name = :name, @parameter_value = @v, "
    "@object_name = :package;"
)
_SET_VALUE = (
    "DECLARE @v sql_variant = {value}; EXEC catalog.set_execution_parameter_value @execution_id = :run, "
    "@object_type = 30, @parameter_name = :name, @parameter_value = @v;"
)

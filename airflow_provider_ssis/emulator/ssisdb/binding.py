"""The values of a package's parameters: set on the server, design defaults, or from an environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from airflow_provider_ssis.catalog.codes import ObjectType
from airflow_provider_ssis.emulator.datatypes import SQL_VARIANT, Variant
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.error_texts import text
from airflow_provider_ssis.emulator.ssisdb.names import folded
from airflow_provider_ssis.emulator.ssisdb.ssis_types import is_same
from airflow_provider_ssis.emulator.tsql.values.storage import decode


@dataclass(frozen=True, slots=True)
class BoundParameter:
    """A parameter with its value in a run.

    :param value: a sensitive one too: check ``sensitive`` before it is shown.
    :param parameter_id: of the row in ``internal.object_parameters``; 0 for a system parameter.
    """

    object_type: ObjectType
    data_type: str
    name: str
    value: Variant | None
    sensitive: bool
    required: bool
    value_set: bool
    parameter_id: int = 0


@dataclass(frozen=True, slots=True)
class Reference:
    """An environment reference that a run uses."""

    reference_id: int
    kind: str
    folder: str | None
    environment: str
    environment_id: int


@dataclass(frozen=True, slots=True)
class _Variable:
    data_type: str
    value: Variant | None
    sensitive: bool


def check_package(call: CatalogCall, project_id: int, version: int, package: str) -> None:
    """Check that a version of a project has a package.

    :raises SqlError: 27146.
    """
    if not call.first(
        "SELECT 1 FROM internal.packages WHERE project_id = ? AND project_version_lsn = ?"
        " AND lower(name) = lower(rtrim(?, ' '))",
        project_id,
        version,
        package,
    ):
        raise call.fail(27146)


def find_reference(call: CatalogCall, project_id: int, folder: str, reference_id: int | None) -> Reference | None:
    """The environment of a reference of a project.

    :param folder: the project's folder, which contains the environment of a relative reference.
    :raises SqlError: 27208 the reference is not of this project, 27182 its environment does not exist.
    """
    if reference_id is None:
        return None
    row = call.first(
        "SELECT reference_type, environment_folder_name, environment_name FROM catalog.environment_references"
        " WHERE reference_id = ? AND project_id = ?",
        reference_id,
        project_id,
    )
    if row is None:
        raise call.fail(27208, reference_id)
    kind, environment_folder, environment = row
    environment_id = call.referenced_environment(environment_folder or folder, environment)
    return Reference(reference_id, kind, environment_folder, environment, environment_id)


def bind_parameters(
    call: CatalogCall,
    project_id: int,
    version: int,
    package: str,
    reference: Reference | None,
    *,
    for_run: bool,
) -> list[BoundParameter]:
    """The parameters of the project and of one package with their values.

    :param for_run: as in ``create_execution``: a parameter that is not set gets its design default, and a different
        type is an error. Otherwise, as ``get_parameter_values`` shows them.
    :raises SqlError: 27148, 27221 for a run.
    """
    variables = _variables(call, reference)
    stored = _stored_parameters(call, project_id, version, package)
    if for_run:
        _check_bindings(call, stored, variables)
    bound = []
    for each in stored:
        parameter = each.parameter
        if each.variable is not None:
            parameter = _from_variable(call, parameter, variables, each.variable, for_run=for_run)
        elif for_run and not parameter.value_set and not parameter.required:
            parameter = replace(parameter, value=each.design_default)
        bound.append(parameter)
    return bound


@dataclass(frozen=True, slots=True)
class _Stored:
    """A parameter as the catalog has it.

    :param variable: the name of the environment variable that it refers to, or None.
    """

    parameter: BoundParameter
    design_default: Variant | None
    variable: str | None


def _stored_parameters(call: CatalogCall, project_id: int, version: int, package: str) -> list[_Stored]:
    return [
        _Stored(
            BoundParameter(
                ObjectType(row[1]),
                row[2],
                row[3],
                decode(SQL_VARIANT, row[5]),
                sensitive=row[6],
                required=row[7],
                value_set=row[8],
                parameter_id=row[0],
            ),
            decode(SQL_VARIANT, row[4]),
            row[10] if row[9] == "R" else None,
        )
        for row in call.read(
            "SELECT parameter_id, object_type, parameter_data_type, parameter_name, design_default_value,"
            " default_value, sensitive, required, value_set, value_type, referenced_variable_name"
            " FROM internal.object_parameters WHERE project_id = ? AND project_version_lsn = ?"
            " AND (object_type = 20 OR lower(object_name) = lower(rtrim(?, ' '))) ORDER BY parameter_id",
            project_id,
            version,
            package,
        )
    ]


def _check_bindings(call: CatalogCall, stored: Sequence[_Stored], variables: Mapping[str, _Variable] | None) -> None:
    """Check all types first, then which values are sensitive."""
    pairs = [
        (each.parameter, variable)
        for each in stored
        if each.variable is not None and (variable := (variables or {}).get(folded(each.variable))) is not None
    ]
    if any(not is_same(parameter.data_type, variable.data_type) for parameter, variable in pairs):
        raise call.fail(27148)
    if any(variable.sensitive and not parameter.sensitive for parameter, variable in pairs):
        raise call.fail(27221)


def variable_has_another_type(call: CatalogCall, folder: str, project: str, variable: str, data_type: str) -> bool:
    """Whether an environment that a project refers to has the variable with a type that differs from the parameter's.

    :param data_type: the parameter's type.
    """
    return (
        call.first(
            "SELECT 1 FROM internal.environment_variables v"
            " JOIN internal.environments e ON e.environment_id = v.environment_id"
            " JOIN internal.folders f ON f.folder_id = e.folder_id"
            " JOIN internal.environment_references r"
            "  ON lower(rtrim(r.environment_name, ' ')) = lower(e.environment_name)"
            "  AND lower(rtrim(ifnull(r.environment_folder_name, ?), ' ')) = lower(f.name)"
            " JOIN internal.projects p ON p.project_id = r.project_id"
            " JOIN internal.folders pf ON pf.folder_id = p.folder_id"
            " WHERE lower(pf.name) = lower(rtrim(?, ' ')) AND lower(p.name) = lower(rtrim(?, ' '))"
            " AND lower(v.name) = lower(rtrim(?, ' ')) AND lower(v.type) <> lower(?)",
            folder,
            folder,
            project,
            variable,
            data_type,
        )
        is not None
    )


def _variables(call: CatalogCall, reference: Reference | None) -> dict[str, _Variable] | None:
    """The variables of an environment by lower-case name; None without an environment."""
    if reference is None:
        return None
    return {
        name.lower(): _Variable(data_type, decode(SQL_VARIANT, value), sensitive)
        for name, data_type, value, sensitive in call.read(
            "SELECT name, type, value, sensitive FROM internal.environment_variables WHERE environment_id = ?",
            reference.environment_id,
        )
    }


def _from_variable(
    call: CatalogCall,
    parameter: BoundParameter,
    variables: dict[str, _Variable] | None,
    name: str,
    *,
    for_run: bool,
) -> BoundParameter:
    variable = (variables or {}).get(folded(name))
    if variable is None:
        return replace(parameter, value=None, value_set=False if for_run else parameter.value_set)
    if not is_same(parameter.data_type, variable.data_type):
        call.info(27148, text(27148))
        return parameter
    if variable.sensitive and not parameter.sensitive:
        return parameter
    return replace(parameter, value=variable.value, value_set=True)

"""Parameters of projects and packages: their values for every later execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ssis.catalog.argument_limits import check_arguments, check_place
from airflow_provider_ssis.catalog.codes import ObjectType, PermissionType, ValueType
from airflow_provider_ssis.catalog.errors import CatalogError, ParameterNotFound
from airflow_provider_ssis.catalog.models import ObjectParameter, ParameterValue
from airflow_provider_ssis.catalog.refusals import Target, explain_refusal, missing_object
from airflow_provider_ssis.catalog.requests import Value, VariableReference
from airflow_provider_ssis.catalog.sections.commands import CommandPart
from airflow_provider_ssis.catalog.session import Explain
from airflow_provider_ssis.catalog.sql.parameter_values import parameter_not_found, wrong_type
from airflow_provider_ssis.catalog.sql.rows import decode
from airflow_provider_ssis.catalog.sql.statements import MarkerValue, OwnError, guarded, select
from airflow_provider_ssis.catalog.sql.value_assignment import VALUE_VARIABLES, value_assignment
from airflow_provider_ssis.catalog.sql.variants import variant_columns

_OF_PROJECT = (
    "JOIN catalog.projects AS p ON p.project_id = v.project_id JOIN catalog.folders AS f ON f.folder_id = p.folder_id"
)


class Parameters(CommandPart):
    """The part of the catalog client for parameters."""

    def object_parameters(self, folder: str, project: str) -> list[ObjectParameter]:
        """The parameters of a project and of its packages: the project's first, then package by package."""
        check_place(folder, project)
        batch = select(
            ObjectParameter,
            f"catalog.object_parameters AS v {_OF_PROJECT}",
            where=["f.name = ?", "p.name = ?"],
            values=[folder, project],
            order_by="v.object_type, v.object_name, v.parameter_name",
        )
        return self._session.fetch(ObjectParameter, batch, doing=f"Reading the parameters of {folder}/{project}")

    def set_object_parameter_value(
        self, folder: str, project: str, parameter: str, value: Value | VariableReference, *, package: str | None = None
    ) -> None:
        """Set the value that a parameter has for every later execution.

        :param folder: the project's folder.
        :param project: the project.
        :param parameter: the parameter's name, case-sensitive.
        :param value: the value, or the environment variable that gives it.
        :param package: the package (with its .dtsx) whose parameter it is. Default: None, a parameter of the project.
        :raises ParameterNotFound: there is no such parameter; the message shows the existing ones.
        :raises WrongParameterType: the value does not fit the parameter's type.
        :raises ProjectNotFound: there is no such project.
        :raises PermissionDenied: the login may not change the project.
        """
        check_place(folder, project, package)
        check_arguments(parameter=parameter)
        owner = _owner(folder, project, package)
        doing = f"Setting the parameter {parameter!r} of {owner}"
        object_type, object_name = _object(project, package)
        values: list[MarkerValue] = [object_type.value, parameter, folder, project, object_name]
        assigned: list[MarkerValue]
        if isinstance(value, VariableReference):
            check_arguments(variable=value.name)
            assignment, assigned = "SET @value = CAST(? AS nvarchar(128));\n", [value.name]
        else:
            assignment, assigned = value_assignment(value)
        body = (
            f"{_FIND_PARAMETER}IF @data_type IS NULL {OwnError.UNKNOWN_PARAMETER.raised};\n{assignment}"
            "EXEC catalog.set_object_parameter_value @object_type = @object_type, @folder_name = ?, "
            "@project_name = ?, @parameter_name = @name, @parameter_value = @value, @object_name = ?, "
            "@value_type = ?;\nSELECT 1 AS done;"
        )
        value_type = ValueType.REFERENCE if isinstance(value, VariableReference) else ValueType.VALUE
        values += [*assigned, folder, project, object_name, value_type.value]
        refusal = self._explain_parameter(folder, project, package, parameter, doing)

        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            if isinstance(value, VariableReference) or not OwnError.UNFIT_VALUE.is_reported_by(error):
                return refusal(error, row)
            return wrong_type(
                doing, f"the parameter {parameter!r}", row["data_type"], value, is_sensitive=bool(row["sensitive"])
            )

        batch = guarded(body, values, declare=_VARIABLES, on_error=("data_type", "sensitive"))
        self._session.run(batch, doing=doing, explain=explain)

    def bind_object_parameter(
        self, folder: str, project: str, parameter: str, variable: str, *, package: str | None = None
    ) -> None:
        """Let an environment variable give a parameter its value in every later execution with an environment.

        The variable need not exist yet. An execution without an environment, or with one that lacks the variable, has
        no value for the parameter.

        :param folder: the project's folder.
        :param project: the project.
        :param parameter: the parameter's name, case-sensitive.
        :param variable: the variable's name.
        :param package: the package (with its .dtsx) whose parameter it is. Default: None, a parameter of the project.
        :raises CatalogError: as :meth:`set_object_parameter_value` does.
        """
        self.set_object_parameter_value(folder, project, parameter, VariableReference(variable), package=package)

    def clear_object_parameter_value(
        self, folder: str, project: str, parameter: str, *, package: str | None = None
    ) -> None:
        """Remove the value or binding of a parameter, so that the one in the project file counts again.

        :param folder: the project's folder.
        :param project: the project.
        :param parameter: the parameter's name, case-sensitive.
        :param package: the package (with its .dtsx) whose parameter it is. Default: None, a parameter of the project.
        :raises ParameterNotFound: there is no such parameter; the message shows the existing ones.
        :raises ProjectNotFound: there is no such project.
        :raises PermissionDenied: the login may not change the project.
        """
        check_place(folder, project, package)
        check_arguments(parameter=parameter)
        object_type, object_name = _object(project, package)
        doing = f"Clearing the parameter {parameter!r} of {_owner(folder, project, package)}"
        body = (
            f"{_FIND_PARAMETER}IF @data_type IS NULL {OwnError.UNKNOWN_PARAMETER.raised};\n"
            "EXEC catalog.clear_object_parameter_value @folder_name = ?, @project_name = ?, "
            "@object_type = @object_type, @object_name = ?, @parameter_name = @name;\nSELECT 1 AS done;"
        )
        values = [object_type.value, parameter, folder, project, object_name, folder, project, object_name]
        batch = guarded(body, values, declare=_VARIABLES)
        explain = self._explain_parameter(folder, project, package, parameter, doing)
        self._session.run(batch, doing=doing, explain=explain)

    def parameter_values(
        self, folder: str, project: str, package: str, *, reference_id: int | None = None
    ) -> list[ParameterValue]:
        """The values that an execution of a package would have: of its parameters, and of the project's.

        :param folder: the project's folder.
        :param project: the project.
        :param package: the package, with its .dtsx.
        :param reference_id: id of the environment reference that the execution would use. Default: none.
        :raises PackageNotFound: there is no such package.
        :raises EnvironmentReferenceNotFound: the reference belongs to another project.
        :raises EnvironmentNotFound: the referenced environment does not exist, or the login may not read it.
        """
        check_place(folder, project, package)
        doing = f"Reading the parameter values of {folder}/{project}/{package}"
        # sql_variant is read as text, so the procedure's result goes into a table first.
        body = (
            "INSERT INTO @values EXEC catalog.get_parameter_values @folder_name = ?, @project_name = ?, "
            "@package_name = ?, @reference_id = @reference;\n"
            "SELECT v.parameter_id, v.object_type, v.parameter_data_type, v.parameter_name, "
            f"{variant_columns('v.parameter_value', 'parameter_value')}, v.sensitive, v.required, v.value_set "
            "FROM @values AS v ORDER BY v.object_type, v.parameter_name;"
        )
        values: list[MarkerValue] = [folder, project, package]
        if reference_id is not None:
            body = f"SET @reference = ?;\n{body}"
            values.insert(0, reference_id)
        target = Target(folder=folder, project=project, package=package)
        return decode(ParameterValue, self._query(body, values, doing, target, declare=_VALUES_TABLE))

    def _explain_parameter(self, folder: str, project: str, package: str | None, parameter: str, doing: str) -> Explain:
        target = Target(folder=folder, project=project, package=package)
        refusal = explain_refusal(
            self._session, doing, Target(folder=folder, project=project, permission=PermissionType.MODIFY)
        )

        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            if not OwnError.UNKNOWN_PARAMETER.is_reported_by(error) and not isinstance(error, ParameterNotFound):
                return refusal(error, row)
            missing = missing_object(self._session, doing, target)
            if missing is not None:
                return missing
            object_type, object_name = _object(project, package)
            known = [
                each.parameter_name
                for each in self.object_parameters(folder, project)
                if each.object_type is object_type and each.object_name.casefold() == object_name.casefold()
            ]
            return parameter_not_found(doing, _owner(folder, project, package), parameter, known)

        return explain


def _owner(folder: str, project: str, package: str | None) -> str:
    return f"{folder}/{project}" if package is None else f"{folder}/{project}/{package}"


def _object(project: str, package: str | None) -> tuple[ObjectType, str]:
    return (ObjectType.PROJECT, project) if package is None else (ObjectType.PACKAGE, package)


_FIND_PARAMETER = (
    "SELECT @object_type = ?, @name = ?;\n"
    "SELECT @data_type = v.data_type, @sensitive = v.sensitive\n"
    f"FROM catalog.object_parameters AS v {_OF_PROJECT}\n"  # constants of this module only
    "WHERE v.object_type = @object_type AND v.parameter_name = @name AND f.name = ? AND p.name = ? "
    "AND v.object_name = ?;\n"
)
_VARIABLES = f"@object_type smallint, @name nvarchar(128), {VALUE_VARIABLES}"
_VALUES_TABLE = (
    "@reference bigint, @values TABLE (parameter_id bigint, object_type smallint, parameter_data_type nvarchar(128), "
    "parameter_name nvarchar(128), parameter_value sql_variant, sensitive bit, required bit, value_set bit)"
)

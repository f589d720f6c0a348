"""Variables of environments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ssis.catalog.argument_limits import check_arguments
from airflow_provider_ssis.catalog.codes import PermissionType
from airflow_provider_ssis.catalog.errors import CatalogError, InvalidArgument, TransientError
from airflow_provider_ssis.catalog.models import EnvironmentVariable
from airflow_provider_ssis.catalog.parameter_types import SSIS_TYPES, Literal, ValueDoesNotFit, data_type_of, literal
from airflow_provider_ssis.catalog.refusals import Target, explain_refusal, missing_object
from airflow_provider_ssis.catalog.requests import Sensitive, Value
from airflow_provider_ssis.catalog.sections.commands import CommandPart
from airflow_provider_ssis.catalog.sql.parameter_values import plain, wrong_type
from airflow_provider_ssis.catalog.sql.statements import Batch, MarkerValue, OwnError, guarded, select
from airflow_provider_ssis.catalog.sql.value_assignment import VALUE_VARIABLES, value_assignment

_VARIABLES = (
    "catalog.environment_variables AS v JOIN catalog.environments AS e ON e.environment_id = v.environment_id "
    "JOIN catalog.folders AS f ON f.folder_id = e.folder_id"
)


class EnvironmentVariables(CommandPart):
    """The part of the catalog client for variables of environments."""

    def environment_variables(self, folder: str, environment: str) -> list[EnvironmentVariable]:
        """The variables of an environment, by name; none if the login sees no such environment."""
        check_arguments(folder=folder, environment=environment)
        return self._session.fetch(
            EnvironmentVariable,
            _of(folder, environment),
            doing=f"Reading the variables of the environment {folder}/{environment}",
        )

    def environment_variable(self, folder: str, environment: str, name: str) -> EnvironmentVariable | None:
        """The variable of that name, or None if the login can see no such variable."""
        check_arguments(folder=folder, environment=environment, variable=name)
        doing = f"Looking for the variable {name!r} of the environment {folder}/{environment}"
        return next(iter(self._session.fetch(EnvironmentVariable, _of(folder, environment, name), doing=doing)), None)

    def create_environment_variable(
        self,
        folder: str,
        environment: str,
        name: str,
        value: Value,
        *,
        data_type: str | None = None,
        sensitive: bool | None = None,
        description: str | None = None,
    ) -> None:
        """Create a variable in an environment.

        :param folder: the environment's folder.
        :param environment: the environment.
        :param name: its name, at most 128 characters.
        :param value: its value.
        :param data_type: its SSIS type, ``Int32`` for instance. Default: the one that the Python value has by itself
            (Boolean, Int32 or Int64, Double, Decimal, DateTime, String).
        :param sensitive: encrypt the value, so that no view shows it. Default: True for a value marked ``Sensitive``.
        :param description: what it is for. Default: none.
        :raises AlreadyExists: the environment has a variable of that name.
        :raises EnvironmentNotFound: there is no such environment.
        :raises InvalidName: the name breaks the catalog's rules.
        :raises PermissionDenied: the login may not change the environment.
        :raises WrongParameterType: the value does not fit the type.
        """
        check_arguments(folder=folder, environment=environment, variable=name, description=description)
        doing = f"Creating the variable {name!r} in the environment {folder}/{environment}"
        hidden = isinstance(value, Sensitive) if sensitive is None else sensitive
        wanted, typed = _typed(name, value, data_type, doing, is_sensitive=hidden)
        body = (
            f"SET @value = CAST(? AS {typed.sql_type});\n"
            "EXEC catalog.create_environment_variable @folder_name = ?, @environment_name = ?, @variable_name = ?, "
            "@data_type = ?, @sensitive = ?, @value = @value"
        )
        values: list[MarkerValue] = [typed.text, folder, environment, name, wanted, int(hidden)]
        if description is not None:
            body += ", @description = ?"
            values.append(description)
        target = Target(folder=folder, environment=environment, permission=PermissionType.MODIFY)
        self._command(f"{body};", values, doing, target, declare="@value sql_variant")

    def set_environment_variable_value(self, folder: str, environment: str, name: str, value: Value) -> None:
        """Give a variable another value of its type.

        :param folder: the environment's folder.
        :param environment: the environment.
        :param name: the variable's name.
        :param value: the value.
        :raises EnvironmentVariableNotFound: the environment has no such variable.
        :raises EnvironmentNotFound: there is no such environment.
        :raises PermissionDenied: the login may not change the environment.
        :raises WrongParameterType: the value does not fit the variable's type.
        """
        check_arguments(folder=folder, environment=environment, variable=name)
        doing = f"Setting the variable {name!r} of the environment {folder}/{environment}"
        assignment, assigned = value_assignment(value)
        body = (
            f"SELECT @data_type = v.type, @sensitive = v.sensitive\nFROM {_VARIABLES}\n"
            "WHERE f.name = ? AND e.name = ? AND v.name = ?;\n"
            f"IF @data_type IS NULL {OwnError.UNKNOWN_PARAMETER.raised};\n{assignment}"
            "EXEC catalog.set_environment_variable_value @folder_name = ?, @environment_name = ?, @variable_name = ?, "
            "@value = @value;\nSELECT 1 AS done;"
        )
        refusal = explain_refusal(self._session, doing, _changed(folder, environment, name))

        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            if OwnError.UNFIT_VALUE.is_reported_by(error):
                sensitive = bool(row["sensitive"])
                return wrong_type(doing, f"the variable {name!r}", row["data_type"], value, is_sensitive=sensitive)
            if OwnError.UNKNOWN_PARAMETER.is_reported_by(error):
                missing = missing_object(self._session, doing, _changed(folder, environment, name))
                return missing or TransientError(f"{doing} failed: the environment changed at that moment")
            return refusal(error, row)

        batch = guarded(
            body,
            [folder, environment, name, *assigned, folder, environment, name],
            declare=VALUE_VARIABLES,
            on_error=("data_type", "sensitive"),
        )
        self._session.run(batch, doing=doing, explain=explain)

    def rename_environment_variable(self, folder: str, environment: str, name: str, new_name: str) -> None:
        """Rename a variable. Parameters that are bound to the old name no longer find a variable.

        :param folder: the environment's folder.
        :param environment: the environment.
        :param name: the variable's name.
        :param new_name: its new name, at most 128 characters.
        :raises EnvironmentVariableNotFound: the environment has no such variable.
        :raises AlreadyExists: the environment has a variable of the new name.
        :raises InvalidName: the new name breaks the catalog's rules.
        :raises EnvironmentNotFound: there is no such environment.
        :raises PermissionDenied: the login may not change the environment.
        """
        check_arguments(variable=new_name)
        self._set_property(folder, environment, name, "NAME", new_name, f"Renaming (to {new_name!r})")

    def set_environment_variable_description(self, folder: str, environment: str, name: str, description: str) -> None:
        """Describe a variable.

        :param folder: the environment's folder.
        :param environment: the environment.
        :param name: the variable's name.
        :param description: what it is for, at most 1024 characters.
        :raises EnvironmentVariableNotFound: the environment has no such variable.
        :raises EnvironmentNotFound: there is no such environment.
        :raises PermissionDenied: the login may not change the environment.
        """
        check_arguments(description=description)
        self._set_property(folder, environment, name, "DESCRIPTION", description, "Describing")

    def set_environment_variable_type(self, folder: str, environment: str, name: str, data_type: str) -> None:
        """Give a variable another type. The catalog converts its value.

        :param folder: the environment's folder.
        :param environment: the environment.
        :param name: the variable's name.
        :param data_type: the SSIS type, ``Int32`` for instance, in upper or lower case.
        :raises WrongParameterType: the value cannot be converted to the type.
        :raises EnvironmentVariableNotFound: the environment has no such variable.
        :raises EnvironmentNotFound: there is no such environment.
        :raises PermissionDenied: the login may not change the environment.
        :raises InvalidArgument: there is no such type.
        """
        wanted = _known_type(data_type, f"Changing the type of the variable {name!r} of {folder}/{environment}")
        self._set_property(folder, environment, name, "TYPE", wanted, f"Changing (to the type {wanted})")

    def set_environment_variable_protection(self, folder: str, environment: str, name: str, *, sensitive: bool) -> None:
        """Encrypt the value of a variable, or store it as plain text again.

        :param folder: the environment's folder.
        :param environment: the environment.
        :param name: the variable's name.
        :param sensitive: encrypt the value, so that no view shows it.
        :raises EnvironmentVariableNotFound: the environment has no such variable.
        :raises EnvironmentNotFound: there is no such environment.
        :raises PermissionDenied: the login may not change the environment.
        """
        check_arguments(folder=folder, environment=environment, variable=name)
        self._command(
            "EXEC catalog.set_environment_variable_protection @folder_name = ?, @environment_name = ?, "
            "@variable_name = ?, @sensitive = ?;",
            [folder, environment, name, int(sensitive)],
            f"Changing the protection of the variable {name!r} of the environment {folder}/{environment}",
            _changed(folder, environment, name),
        )

    def delete_environment_variable(self, folder: str, environment: str, name: str) -> None:
        """Delete a variable. Parameters that are bound to it no longer find a variable.

        :param folder: the environment's folder.
        :param environment: the environment.
        :param name: the variable's name.
        :raises EnvironmentVariableNotFound: the environment has no such variable.
        :raises EnvironmentNotFound: there is no such environment.
        :raises PermissionDenied: the login may not change the environment.
        """
        check_arguments(folder=folder, environment=environment, variable=name)
        self._command(
            "EXEC catalog.delete_environment_variable @folder_name = ?, @environment_name = ?, @variable_name = ?;",
            [folder, environment, name],
            f"Deleting the variable {name!r} of the environment {folder}/{environment}",
            _changed(folder, environment, name),
        )

    def _set_property(self, folder: str, environment: str, name: str, key: str, value: str, change: str) -> None:
        check_arguments(folder=folder, environment=environment, variable=name)
        self._command(
            "EXEC catalog.set_environment_variable_property @folder_name = ?, @environment_name = ?, "
            "@variable_name = ?, @property_name = ?, @property_value = ?;",
            [folder, environment, name, key, value],
            f"{change} the variable {name!r} of the environment {folder}/{environment}",
            _changed(folder, environment, name),
        )


def _of(folder: str, environment: str, name: str | None = None) -> Batch:
    where, values = ["f.name = ?", "e.name = ?"], [folder, environment]
    if name is not None:
        where.append("v.name = ?")
        values.append(name)
    return select(EnvironmentVariable, _VARIABLES, where=where, values=values, order_by="v.name")


def _changed(folder: str, environment: str, name: str) -> Target:
    return Target(folder=folder, environment=environment, variable=name, permission=PermissionType.MODIFY)


def check_variable(
    folder: str, environment: str, name: str, value: Value, data_type: str | None, *, is_sensitive: bool
) -> None:
    """Check a value of a variable without a connection, before anything is changed.

    :param folder: the environment's folder.
    :param environment: the environment.
    :param name: the variable's name.
    :param value: its value.
    :param data_type: its SSIS type; None for the one that the Python value has by itself.
    :param is_sensitive: whether errors must not show the value.
    :raises InvalidArgument: there is no such type.
    :raises InvalidName: a name is too long.
    :raises WrongParameterType: the value does not fit the type.
    """
    check_arguments(folder=folder, environment=environment, variable=name)
    doing = f"Setting the variable {name!r} of the environment {folder}/{environment}"
    _typed(name, value, data_type, doing, is_sensitive=is_sensitive)


def text_of_variable(
    folder: str, environment: str, name: str, value: Value, data_type: str, *, is_sensitive: bool
) -> str:
    """The text that the catalog converts to a value of a variable.

    :param folder: the environment's folder.
    :param environment: the environment.
    :param name: the variable's name.
    :param value: its value.
    :param data_type: its SSIS type.
    :param is_sensitive: whether errors must not show the value.
    :raises InvalidArgument: there is no such type.
    :raises WrongParameterType: the value does not fit the type.
    """
    doing = f"Setting the variable {name!r} of the environment {folder}/{environment}"
    return str(_typed(name, value, data_type, doing, is_sensitive=is_sensitive)[1].text)


def _typed(name: str, value: Value, data_type: str | None, doing: str, *, is_sensitive: bool) -> tuple[str, Literal]:
    """The SSIS type of a variable, and its value as T-SQL has it."""
    wanted = _known_type(data_type or data_type_of(plain(value)), doing)
    try:
        return wanted, literal(plain(value), wanted)
    except ValueDoesNotFit:
        raise wrong_type(doing, f"the variable {name!r}", wanted, value, is_sensitive=is_sensitive) from None


def _known_type(data_type: str, doing: str) -> str:
    known = {each.lower(): each for each in SSIS_TYPES}
    if data_type.lower() not in known:
        raise InvalidArgument(
            f"{doing} failed: {data_type!r} is not a type of variables", advice=f"Types are: {', '.join(SSIS_TYPES)}."
        )
    return known[data_type.lower()]

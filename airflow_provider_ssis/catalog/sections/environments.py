"""Environments, their variables, and the references of projects to them."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_ssis.catalog.argument_limits import check_arguments, check_place
from airflow_provider_ssis.catalog.errors import (
    AlreadyExists,
    AmbiguousEnvironment,
    CatalogError,
    EnvironmentNotFound,
    InvalidArgument,
    WrongParameterType,
)
from airflow_provider_ssis.catalog.models import Environment, EnvironmentReference, EnvironmentVariable
from airflow_provider_ssis.catalog.parameter_types import SSIS_TYPES, ValueDoesNotFit, data_type_of, literal
from airflow_provider_ssis.catalog.requests import Sensitive, Value
from airflow_provider_ssis.catalog.session import CatalogPart, Repeat
from airflow_provider_ssis.catalog.sql.parameter_values import plain
from airflow_provider_ssis.catalog.sql.rows import decode
from airflow_provider_ssis.catalog.sql.statements import MarkerValue, guarded, guarded_command, select

_ENVIRONMENTS = "catalog.environments AS v JOIN catalog.folders AS f ON f.folder_id = v.folder_id"

REFERENCES = (
    "catalog.environment_references AS v JOIN catalog.projects AS p ON p.project_id = v.project_id "
    "JOIN catalog.folders AS f ON f.folder_id = p.folder_id"
)
"""The references with their project ``p`` and its folder ``f``."""

REFERENCED_FOLDER = "ISNULL(v.environment_folder_name, f.name)"
"""The folder of the environment that a row of :data:`REFERENCES` means: a relative reference names none."""


class Environments(CatalogPart):
    """The part of the catalog client for environments."""

    def environments(self, folder: str | None = None) -> list[Environment]:
        """The environments that the login may see, by folder and name.

        :param folder: only those of this folder. Default: all.
        """
        check_arguments(folder=folder)
        batch = select(
            Environment,
            _ENVIRONMENTS,
            where=[] if folder is None else ["f.name = ?"],
            values=[] if folder is None else [folder],
            order_by="f.name, v.name",
            joined={"folder_name": "f.name"},
        )
        return self._session.fetch(Environment, batch, doing="Reading the environments")

    def environment(self, folder: str, name: str) -> Environment | None:
        """The environment of that name, or None if the login can see no such environment."""
        check_arguments(folder=folder, environment=name)
        batch = select(
            Environment,
            _ENVIRONMENTS,
            where=["f.name = ?", "v.name = ?"],
            values=[folder, name],
            joined={"folder_name": "f.name"},
        )
        found = self._session.fetch(Environment, batch, doing=f"Looking for the environment {folder}/{name}")
        return next(iter(found), None)

    def create_environment(
        self, folder: str, name: str, description: str | None = None, *, exist_ok: bool = False
    ) -> Environment:
        """Create an environment without variables.

        :param description: what it is for. Default: none. An environment that exists already keeps its own.
        :param exist_ok: an environment of that name is returned as it is. Default: False.
        :raises AlreadyExists: there is an environment of that name in the folder.
        :raises FolderNotFound: there is no such folder.
        """
        check_arguments(folder=folder, environment=name, description=description)
        body = "EXEC catalog.create_environment @folder_name = ?, @environment_name = ?"
        values = [folder, name]
        if description is not None:
            body += ", @environment_description = ?"
            values.append(description)
        created = select(
            Environment,
            _ENVIRONMENTS,
            where=["f.name = ?", "v.name = ?"],
            values=[folder, name],
            joined={"folder_name": "f.name"},
        )
        batch = guarded(f"{body};\n{created.sql};", [*values, *created.values])
        try:
            results = self._session.run(
                batch, doing=f"Creating the environment {folder}/{name}", repeat=Repeat.IF_REFUSED
            )
        except AlreadyExists:
            if exist_ok and (environment := self.environment(folder, name)) is not None:
                return environment
            raise
        return decode(Environment, results[-1])[0]

    def environment_variables(self, folder: str, environment: str) -> list[EnvironmentVariable]:
        """The variables of an environment, by name; none if the login sees no such environment."""
        check_arguments(folder=folder, environment=environment)
        batch = select(
            EnvironmentVariable,
            "catalog.environment_variables AS v JOIN catalog.environments AS e ON e.environment_id = v.environment_id "
            "JOIN catalog.folders AS f ON f.folder_id = e.folder_id",
            where=["f.name = ?", "e.name = ?"],
            values=[folder, environment],
            order_by="v.name",
        )
        return self._session.fetch(
            EnvironmentVariable, batch, doing=f"Reading the variables of the environment {folder}/{environment}"
        )

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

        :param value: its value.
        :param data_type: its SSIS type, ``Int32`` for instance. Default: the one that the Python value has by itself
            (Boolean, Int32 or Int64, Double, Decimal, DateTime, String).
        :param sensitive: encrypt the value, so that no view shows it. Default: True for a value marked ``Sensitive``.
        :param description: what it is for. Default: none.
        :raises AlreadyExists: the environment has a variable of that name.
        :raises EnvironmentNotFound: there is no such environment, or the login may not change it.
        :raises WrongParameterType: the value is no value of the type.
        """
        check_arguments(folder=folder, environment=environment, variable=name, description=description)
        doing = f"Creating the variable {name!r} in the environment {folder}/{environment}"
        wanted = data_type or data_type_of(plain(value))
        known = {each.lower(): each for each in SSIS_TYPES}
        if wanted.lower() not in known:
            raise InvalidArgument(
                f"{doing} failed: {wanted!r} is no type of a variable", advice=f"Types are: {', '.join(SSIS_TYPES)}."
            )
        try:
            typed = literal(plain(value), wanted)
        except ValueDoesNotFit as misfit:
            raise WrongParameterType(f"{doing} failed: {misfit}", advice="Pass a value of that type.") from None
        body = (
            f"SET @value = CAST(? AS {typed.sql_type});\n"
            "EXEC catalog.create_environment_variable @folder_name = ?, @environment_name = ?, @variable_name = ?, "
            "@data_type = ?, @sensitive = ?, @value = @value"
        )
        hidden = isinstance(value, Sensitive) if sensitive is None else sensitive
        values: list[MarkerValue] = [typed.text, folder, environment, name, known[wanted.lower()], int(hidden)]
        if description is not None:
            body += ", @description = ?"
            values.append(description)
        self._session.run(
            guarded_command(f"{body};", values, declare="@value sql_variant"), doing=doing, repeat=Repeat.IF_REFUSED
        )

    def environment_references(self, folder: str, project: str) -> list[EnvironmentReference]:
        """The references of a project; none if the login sees no such project."""
        check_place(folder, project)
        batch = select(
            EnvironmentReference,
            REFERENCES,
            where=["f.name = ?", "p.name = ?"],
            values=[folder, project],
            order_by="v.environment_name, v.reference_id",
        )
        return self._session.fetch(
            EnvironmentReference, batch, doing=f"Reading the environment references of {folder}/{project}"
        )

    def create_environment_reference(
        self,
        folder: str,
        project: str,
        environment: str,
        *,
        environment_folder: str | None = None,
        exist_ok: bool = False,
    ) -> int:
        """Add a reference to an environment to a project.

        :param environment_folder: folder of the environment, for an absolute reference. Default: None, a relative
            reference to an environment in the project's own folder, which follows the project when it is moved.
        :param exist_ok: return the id of the reference if the project has it already. Default: False.
        :return: the reference's id.
        :raises AlreadyExists: the project refers to that environment already.
        :raises EnvironmentNotFound: there is no such environment, or the login may not read it.
        :raises ProjectNotFound: there is no such project, or the login may not change it.
        """
        check_place(folder, project)
        check_arguments(environment=environment, environment_folder=environment_folder)
        body = (
            "EXEC catalog.create_environment_reference @folder_name = ?, @project_name = ?, @environment_name = ?, "
            "@reference_type = ?, @reference_id = @reference_id OUTPUT"
        )
        values = [folder, project, environment, "R" if environment_folder is None else "A"]
        if environment_folder is not None:
            body += ", @environment_folder_name = ?"
            values.append(environment_folder)
        batch = guarded(f"{body};\nSELECT @reference_id AS reference_id;", values, declare="@reference_id bigint")
        doing = f"Making {folder}/{project} refer to the environment {environment_folder or '.'}/{environment}"
        try:
            return int(self._session.run(batch, doing=doing, repeat=Repeat.IF_REFUSED)[-1].rows[0][0])
        except AlreadyExists:
            for reference in self.environment_references(folder, project) if exist_ok else ():
                if _same(reference.environment_name, environment) and _same(
                    reference.environment_folder_name or "", environment_folder or ""
                ):
                    return reference.reference_id
            raise

    def find_environment_reference(
        self, folder: str, project: str, environment: str, environment_folder: str | None = None
    ) -> EnvironmentReference:
        """The project's reference to an environment.

        :param environment: ``"Env"`` (in whichever folder), ``"Folder/Env"``, or ``"./Env"`` for the project's folder.
        :param environment_folder: folder of the environment; ``environment`` is then its bare name, slashes and all.
        :raises EnvironmentNotFound: the project has no such reference; the message lists those that it has.
        :raises AmbiguousEnvironment: it refers to environments of that name in several folders.
        """
        check_place(folder, project)
        conditions, values = reference_conditions(folder, environment, environment_folder)
        batch = select(
            EnvironmentReference,
            REFERENCES,
            where=["f.name = ?", "p.name = ?", *conditions],
            values=[folder, project, *values],
            order_by="v.reference_id",
        )
        wanted = environment if environment_folder is None else f"{environment_folder}/{environment}"
        doing = f"Looking for the environment {wanted!r} among the references of {folder}/{project}"
        found = self._session.fetch(EnvironmentReference, batch, doing=doing)
        if len({(each.environment_folder_name or folder).lower() for each in found}) == 1:
            return found[0]
        raise unresolved_environment(folder, project, wanted, found, self.environment_references(folder, project))


def reference_conditions(
    folder: str, environment: str, environment_folder: str | None
) -> tuple[list[str], list[MarkerValue]]:
    """The conditions on :data:`REFERENCES` for references to an environment, and the values for them.

    All rows with the same folder refer to the same environment.

    :param folder: the project's folder, for which ``.`` stands.
    :param environment: ``"Env"``, ``"Folder/Env"`` or ``"./Env"``; with ``environment_folder`` the bare name.
    :param environment_folder: folder of the environment.
    """
    if environment_folder is None:
        environment_folder, name = _split(environment)
    else:
        name = environment
    check_arguments(environment=name, environment_folder=environment_folder)
    if environment_folder is None:
        return ["v.environment_name = ?"], [name]
    return (
        ["v.environment_name = ?", f"{REFERENCED_FOLDER} = ?"],
        [name, folder if environment_folder == "." else environment_folder],
    )


def unresolved_environment(
    folder: str,
    project: str,
    environment: str,
    found: Sequence[EnvironmentReference],
    references: Sequence[EnvironmentReference],
) -> CatalogError:
    """The exception for an environment with no reference, or with several.

    :param folder: the project's folder.
    :param project: the project.
    :param environment: the requested environment, with the folder if one was given.
    :param found: the references that match.
    :param references: all references of the project.
    """
    if found:
        listed = ", ".join(map(str, found))
        return AmbiguousEnvironment(
            f"{folder}/{project} has references to several environments named {environment!r}: {listed}"
        )
    there = (
        f"It has references to: {', '.join(map(str, references))}."
        if references
        else "It has no references that the login can see."
    )
    slashed = [each for each in references if "/" in each.environment_name or "\\" in each.environment_name]
    meant = [each for each in slashed if environment.endswith(each.environment_name)]
    if meant:
        owner = meant[0].environment_folder_name or "."
        there += (
            f" The name {meant[0].environment_name!r} contains a slash: give it as environment together with "
            f"environment_folder={owner!r}, so that it is not split."
        )
    return EnvironmentNotFound(
        f"{folder}/{project} has no reference to the environment {environment!r}",
        advice=f"{there} Add a reference to the project before using an environment.",
    )


def _split(environment: str) -> tuple[str | None, str]:
    before, separator, name = environment.replace("\\", "/").rpartition("/")
    return (before or None, name) if separator else (None, environment)


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()

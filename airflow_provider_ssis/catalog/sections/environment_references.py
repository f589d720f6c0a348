"""References of projects to environments."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_ssis.catalog.argument_limits import check_arguments, check_place
from airflow_provider_ssis.catalog.codes import PermissionType, ReferenceType
from airflow_provider_ssis.catalog.errors import (
    AlreadyExists,
    AmbiguousEnvironment,
    CatalogError,
    EnvironmentNotFound,
)
from airflow_provider_ssis.catalog.models import EnvironmentReference
from airflow_provider_ssis.catalog.refusals import Target
from airflow_provider_ssis.catalog.sections.commands import CommandPart
from airflow_provider_ssis.catalog.sql.statements import MarkerValue, select

REFERENCES = (
    "catalog.environment_references AS v JOIN catalog.projects AS p ON p.project_id = v.project_id "
    "JOIN catalog.folders AS f ON f.folder_id = p.folder_id"
)
"""The references with their project ``p`` and its folder ``f``."""

REFERENCED_FOLDER = "ISNULL(v.environment_folder_name, f.name)"
"""The folder of the environment that a row of :data:`REFERENCES` means: a relative reference names none."""


class EnvironmentReferences(CommandPart):
    """The part of the catalog client for references of projects to environments."""

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
        values = [folder, project, environment, _type_of(environment_folder)]
        if environment_folder is not None:
            body += ", @environment_folder_name = ?"
            values.append(environment_folder)
        try:
            result = self._query(
                f"{body};\nSELECT @reference_id AS reference_id;",
                values,
                f"Making {folder}/{project} refer to the environment {environment_folder or '.'}/{environment}",
                Target(folder=folder, project=project, permission=PermissionType.MODIFY),
                Target(folder=environment_folder or folder, environment=environment, permission=PermissionType.READ),
                declare="@reference_id bigint",
            )
            return int(result.rows[0][0])
        except AlreadyExists:
            for reference in self.environment_references(folder, project) if exist_ok else ():
                if _same(reference.environment_name, environment) and _same(
                    reference.environment_folder_name or "", environment_folder or ""
                ):
                    return reference.reference_id
            raise

    def set_environment_reference_type(self, reference_id: int, *, environment_folder: str | None = None) -> None:
        """Make a reference relative or absolute.

        :param reference_id: the reference.
        :param environment_folder: folder of the environment, for an absolute reference. Default: None, a relative
            reference to the environment of that name in the project's own folder.
        :raises EnvironmentReferenceNotFound: there is no such reference, or the login may not see it.
        :raises EnvironmentNotFound: the environment does not exist there.
        :raises AlreadyExists: the project has such a reference already.
        :raises ProjectNotFound: the login may not change the project.
        """
        check_arguments(environment_folder=environment_folder)
        body = "EXEC catalog.set_environment_reference_type @reference_id = ?, @reference_type = ?"
        values: list[MarkerValue] = [reference_id, _type_of(environment_folder)]
        if environment_folder is not None:
            body += ", @environment_folder_name = ?"
            values.append(environment_folder)
        self._command(f"{body};", values, f"Changing the type of the environment reference {reference_id}")

    def delete_environment_reference(self, reference_id: int) -> None:
        """Remove a reference from its project. The environment stays.

        :param reference_id: the reference.
        :raises EnvironmentReferenceNotFound: there is no such reference, or the login may not see it.
        :raises ProjectNotFound: the login may not change the project.
        """
        self._command(
            "EXEC catalog.delete_environment_reference @reference_id = ?;",
            [reference_id],
            f"Deleting the environment reference {reference_id}",
        )

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
        advice=f"{there} Add a reference to the project first: "
        "'airflow-ssis env set FOLDER ENVIRONMENT --project PROJECT'.",
    )


def _split(environment: str) -> tuple[str | None, str]:
    before, separator, name = environment.replace("\\", "/").rpartition("/")
    return (before or None, name) if separator else (None, environment)


def _type_of(environment_folder: str | None) -> str:
    return (ReferenceType.RELATIVE if environment_folder is None else ReferenceType.ABSOLUTE).value


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()

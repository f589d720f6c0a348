"""Environments."""

from __future__ import annotations

from airflow_provider_ssis.catalog.argument_limits import check_arguments
from airflow_provider_ssis.catalog.codes import PermissionType
from airflow_provider_ssis.catalog.errors import AlreadyExists
from airflow_provider_ssis.catalog.models import Environment
from airflow_provider_ssis.catalog.refusals import Target
from airflow_provider_ssis.catalog.sections.commands import CommandPart
from airflow_provider_ssis.catalog.sql.rows import decode
from airflow_provider_ssis.catalog.sql.statements import Batch, select

_ENVIRONMENTS = "catalog.environments AS v JOIN catalog.folders AS f ON f.folder_id = v.folder_id"


class Environments(CommandPart):
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
        found = self._session.fetch(
            Environment, _one(folder, name), doing=f"Looking for the environment {folder}/{name}"
        )
        return next(iter(found), None)

    def create_environment(
        self, folder: str, name: str, description: str | None = None, *, exist_ok: bool = False
    ) -> Environment:
        """Create an environment without variables.

        :param folder: an existing folder.
        :param name: its name, at most 128 characters.
        :param description: what it is for. Default: none. An environment that exists already keeps its own.
        :param exist_ok: an environment of that name is returned as it is. Default: False.
        :raises AlreadyExists: there is an environment of that name in the folder.
        :raises FolderNotFound: there is no such folder.
        :raises InvalidName: the name breaks the catalog's rules.
        :raises PermissionDenied: the login may not create environments there.
        """
        check_arguments(folder=folder, environment=name, description=description)
        body = "EXEC catalog.create_environment @folder_name = ?, @environment_name = ?"
        values = [folder, name]
        if description is not None:
            body += ", @environment_description = ?"
            values.append(description)
        created = _one(folder, name)
        try:
            result = self._query(
                f"{body};\n{created.sql};",
                [*values, *created.values],
                f"Creating the environment {folder}/{name}",
                Target(folder=folder, permission=PermissionType.CREATE_OBJECTS),
            )
        except AlreadyExists:
            if exist_ok and (environment := self.environment(folder, name)) is not None:
                return environment
            raise
        return decode(Environment, result)[0]

    def rename_environment(self, folder: str, name: str, new_name: str) -> None:
        """Rename an environment. References to it keep the old name, and break.

        :param folder: its folder.
        :param name: its name.
        :param new_name: its new name, at most 128 characters.
        :raises EnvironmentNotFound: there is no such environment.
        :raises AlreadyExists: the folder contains an environment of the new name.
        :raises InvalidName: the new name breaks the catalog's rules.
        :raises PermissionDenied: the login may not change it.
        """
        check_arguments(folder=folder, environment=name)
        check_arguments(environment=new_name)
        self._command(
            "EXEC catalog.rename_environment @folder_name = ?, @environment_name = ?, @new_environment_name = ?;",
            [folder, name, new_name],
            f"Renaming the environment {folder}/{name} to {new_name!r}",
            Target(folder=folder, environment=name, permission=PermissionType.MODIFY),
        )

    def move_environment(self, folder: str, name: str, new_folder: str) -> None:
        """Move an environment to another folder. References to it keep the old folder, and break.

        :param folder: its folder.
        :param name: its name.
        :param new_folder: the folder to move it to, which must exist.
        :raises EnvironmentNotFound: there is no such environment.
        :raises FolderNotFound: there is no such new folder.
        :raises AlreadyExists: the new folder contains an environment of that name.
        :raises PermissionDenied: the login may not change it, or not create environments in the new folder.
        """
        check_arguments(folder=folder, environment=name)
        check_arguments(folder=new_folder)
        self._command(
            "EXEC catalog.move_environment @source_folder = ?, @environment_name = ?, @destination_folder = ?;",
            [folder, name, new_folder],
            f"Moving the environment {folder}/{name} to the folder {new_folder!r}",
            Target(folder=folder, environment=name, permission=PermissionType.MODIFY),
            Target(folder=new_folder, permission=PermissionType.CREATE_OBJECTS),
        )

    def set_environment_description(self, folder: str, name: str, description: str) -> None:
        """Describe an environment.

        :param folder: its folder.
        :param name: its name.
        :param description: what it is for, at most 1024 characters.
        :raises EnvironmentNotFound: there is no such environment.
        :raises PermissionDenied: the login may not change it.
        """
        check_arguments(folder=folder, environment=name, description=description)
        self._command(
            "EXEC catalog.set_environment_property @folder_name = ?, @environment_name = ?, "
            "@property_name = N'DESCRIPTION', @property_value = ?;",
            [folder, name, description],
            f"Describing the environment {folder}/{name}",
            Target(folder=folder, environment=name, permission=PermissionType.MODIFY),
        )

    def delete_environment(self, folder: str, name: str) -> None:
        """Delete an environment with its variables. References to it stay, and break.

        :param folder: its folder.
        :param name: its name.
        :raises EnvironmentNotFound: there is no such environment.
        :raises PermissionDenied: the login may not change it.
        """
        check_arguments(folder=folder, environment=name)
        self._command(
            "EXEC catalog.delete_environment @folder_name = ?, @environment_name = ?;",
            [folder, name],
            f"Deleting the environment {folder}/{name}",
            Target(folder=folder, environment=name, permission=PermissionType.MODIFY),
        )


def _one(folder: str, name: str) -> Batch:
    return select(
        Environment,
        _ENVIRONMENTS,
        where=["f.name = ?", "v.name = ?"],
        values=[folder, name],
        joined={"folder_name": "f.name"},
    )

"""Folders of the catalog."""

from __future__ import annotations

from airflow_provider_ssis.catalog.argument_limits import check_arguments
from airflow_provider_ssis.catalog.errors import AlreadyExists
from airflow_provider_ssis.catalog.models import Folder
from airflow_provider_ssis.catalog.refusals import ADMIN_ROLE, Target
from airflow_provider_ssis.catalog.sections.commands import CommandPart
from airflow_provider_ssis.catalog.sql.rows import decode
from airflow_provider_ssis.catalog.sql.statements import select


class Folders(CommandPart):
    """The part of the catalog client for folders."""

    def folders(self) -> list[Folder]:
        """The folders that the login may see, by name."""
        return self._session.fetch(
            Folder, select(Folder, "catalog.folders AS v", order_by="v.name"), doing="Reading the folders"
        )

    def folder(self, name: str) -> Folder | None:
        """The folder of that name, or None if the login can see no such folder."""
        check_arguments(folder=name)
        batch = select(Folder, "catalog.folders AS v", where=["v.name = ?"], values=[name])
        return next(iter(self._session.fetch(Folder, batch, doing=f"Looking for the folder {name!r}")), None)

    def create_folder(self, name: str, description: str | None = None, *, exist_ok: bool = False) -> Folder:
        """Create a folder.

        :param name: its name, at most 128 characters.
        :param description: what it is for. Default: none. A folder that exists already keeps its own.
        :param exist_ok: a folder of that name is returned as it is. Default: False.
        :return: the folder.
        :raises AlreadyExists: there is a folder of that name.
        :raises InvalidName: the name breaks the catalog's rules.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        check_arguments(folder=name, description=description)
        if exist_ok and (folder := self.folder(name)) is not None:
            return folder
        body = "EXEC catalog.create_folder @folder_name = ?, @folder_id = @folder_id OUTPUT;\n"
        values = [name]
        if description is not None:
            # Both or none: after a deadlock in the second call, a repetition would find the folder of the first.
            body = (
                f"BEGIN TRANSACTION;\n{body}"
                "EXEC catalog.set_folder_description @folder_name = ?, @folder_description = ?;\nCOMMIT TRANSACTION;\n"
            )
            values += [name, description]
        body += _CREATED_FOLDER
        doing = f"Creating the folder {name!r}"
        try:
            created = self._query(body, values, doing, role=ADMIN_ROLE, declare="@folder_id bigint")
        except AlreadyExists:
            # Another client may have created it after the check.
            if exist_ok and (folder := self.folder(name)) is not None:
                return folder
            raise
        return decode(Folder, created)[0]

    def rename_folder(self, name: str, new_name: str) -> None:
        """Rename a folder. Absolute environment references to its environments keep the old name, and break.

        :param name: its name.
        :param new_name: its new name, at most 128 characters.
        :raises FolderNotFound: there is no such folder.
        :raises AlreadyExists: there is a folder of the new name.
        :raises InvalidName: the new name breaks the catalog's rules.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        check_arguments(folder=name)
        check_arguments(folder=new_name)
        self._command(
            "EXEC catalog.rename_folder @old_name = ?, @new_name = ?;",
            [name, new_name],
            f"Renaming the folder {name!r} to {new_name!r}",
            Target(folder=name),
            role=ADMIN_ROLE,
        )

    def set_folder_description(self, name: str, description: str) -> None:
        """Describe a folder.

        :param name: its name.
        :param description: what it is for, at most 1024 characters.
        :raises FolderNotFound: there is no such folder.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        check_arguments(folder=name, description=description)
        self._command(
            "EXEC catalog.set_folder_description @folder_name = ?, @folder_description = ?;",
            [name, description],
            f"Describing the folder {name!r}",
            Target(folder=name),
            role=ADMIN_ROLE,
        )

    def delete_folder(self, name: str) -> None:
        """Delete an empty folder.

        :param name: its name.
        :raises FolderNotFound: there is no such folder.
        :raises FolderNotEmpty: it contains projects or environments.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        check_arguments(folder=name)
        self._command(
            "EXEC catalog.delete_folder @folder_name = ?;",
            [name],
            f"Deleting the folder {name!r}",
            Target(folder=name),
            role=ADMIN_ROLE,
        )


_CREATED_FOLDER = select(Folder, "catalog.folders AS v", where=["v.folder_id = @folder_id"]).sql + ";"

"""Validations of projects and packages."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from airflow_provider_ssis.catalog.argument_limits import check_place
from airflow_provider_ssis.catalog.codes import OperationStatus, PermissionType
from airflow_provider_ssis.catalog.models import Validation
from airflow_provider_ssis.catalog.refusals import Target
from airflow_provider_ssis.catalog.requests import EnvironmentScope
from airflow_provider_ssis.catalog.sections.commands import CommandPart
from airflow_provider_ssis.catalog.sql.operation_filters import OperationFilters
from airflow_provider_ssis.catalog.sql.statements import MarkerValue, select


class Validations(CommandPart):
    """The part of the catalog client for validations.

    A validation runs on the server like an execution. It has ended when its status is final: SUCCEEDED or FAILED, with
    the reasons in :meth:`~airflow_provider_ssis.catalog.sections.operation_messages.Messages.all_event_messages`. It is
    stopped with ``stop_operation``.
    """

    def validate_project(
        self,
        folder: str,
        project: str,
        *,
        reference_id: int | None = None,
        scope: EnvironmentScope | None = None,
        use32bit: bool = False,
    ) -> int:
        """Start to validate all packages of a project.

        :param folder: the project's folder.
        :param project: the project.
        :param reference_id: the environment reference whose variables give values to parameters. Default: none.
        :param scope: which environment references to validate with. Default: the one of ``reference_id``; without one,
            none: parameters have the values that are set on the project.
        :param use32bit: validate with the 32-bit runtime. Default: False.
        :return: the validation's id.
        :raises ProjectNotFound: there is no such project.
        :raises EnvironmentReferenceNotFound: the project has no such reference.
        :raises RequiredParameterMissing: a required parameter has no value.
        :raises PermissionDenied: the login may not change the project.
        """
        check_place(folder, project)
        return self._validate(
            "EXEC catalog.validate_project @folder_name = ?, @project_name = ?, @validate_type = 'F'",
            [folder, project],
            reference_id,
            scope,
            use32bit,
            f"Validating the project {folder}/{project}",
            Target(folder=folder, project=project, permission=PermissionType.MODIFY),
        )

    def validate_package(
        self,
        folder: str,
        project: str,
        package: str,
        *,
        reference_id: int | None = None,
        scope: EnvironmentScope | None = None,
        use32bit: bool = False,
    ) -> int:
        """Start to validate a package.

        :param folder: the project's folder.
        :param project: the project.
        :param package: the package, with its ``.dtsx``.
        :param reference_id: as for :meth:`validate_project`.
        :param scope: as for :meth:`validate_project`.
        :param use32bit: validate with the 32-bit runtime. Default: False.
        :return: the validation's id.
        :raises PackageNotFound: there is no such package.
        :raises CatalogError: as :meth:`validate_project`.
        """
        check_place(folder, project, package)
        return self._validate(
            "EXEC catalog.validate_package @folder_name = ?, @project_name = ?, @package_name = ?",
            [folder, project, package],
            reference_id,
            scope,
            use32bit,
            f"Validating the package {folder}/{project}/{package}",
            Target(folder=folder, project=project, package=package, permission=PermissionType.MODIFY),
        )

    def validation(self, validation_id: int) -> Validation | None:
        """The validation with that id, or None if the login can see no such validation."""
        batch = select(Validation, "catalog.validations AS v", where=["v.validation_id = ?"], values=[validation_id])
        found = self._session.fetch(Validation, batch, doing=f"Looking for the validation {validation_id}")
        return next(iter(found), None)

    def validations(
        self,
        *,
        folder: str | None = None,
        project: str | None = None,
        status: OperationStatus | Collection[OperationStatus] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[Validation]:
        """Validations, the newest first, read page by page while the caller iterates.

        :param folder: only in this folder.
        :param project: only of this project and its packages; needs ``folder``.
        :param status: only in this status, or in one of these.
        :param since: only started at or after this time, which must have a time zone.
        :param until: only started before this time, which must have a time zone.
        :param limit: the most validations. Default: all.
        :raises ValueError: ``project`` is given without ``folder``, or a time without a time zone.
        """
        if project is not None and folder is None:
            raise ValueError("A project is not unique without its folder. Give the folder too.")
        filters = OperationFilters("catalog.validations", "validation_id")
        filters.equals("folder_name", "folder", folder)
        filters.equals("project_name", "project", project)
        filters.status(status)
        filters.created(since, until, column="start_time")
        return self._session.pages(
            Validation, filters.page(Validation), doing="Reading the validations", limit=filters.limit(limit)
        )

    def _validate(
        self,
        call: str,
        values: list[MarkerValue],
        reference_id: int | None,
        scope: EnvironmentScope | None,
        use32bit: bool,
        doing: str,
        target: Target,
    ) -> int:
        if scope is None:
            scope = EnvironmentScope.NONE if reference_id is None else EnvironmentScope.SINGLE
        call += ", @validation_id = @validation_id OUTPUT, @use32bitruntime = ?, @environment_scope = ?"
        values = [*values, int(use32bit), scope.value]
        if reference_id is not None:
            call += ", @reference_id = ?"
            values.append(reference_id)
        statements = f"{call};\nSELECT @validation_id AS validation_id;"
        return int(self._query(statements, values, doing, target, declare="@validation_id bigint").rows[0][0])

"""Restoring an earlier version of a project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ssis.catalog.errors import VersionInUse
from airflow_provider_ssis.exceptions import InvalidTaskArgument
from airflow_provider_ssis.executions.arguments import required_text, shown
from airflow_provider_ssis.operators.base import SsisTask
from airflow_provider_ssis.operators.dag_checks import check_name, is_known

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_ssis.catalog.client import Catalog


class SsisRestoreProjectOperator(SsisTask, BaseOperator):
    """Put an earlier version of a project into use again.

    The catalog keeps the last versions of each project (property MAX_PROJECT_VERSIONS, 10 unless set). Values of
    parameters that the version also has, with the same type, stay as they are. A version that is in use already counts
    as restored, so a retry does no harm.

    :param folder: the catalog's folder. (templated)
    :param project: the project. (templated)
    :param version: the version, as the deploy operator returns it in ``version`` and ``previous_version``:
        ``"{{ ti.xcom_pull('deploy')['previous_version'] }}"``. (templated)
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :return: ``folder``, ``project``, ``version``, ``previous_version`` (the version that was in use before) and
        ``restored`` (False if the version was in use already).
    :raises InvalidTaskArgument: the version is not a number.
    :raises VersionNotFound: the project has no such version; the message shows the existing ones.
    :raises ProjectNotFound: there is no such project.
    :raises PermissionDenied: the login may not change the project.
    :raises CatalogError: another error of the catalog; see :mod:`airflow_provider_ssis.catalog.errors`.
    """

    template_fields: Sequence[str] = ("folder", "project", "version", "ssis_conn_id")
    ui_color = "#e4f1e1"

    def __init__(
        self,
        *,
        folder: str,
        project: str,
        version: int | str | XComArg,
        ssis_conn_id: str = "ssis_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_name("folder", folder)
        check_name("project", project)
        if is_known(version):
            _version(version)
        self.folder = folder
        self.project = project
        self.version = version
        self.ssis_conn_id = ssis_conn_id
        check_name("ssis_conn_id", ssis_conn_id)

    def execute(self, context: Context) -> dict[str, Any]:
        """Restore the version, unless it is in use.

        :param context: the task's context.
        :return: see the class.
        """
        folder, project = required_text("folder", self.folder), required_text("project", self.project)
        version = _version(self.version)
        with self.hook.open_catalog() as catalog:
            previous = self._restore(catalog, folder, project, version)
        return {
            "folder": folder,
            "project": project,
            "version": version,
            "previous_version": previous,
            "restored": previous != version,
        }

    def _restore(self, catalog: Catalog, folder: str, project: str, version: int) -> int | None:
        found = catalog.project(folder, project)
        previous = None if found is None else found.object_version_lsn
        if previous == version:
            self.log.info("%s/%s has version %d in use already.", folder, project, version)
            return previous
        try:
            catalog.restore_project(folder, project, version)
        except VersionInUse:
            # Another client restored it at that moment.
            return version
        self.log.info("Restored version %d of %s/%s; version %s was in use.", version, folder, project, previous)
        return previous


def _version(value: Any) -> int:
    """A version: a number or its text.

    :raises InvalidTaskArgument: it is neither.
    """
    found = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise InvalidTaskArgument(
            f"The argument 'version' is {shown(value)}, which is not a version of a project. If it "
            "comes from another task's XCom: a project that was deployed for the first time has no previous version."
        )
    return found

"""References of projects to environments, which they name: a renamed or moved environment breaks them.

A relative reference (R) names an environment in the project's own folder, an absolute one (A) one of any folder.
"""

from __future__ import annotations

from airflow_provider_ssis.catalog.codes import PermissionType, SecuredObjectType
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.rows import insert, next_id
from airflow_provider_ssis.emulator.ssisdb.tables import NOT_VALIDATED

_MODIFY = PermissionType.MODIFY


@catalog_procedure(
    "create_environment_reference",
    "@folder_name nvarchar(128), @project_name nvarchar(128), @environment_name nvarchar(128), @reference_type char(1),"
    " @environment_folder_name nvarchar(128) = NULL, @reference_id bigint OUTPUT",
    required="folder_name project_name environment_name reference_type",
)
async def create_environment_reference(call: CatalogCall) -> None:
    """27138, 27101 arguments that do not fit together, 27109 no such project, 27182 no such environment, 27204."""
    kind, folder = call["reference_type"].upper(), call["environment_folder_name"]
    if kind not in ("R", "A"):
        raise call.refuse(27101, "reference_type")
    if kind == "A" and folder is None:
        raise call.refuse(27138)
    if kind == "R" and folder is not None:
        raise call.refuse(27101, "environment_folder_name")
    async with call.transaction() as store:
        project_id, _ = call.project(call["folder_name"], call["project_name"], _MODIFY)
        call.environment(folder or call["folder_name"], call["environment_name"], PermissionType.READ)
        if _exists(call, project_id, kind, folder, call["environment_name"]):
            raise call.fail(27204)
        reference_id = next_id(store, "reference_id")
        insert(
            store,
            "environment_references",
            {
                "reference_id": reference_id,
                "project_id": project_id,
                "reference_type": kind,
                "environment_folder_name": folder,
                "environment_name": call["environment_name"],
                "validation_status": NOT_VALIDATED,
            },
        )
    call.set_output("reference_id", reference_id)


@catalog_procedure("delete_environment_reference", "@reference_id bigint", required="reference_id")
async def delete_environment_reference(call: CatalogCall) -> None:
    """27114 no such reference, 27194 no right to change the project."""
    async with call.transaction() as store:
        row = call.first(
            "SELECT project_id FROM catalog.environment_references WHERE reference_id = ?", call["reference_id"]
        )
        if row is None:
            raise call.fail(27114, call["reference_id"])
        if not call.may(_MODIFY, SecuredObjectType.PROJECT, row[0]):
            raise call.fail(27194)
        store.execute("DELETE FROM internal.environment_references WHERE reference_id = ?", [call["reference_id"]])


@catalog_procedure(
    "set_environment_reference_type",
    "@reference_id bigint, @reference_type char(1), @environment_folder_name nvarchar(128) = NULL",
    required="reference_id reference_type",
)
async def set_environment_reference_type(call: CatalogCall) -> None:
    """27101 arguments that do not fit together, 27111 no such reference, 27109 no right, 27182 no such environment.

    27204 this reference or another one of the project names the environment in this way.
    """
    reference_id, kind, folder = call["reference_id"], call["reference_type"].upper(), call["environment_folder_name"]
    if kind not in ("R", "A"):
        raise call.refuse(27101, "reference_type")
    if (kind == "A") != (folder is not None):
        raise call.refuse(27101, "environment_folder_name")
    async with call.transaction() as store:
        row = call.first(
            "SELECT r.project_id, r.environment_name, p.name, f.name"
            " FROM catalog.environment_references r JOIN internal.projects p USING (project_id)"
            " JOIN internal.folders f USING (folder_id) WHERE r.reference_id = ?",
            reference_id,
        )
        if row is None:
            raise call.fail(27111, reference_id)
        project_id, environment, project, project_folder = row
        if not call.may(_MODIFY, SecuredObjectType.PROJECT, project_id):
            raise call.fail(27109, project)
        call.environment(folder or project_folder, environment, PermissionType.READ)
        if _exists(call, project_id, kind, folder, environment):
            raise call.fail(27204)
        store.execute(
            "UPDATE internal.environment_references SET reference_type = ?, environment_folder_name = ?,"
            " validation_status = ?, last_validation_time = NULL WHERE reference_id = ?",
            [kind, folder, NOT_VALIDATED, reference_id],
        )


def _exists(call: CatalogCall, project_id: int, kind: str, folder: str | None, environment: str) -> bool:
    """Whether a project has a reference of a type to an environment."""
    return bool(
        call.first(
            "SELECT 1 FROM internal.environment_references WHERE project_id = ? AND reference_type = ? AND"
            " lower(rtrim(environment_name, ' ')) = lower(rtrim(?, ' ')) AND"
            " lower(rtrim(ifnull(environment_folder_name, ''), ' ')) = lower(rtrim(ifnull(?, ''), ' '))",
            project_id,
            kind,
            environment,
            folder,
        )
    )

"""Calls about projects that the catalog refuses."""

from __future__ import annotations

from airflow_provider_ssis.verify.refusals import needs
from airflow_provider_ssis.verify.refusals.row import ID, Refusal

REFUSALS = (
    Refusal(
        "deploy_null",
        "Deploying NULL gives 27138, before an unknown folder",
        ID
        + "EXEC catalog.deploy_project @folder_name = :unknown, @project_name = N'a', @project_stream = NULL, @operation_id = @id OUTPUT;",
        27138,
        needs.login,
    ),
    Refusal(
        "deploy_folder",
        "Deploying to an unknown folder gives 27104",
        ID
        + "EXEC catalog.deploy_project @folder_name = :unknown, @project_name = N'a', @project_stream = 0x00, @operation_id = @id OUTPUT;",
        27104,
        needs.login,
    ),
    Refusal(
        "get_null",
        "Reading the project NULL gives 27138",
        "EXEC catalog.get_project @folder_name = :unknown, @project_name = NULL;",
        27138,
        needs.login,
    ),
    Refusal(
        "get_unknown",
        "Reading an unknown project gives 27109",
        "EXEC catalog.get_project @folder_name = :folder, @project_name = :unknown;",
        27109,
        needs.folder,
    ),
    Refusal(
        "delete_unknown",
        "Deleting an unknown project gives 27109",
        "EXEC catalog.delete_project @folder_name = :folder, @project_name = :unknown;",
        27109,
        needs.folder,
    ),
    Refusal(
        "move_unknown",
        "Moving an unknown project gives 27109",
        "EXEC catalog.move_project @source_folder = :folder, @project_name = :unknown, @destination_folder = :folder;",
        27109,
        needs.folder,
    ),
    Refusal(
        "restore_unknown",
        "Restoring an unknown project gives 27109",
        "EXEC catalog.restore_project @folder_name = :folder, @project_name = :unknown, @object_version_lsn = 1;",
        27109,
        needs.folder,
    ),
    Refusal(
        "restore_version",
        "Restoring an unknown version gives 27179",
        "EXEC catalog.restore_project @folder_name = :folder, @project_name = :project, @object_version_lsn = :no_id;",
        27179,
        needs.project,
    ),
    Refusal(
        "folder_not_empty",
        "Deleting a folder with a project gives 27196",
        "EXEC catalog.delete_folder @folder_name = :folder;",
        27196,
        needs.project,
    ),
)

BROKEN_DEPLOYMENT = Refusal(
    "deploy_nonsense",
    "Deploying a file that is not a project gives 27203",
    ID
    + "EXEC catalog.deploy_project @folder_name = :folder, @project_name = :project, @project_stream = 0x00, @operation_id = @id OUTPUT;",
    27203,
    needs.project,
)
"""Tried last, because it might leave the project in the middle of a deployment. The project exists, so no hidden one is left."""

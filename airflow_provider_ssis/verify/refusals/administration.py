"""Calls about permissions and customized logging levels that the catalog refuses."""

from __future__ import annotations

from airflow_provider_ssis.verify.refusals import needs
from airflow_provider_ssis.verify.refusals.row import Refusal

REFUSALS = (
    # Permissions.
    Refusal(
        "grant_object_type",
        "The object type 9 gives 27101",
        "EXEC catalog.grant_permission @object_type = 9, @object_id = 1, @principal_id = 0, @permission_type = 1;",
        27101,
        needs.login,
    ),
    Refusal(
        "grant_not_applicable",
        "EXECUTE on a folder gives 27191",
        "DECLARE @id bigint = (SELECT folder_id FROM catalog.folders WHERE name = :folder); EXEC catalog.grant_permission @object_type = 1, @object_id = @id, @principal_id = 0, @permission_type = 3;",
        27191,
        needs.folder,
    ),
    # Customized logging levels. Refused calls write nothing.
    Refusal(
        "level_null",
        "A customized logging level of the name NULL gives 27233",
        "EXEC catalog.create_customized_logging_level @level_name = NULL;",
        27233,
        needs.admin,
    ),
    Refusal(
        "level_name",
        "A bad name of a customized logging level gives 27234",
        "EXEC catalog.create_customized_logging_level @level_name = N'a<b';",
        27234,
        needs.admin,
    ),
    Refusal(
        "level_value",
        "A negative profile of a customized logging level gives 27240",
        "EXEC catalog.create_customized_logging_level @level_name = :unknown, @profile_value = -1;",
        27240,
        needs.admin,
    ),
    Refusal(
        "level_delete_unknown",
        "Deleting an unknown customized logging level gives 27237",
        "EXEC catalog.delete_customized_logging_level @level_name = :unknown;",
        27237,
        needs.admin,
    ),
)

"""Calls about permissions that the catalog refuses."""

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
)

"""Calls about folders that the catalog refuses."""

from __future__ import annotations

from airflow_provider_ssis.verify.refusals import needs
from airflow_provider_ssis.verify.refusals.row import Refusal

REFUSALS = (
    Refusal(
        "folder_name_null",
        "A folder name of NULL gives 27189",
        "EXEC catalog.create_folder @folder_name = NULL;",
        27189,
        needs.admin,
    ),
    Refusal(
        "folder_name_empty",
        "An empty folder name gives 27199",
        "EXEC catalog.create_folder @folder_name = N'';",
        27199,
        needs.admin,
    ),
    Refusal(
        "folder_name_character",
        "A folder name with < gives 27199",
        "EXEC catalog.create_folder @folder_name = N'a<b';",
        27199,
        needs.admin,
    ),
    Refusal(
        "folder_name_blank",
        "A folder name that begins with a blank gives 27199",
        "EXEC catalog.create_folder @folder_name = N' a';",
        27199,
        needs.admin,
    ),
    Refusal(
        "folder_name_at",
        "A folder name that begins with @ gives 27199",
        "EXEC catalog.create_folder @folder_name = N'@a';",
        27199,
        needs.admin,
    ),
    Refusal(
        "folder_exists",
        "A second folder of the same name gives 27190",
        "EXEC catalog.create_folder @folder_name = :folder;",
        27190,
        needs.folder,
    ),
    Refusal(
        "folder_delete_null",
        "Deleting the folder NULL gives 27189",
        "EXEC catalog.delete_folder @folder_name = NULL;",
        27189,
        needs.admin,
    ),
    Refusal(
        "folder_delete_unknown",
        "Deleting an unknown folder gives 27104",
        "EXEC catalog.delete_folder @folder_name = :unknown;",
        27104,
        needs.admin,
    ),
    Refusal(
        "folder_rename_unknown",
        "Renaming an unknown folder gives 27104",
        "EXEC catalog.rename_folder @old_name = :unknown, @new_name = :other;",
        27104,
        needs.admin,
    ),
    Refusal(
        "folder_rename_name",
        "Renaming an unknown folder to a bad name gives 27199, not 27104",
        "EXEC catalog.rename_folder @old_name = :unknown, @new_name = N'a|b';",
        27199,
        needs.admin,
    ),
    Refusal(
        "folder_describe_unknown",
        "Describing an unknown folder gives 27104",
        "EXEC catalog.set_folder_description @folder_name = :unknown, @folder_description = N'x';",
        27104,
        needs.admin,
    ),
)

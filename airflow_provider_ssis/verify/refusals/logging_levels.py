"""Calls about customized logging levels that the catalog refuses."""

from __future__ import annotations

from airflow_provider_ssis.verify.refusals import needs
from airflow_provider_ssis.verify.refusals.row import Refusal

REFUSALS = (
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
        "level_events",
        "Negative events of a customized logging level give 27240",
        "EXEC catalog.create_customized_logging_level @level_name = :unknown, @events_value = -1;",
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
    Refusal(
        "level_delete_null",
        "Deleting the customized logging level of the name NULL gives 27233",
        "EXEC catalog.delete_customized_logging_level @level_name = NULL;",
        27233,
        needs.admin,
    ),
    Refusal(
        "level_rename_null",
        "Renaming the customized logging level of the name NULL gives 27233",
        "EXEC catalog.rename_customized_logging_level @old_name = NULL, @new_name = :unknown;",
        27233,
        needs.admin,
    ),
    Refusal(
        "level_rename_bad",
        "A bad new name of a customized logging level gives 27234",
        "EXEC catalog.rename_customized_logging_level @old_name = :unknown, @new_name = N'a|b';",
        27234,
        needs.admin,
    ),
    Refusal(
        "level_rename_unknown",
        "Renaming an unknown customized logging level gives 27237",
        "EXEC catalog.rename_customized_logging_level @old_name = :unknown, @new_name = :other;",
        27237,
        needs.admin,
    ),
    Refusal(
        "level_description_unknown",
        "Describing an unknown customized logging level gives 27237",
        "EXEC catalog.set_customized_logging_level_description @level_name = :unknown, @level_description = N'x';",
        27237,
        needs.admin,
    ),
    Refusal(
        "level_set_null",
        "Changing the customized logging level of the name NULL gives 27233",
        "EXEC catalog.set_customized_logging_level_value @level_name = NULL, @property_name = N'PROFILE', "
        "@property_value = 1;",
        27233,
        needs.admin,
    ),
    Refusal(
        "level_set_negative",
        "A negative value of an unknown customized logging level gives 27240",
        "EXEC catalog.set_customized_logging_level_value @level_name = :unknown, @property_name = N'PROFILE', "
        "@property_value = -1;",
        27240,
        needs.admin,
    ),
    Refusal(
        "level_set_unknown",
        "Changing an unknown customized logging level gives 27237",
        "EXEC catalog.set_customized_logging_level_value @level_name = :unknown, @property_name = N'PROFILE', "
        "@property_value = 1;",
        27237,
        needs.admin,
    ),
    Refusal(
        "level_exists",
        "A second customized logging level of the same name gives 27235",
        "EXEC catalog.create_customized_logging_level @level_name = :folder;",
        27235,
        needs.level,
    ),
    Refusal(
        "level_set_property",
        "A property of a customized logging level other than PROFILE and EVENTS gives 27101",
        "EXEC catalog.set_customized_logging_level_value @level_name = :folder, @property_name = N'NAME', "
        "@property_value = 1;",
        27101,
        needs.level,
    ),
)

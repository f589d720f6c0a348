"""Calls about environments, their variables and references to them that the catalog refuses."""

from __future__ import annotations

from airflow_provider_ssis.verify.refusals import needs
from airflow_provider_ssis.verify.refusals.row import ID, VALUE, Refusal

_REFER = ID + "EXEC catalog.create_environment_reference @reference_id = @id OUTPUT, "
_VARIABLE = "EXEC catalog.create_environment_variable @sensitive = 0, "

REFUSALS = (
    # Environments.
    Refusal(
        "environment_null",
        "An environment name of NULL gives 27138, before an unknown folder",
        "EXEC catalog.create_environment @folder_name = :unknown, @environment_name = NULL;",
        27138,
        needs.login,
    ),
    Refusal(
        "environment_name",
        "A bad environment name gives 27142, before an unknown folder",
        "EXEC catalog.create_environment @folder_name = :unknown, @environment_name = N'a<b';",
        27142,
        needs.login,
    ),
    Refusal(
        "environment_folder",
        "An environment in an unknown folder gives 27104",
        "EXEC catalog.create_environment @folder_name = :unknown, @environment_name = N'a';",
        27104,
        needs.login,
    ),
    Refusal(
        "environment_exists",
        "A second environment of the same name gives 27157",
        "EXEC catalog.create_environment @folder_name = :folder, @environment_name = :environment;",
        27157,
        needs.environment,
    ),
    Refusal(
        "environment_delete_unknown",
        "Deleting an unknown environment gives 27182",
        "EXEC catalog.delete_environment @folder_name = :folder, @environment_name = :unknown;",
        27182,
        needs.folder,
    ),
    Refusal(
        "environment_rename_same",
        "Renaming an environment to its own name gives 27157",
        "EXEC catalog.rename_environment @folder_name = :folder, @environment_name = :environment, @new_environment_name = :environment;",
        27157,
        needs.environment,
    ),
    Refusal(
        "environment_rename_name",
        "Renaming an unknown environment to a bad name gives 27142, not 27182",
        "EXEC catalog.rename_environment @folder_name = :folder, @environment_name = :unknown, @new_environment_name = N'a<b';",
        27142,
        needs.folder,
    ),
    Refusal(
        "environment_move_unknown",
        "Moving an unknown environment gives 27182",
        "EXEC catalog.move_environment @source_folder = :folder, @environment_name = :unknown, @destination_folder = :folder;",
        27182,
        needs.folder,
    ),
    Refusal(
        "environment_property",
        "A property of an environment other than DESCRIPTION gives 27101",
        "EXEC catalog.set_environment_property @folder_name = :folder, @environment_name = :environment, @property_name = N'COLOUR', @property_value = N'x';",
        27101,
        needs.environment,
    ),
    # Environment variables.
    Refusal(
        "variable_null",
        "A variable name of NULL gives 27138",
        f"{VALUE}1; {_VARIABLE}@folder_name = :unknown, @environment_name = :unknown, @variable_name = NULL, @data_type = N'Int32', @value = @v;",
        27138,
        needs.login,
    ),
    Refusal(
        "variable_environment",
        "A variable in an unknown environment gives 27182",
        f"{VALUE}CAST(1 AS int); {_VARIABLE}@folder_name = :folder, @environment_name = :unknown, @variable_name = N'a', @data_type = N'Int32', @value = @v;",
        27182,
        needs.folder,
    ),
    Refusal(
        "variable_type",
        "A variable of an unknown type gives 27159",
        f"{VALUE}CAST(1 AS int); {_VARIABLE}@folder_name = :folder, @environment_name = :environment, @variable_name = N'a', @data_type = N'Nothing', @value = @v;",
        27159,
        needs.environment,
    ),
    Refusal(
        "variable_set_unknown",
        "Setting an unknown variable gives 27183",
        f"{VALUE}CAST(1 AS int); EXEC catalog.set_environment_variable_value @folder_name = :folder, @environment_name = :environment, @variable_name = :unknown, @value = @v;",
        27183,
        needs.environment,
    ),
    Refusal(
        "variable_delete_unknown",
        "Deleting an unknown variable gives 27183",
        "EXEC catalog.delete_environment_variable @folder_name = :folder, @environment_name = :environment, @variable_name = :unknown;",
        27183,
        needs.environment,
    ),
    # References.
    Refusal(
        "reference_null",
        "A reference to the environment NULL gives 27138",
        f"{_REFER}@folder_name = :unknown, @project_name = :unknown, @environment_name = NULL, @reference_type = 'R';",
        27138,
        needs.login,
    ),
    Refusal(
        "reference_type",
        "A reference of the type X gives 27101, before an unknown project",
        f"{_REFER}@folder_name = :unknown, @project_name = :unknown, @environment_name = N'a', @reference_type = 'X';",
        27101,
        needs.login,
    ),
    Refusal(
        "reference_project",
        "A reference of an unknown project gives 27109",
        f"{_REFER}@folder_name = :folder, @project_name = :unknown, @environment_name = N'a', @reference_type = 'R';",
        27109,
        needs.folder,
    ),
    Refusal(
        "reference_environment",
        "A reference to an unknown environment gives 27182",
        f"{_REFER}@folder_name = :folder, @project_name = :project, @environment_name = :unknown, @reference_type = 'R';",
        27182,
        needs.project,
    ),
    Refusal(
        "reference_exists",
        "A second reference to the same environment gives 27204",
        f"{_REFER}@folder_name = :folder, @project_name = :project, @environment_name = :environment, @reference_type = 'R';",
        27204,
        needs.reference,
    ),
    Refusal(
        "reference_delete_unknown",
        "Deleting an unknown reference gives 27114",
        "EXEC catalog.delete_environment_reference @reference_id = :no_id;",
        27114,
        needs.login,
    ),
    Refusal(
        "reference_same_type",
        "Setting a reference to the type that it has gives 27204",
        "EXEC catalog.set_environment_reference_type @reference_id = :reference, @reference_type = 'R';",
        27204,
        needs.reference,
    ),
)

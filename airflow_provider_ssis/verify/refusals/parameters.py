"""Calls about parameters of projects and packages that the catalog refuses."""

from __future__ import annotations

from airflow_provider_ssis.verify.refusals import needs
from airflow_provider_ssis.verify.refusals.row import VALUE, Refusal

_OBJECT = "EXEC catalog.set_object_parameter_value "

REFUSALS = (
    Refusal(
        "parameter_null",
        "Setting the parameter NULL gives 27138",
        f"{VALUE}1; {_OBJECT}@object_type = 20, @folder_name = :unknown, @project_name = :unknown, @parameter_name = NULL, @parameter_value = @v;",
        27138,
        needs.login,
    ),
    Refusal(
        "parameter_object_type",
        "The object type 21 gives 27101, before an unknown project",
        f"{VALUE}1; {_OBJECT}@object_type = 21, @folder_name = :unknown, @project_name = :unknown, @parameter_name = N'a', @parameter_value = @v;",
        27101,
        needs.login,
    ),
    Refusal(
        "parameter_project",
        "A parameter of an unknown project gives 27109",
        f"{VALUE}1; {_OBJECT}@object_type = 20, @folder_name = :folder, @project_name = :unknown, @parameter_name = N'a', @parameter_value = @v;",
        27109,
        needs.folder,
    ),
    Refusal(
        "parameter_unknown",
        "An unknown parameter gives 27106",
        f"{VALUE}1; {_OBJECT}@object_type = 20, @folder_name = :folder, @project_name = :project, @parameter_name = :unknown, @parameter_value = @v;",
        27106,
        needs.project,
    ),
    Refusal(
        "parameter_case",
        "Names of parameters are case-sensitive: another case gives 27106",
        f"{VALUE}N'x'; {_OBJECT}@object_type = 20, @folder_name = :folder, @project_name = :project, @parameter_name = N'REGION', @parameter_value = @v;",
        27106,
        needs.project,
    ),
    Refusal(
        "parameter_no_package",
        "A package's parameter without the package gives 27106",
        f"{VALUE}CAST(1 AS int); {_OBJECT}@object_type = 30, @folder_name = :folder, @project_name = :project, @parameter_name = N'Int32Value', @parameter_value = @v;",
        27106,
        needs.project,
    ),
    Refusal(
        "parameter_clear_object_type",
        "Clearing a parameter of the object type 21 gives 27101",
        "EXEC catalog.clear_object_parameter_value @folder_name = :unknown, @project_name = :unknown, @object_type = 21, @parameter_name = N'a';",
        27101,
        needs.login,
    ),
    Refusal(
        "parameter_clear_no_package",
        "Clearing a package's parameter without the package gives 27138, before an unknown project",
        "EXEC catalog.clear_object_parameter_value @folder_name = :folder, @project_name = :unknown, @object_type = 30, @parameter_name = N'a';",
        27138,
        needs.folder,
    ),
    Refusal(
        "values_null",
        "get_parameter_values of the package NULL gives 27138",
        "EXEC catalog.get_parameter_values @folder_name = :unknown, @project_name = :unknown, @package_name = NULL;",
        27138,
        needs.folder,
    ),
    Refusal(
        "values_unknown",
        "get_parameter_values of an unknown package gives 27146",
        "EXEC catalog.get_parameter_values @folder_name = :folder, @project_name = :project, @package_name = :unknown;",
        27146,
        needs.project,
    ),
)

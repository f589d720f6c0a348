"""Facts about what the catalog refuses: a call, and the number of the error. A table, tried in this order.

Each call names the first of several faults where that shows the order of the checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from airflow_provider_ssis.verify.answers import NotApplicable
from airflow_provider_ssis.verify.facts import Fact, Finding
from airflow_provider_ssis.verify.probe import Probe
from airflow_provider_ssis.verify.signatures import SIGNATURES, WINDOWS_FIRST


def _login(probe: Probe) -> None:
    probe.require_accepted_login()


def _admin(probe: Probe) -> None:
    probe.require_admin()


def _folder(probe: Probe) -> None:
    _ = probe.folder


def _environment(probe: Probe) -> None:
    _ = probe.environment


def _project(probe: Probe) -> None:
    _ = probe.deployment


def _run(probe: Probe) -> None:
    probe.values["run"] = probe.created_run


def _finished(probe: Probe) -> None:
    probe.values["finished"] = probe.finished_run


def _unset(probe: Probe) -> None:
    probe.values["unset"] = probe.unset_run


def _reference(probe: Probe) -> None:
    probe.values["reference"] = probe.reference


def _outdated(probe: Probe) -> None:
    probe.values["outdated"] = probe.outdated_run


def _orphan(probe: Probe) -> None:
    probe.values["orphan"] = probe.orphaned_run


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A row: what is refused, the call, the error, and what the call needs."""

    name: str
    statement: str
    call: str
    number: int
    needs: Callable[[Probe], None]


_R = _Refusal
_V = "DECLARE @v sql_variant = "
_ID = "DECLARE @id bigint; "
_CREATE = _ID + "EXEC catalog.create_execution @execution_id = @id OUTPUT, "
_SET = "EXEC catalog.set_execution_parameter_value "
_OVERRIDE = "EXEC catalog.set_execution_property_override_value @sensitive = 0, "
_REFER = _ID + "EXEC catalog.create_environment_reference @reference_id = @id OUTPUT, "
_VARIABLE = "EXEC catalog.create_environment_variable @sensitive = 0, "
_OBJECT = "EXEC catalog.set_object_parameter_value "
_VALIDATE = _ID + "EXEC catalog.validate_project @validation_id = @id OUTPUT, "

REFUSALS = (
    # Folders.
    _R(
        "folder_name_null",
        "A folder name of NULL gives 27189",
        "EXEC catalog.create_folder @folder_name = NULL;",
        27189,
        _admin,
    ),
    _R(
        "folder_name_empty",
        "An empty folder name gives 27199",
        "EXEC catalog.create_folder @folder_name = N'';",
        27199,
        _admin,
    ),
    _R(
        "folder_name_character",
        "A folder name with < gives 27199",
        "EXEC catalog.create_folder @folder_name = N'a<b';",
        27199,
        _admin,
    ),
    _R(
        "folder_name_blank",
        "A folder name that begins with a blank gives 27199",
        "EXEC catalog.create_folder @folder_name = N' a';",
        27199,
        _admin,
    ),
    _R(
        "folder_name_at",
        "A folder name that begins with @ gives 27199",
        "EXEC catalog.create_folder @folder_name = N'@a';",
        27199,
        _admin,
    ),
    _R(
        "folder_exists",
        "A second folder of the same name gives 27190",
        "EXEC catalog.create_folder @folder_name = :folder;",
        27190,
        _folder,
    ),
    _R(
        "folder_delete_null",
        "Deleting the folder NULL gives 27189",
        "EXEC catalog.delete_folder @folder_name = NULL;",
        27189,
        _admin,
    ),
    _R(
        "folder_delete_unknown",
        "Deleting an unknown folder gives 27104",
        "EXEC catalog.delete_folder @folder_name = :unknown;",
        27104,
        _admin,
    ),
    _R(
        "folder_rename_unknown",
        "Renaming an unknown folder gives 27104",
        "EXEC catalog.rename_folder @old_name = :unknown, @new_name = :other;",
        27104,
        _admin,
    ),
    _R(
        "folder_rename_name",
        "Renaming an unknown folder to a bad name gives 27199, not 27104",
        "EXEC catalog.rename_folder @old_name = :unknown, @new_name = N'a|b';",
        27199,
        _admin,
    ),
    _R(
        "folder_describe_unknown",
        "Describing an unknown folder gives 27104",
        "EXEC catalog.set_folder_description @folder_name = :unknown, @folder_description = N'x';",
        27104,
        _admin,
    ),
    # Environments.
    _R(
        "environment_null",
        "An environment name of NULL gives 27138, before an unknown folder",
        "EXEC catalog.create_environment @folder_name = :unknown, @environment_name = NULL;",
        27138,
        _login,
    ),
    _R(
        "environment_name",
        "A bad environment name gives 27142, before an unknown folder",
        "EXEC catalog.create_environment @folder_name = :unknown, @environment_name = N'a<b';",
        27142,
        _login,
    ),
    _R(
        "environment_folder",
        "An environment in an unknown folder gives 27104",
        "EXEC catalog.create_environment @folder_name = :unknown, @environment_name = N'a';",
        27104,
        _login,
    ),
    _R(
        "environment_exists",
        "A second environment of the same name gives 27157",
        "EXEC catalog.create_environment @folder_name = :folder, @environment_name = :environment;",
        27157,
        _environment,
    ),
    _R(
        "environment_delete_unknown",
        "Deleting an unknown environment gives 27182",
        "EXEC catalog.delete_environment @folder_name = :folder, @environment_name = :unknown;",
        27182,
        _folder,
    ),
    _R(
        "environment_rename_same",
        "Renaming an environment to its own name gives 27157",
        "EXEC catalog.rename_environment @folder_name = :folder, @environment_name = :environment, @new_environment_name = :environment;",
        27157,
        _environment,
    ),
    _R(
        "environment_rename_name",
        "Renaming an unknown environment to a bad name gives 27142, not 27182",
        "EXEC catalog.rename_environment @folder_name = :folder, @environment_name = :unknown, @new_environment_name = N'a<b';",
        27142,
        _folder,
    ),
    _R(
        "environment_move_unknown",
        "Moving an unknown environment gives 27182",
        "EXEC catalog.move_environment @source_folder = :folder, @environment_name = :unknown, @destination_folder = :folder;",
        27182,
        _folder,
    ),
    _R(
        "environment_property",
        "A property of an environment other than DESCRIPTION gives 27101",
        "EXEC catalog.set_environment_property @folder_name = :folder, @environment_name = :environment, @property_name = N'COLOUR', @property_value = N'x';",
        27101,
        _environment,
    ),
    # Environment variables.
    _R(
        "variable_null",
        "A variable name of NULL gives 27138",
        f"{_V}1; {_VARIABLE}@folder_name = :unknown, @environment_name = :unknown, @variable_name = NULL, @data_type = N'Int32', @value = @v;",
        27138,
        _login,
    ),
    _R(
        "variable_environment",
        "A variable in an unknown environment gives 27182",
        f"{_V}CAST(1 AS int); {_VARIABLE}@folder_name = :folder, @environment_name = :unknown, @variable_name = N'a', @data_type = N'Int32', @value = @v;",
        27182,
        _folder,
    ),
    _R(
        "variable_type",
        "A variable of an unknown type gives 27159",
        f"{_V}CAST(1 AS int); {_VARIABLE}@folder_name = :folder, @environment_name = :environment, @variable_name = N'a', @data_type = N'Nothing', @value = @v;",
        27159,
        _environment,
    ),
    _R(
        "variable_set_unknown",
        "Setting an unknown variable gives 27183",
        f"{_V}CAST(1 AS int); EXEC catalog.set_environment_variable_value @folder_name = :folder, @environment_name = :environment, @variable_name = :unknown, @value = @v;",
        27183,
        _environment,
    ),
    _R(
        "variable_delete_unknown",
        "Deleting an unknown variable gives 27183",
        "EXEC catalog.delete_environment_variable @folder_name = :folder, @environment_name = :environment, @variable_name = :unknown;",
        27183,
        _environment,
    ),
    # References.
    _R(
        "reference_null",
        "A reference to the environment NULL gives 27138",
        f"{_REFER}@folder_name = :unknown, @project_name = :unknown, @environment_name = NULL, @reference_type = 'R';",
        27138,
        _login,
    ),
    _R(
        "reference_type",
        "A reference of the type X gives 27101, before an unknown project",
        f"{_REFER}@folder_name = :unknown, @project_name = :unknown, @environment_name = N'a', @reference_type = 'X';",
        27101,
        _login,
    ),
    _R(
        "reference_project",
        "A reference of an unknown project gives 27109",
        f"{_REFER}@folder_name = :folder, @project_name = :unknown, @environment_name = N'a', @reference_type = 'R';",
        27109,
        _folder,
    ),
    _R(
        "reference_environment",
        "A reference to an unknown environment gives 27182",
        f"{_REFER}@folder_name = :folder, @project_name = :project, @environment_name = :unknown, @reference_type = 'R';",
        27182,
        _project,
    ),
    _R(
        "reference_exists",
        "A second reference to the same environment gives 27204",
        f"{_REFER}@folder_name = :folder, @project_name = :project, @environment_name = :environment, @reference_type = 'R';",
        27204,
        _reference,
    ),
    _R(
        "reference_delete_unknown",
        "Deleting an unknown reference gives 27114",
        "EXEC catalog.delete_environment_reference @reference_id = :no_id;",
        27114,
        _login,
    ),
    _R(
        "reference_same_type",
        "Setting a reference to the type that it has gives 27204",
        "EXEC catalog.set_environment_reference_type @reference_id = :reference, @reference_type = 'R';",
        27204,
        _reference,
    ),
    # Projects.
    _R(
        "deploy_null",
        "Deploying NULL gives 27138, before an unknown folder",
        _ID
        + "EXEC catalog.deploy_project @folder_name = :unknown, @project_name = N'a', @project_stream = NULL, @operation_id = @id OUTPUT;",
        27138,
        _login,
    ),
    _R(
        "deploy_folder",
        "Deploying to an unknown folder gives 27104",
        _ID
        + "EXEC catalog.deploy_project @folder_name = :unknown, @project_name = N'a', @project_stream = 0x00, @operation_id = @id OUTPUT;",
        27104,
        _login,
    ),
    _R(
        "get_null",
        "Reading the project NULL gives 27138",
        "EXEC catalog.get_project @folder_name = :unknown, @project_name = NULL;",
        27138,
        _login,
    ),
    _R(
        "get_unknown",
        "Reading an unknown project gives 27109",
        "EXEC catalog.get_project @folder_name = :folder, @project_name = :unknown;",
        27109,
        _folder,
    ),
    _R(
        "delete_unknown",
        "Deleting an unknown project gives 27109",
        "EXEC catalog.delete_project @folder_name = :folder, @project_name = :unknown;",
        27109,
        _folder,
    ),
    _R(
        "move_unknown",
        "Moving an unknown project gives 27109",
        "EXEC catalog.move_project @source_folder = :folder, @project_name = :unknown, @destination_folder = :folder;",
        27109,
        _folder,
    ),
    _R(
        "restore_unknown",
        "Restoring an unknown project gives 27109",
        "EXEC catalog.restore_project @folder_name = :folder, @project_name = :unknown, @object_version_lsn = 1;",
        27109,
        _folder,
    ),
    _R(
        "restore_version",
        "Restoring an unknown version gives 27179",
        "EXEC catalog.restore_project @folder_name = :folder, @project_name = :project, @object_version_lsn = :no_id;",
        27179,
        _project,
    ),
    _R(
        "folder_not_empty",
        "Deleting a folder with a project gives 27196",
        "EXEC catalog.delete_folder @folder_name = :folder;",
        27196,
        _project,
    ),
    # Parameters of projects and packages.
    _R(
        "parameter_null",
        "Setting the parameter NULL gives 27138",
        f"{_V}1; {_OBJECT}@object_type = 20, @folder_name = :unknown, @project_name = :unknown, @parameter_name = NULL, @parameter_value = @v;",
        27138,
        _login,
    ),
    _R(
        "parameter_object_type",
        "The object type 21 gives 27101, before an unknown project",
        f"{_V}1; {_OBJECT}@object_type = 21, @folder_name = :unknown, @project_name = :unknown, @parameter_name = N'a', @parameter_value = @v;",
        27101,
        _login,
    ),
    _R(
        "parameter_project",
        "A parameter of an unknown project gives 27109",
        f"{_V}1; {_OBJECT}@object_type = 20, @folder_name = :folder, @project_name = :unknown, @parameter_name = N'a', @parameter_value = @v;",
        27109,
        _folder,
    ),
    _R(
        "parameter_unknown",
        "An unknown parameter gives 27106",
        f"{_V}1; {_OBJECT}@object_type = 20, @folder_name = :folder, @project_name = :project, @parameter_name = :unknown, @parameter_value = @v;",
        27106,
        _project,
    ),
    _R(
        "parameter_case",
        "Names of parameters are case-sensitive: another case gives 27106",
        f"{_V}N'x'; {_OBJECT}@object_type = 20, @folder_name = :folder, @project_name = :project, @parameter_name = N'REGION', @parameter_value = @v;",
        27106,
        _project,
    ),
    _R(
        "parameter_no_package",
        "A package's parameter without the package gives 27106",
        f"{_V}CAST(1 AS int); {_OBJECT}@object_type = 30, @folder_name = :folder, @project_name = :project, @parameter_name = N'Int32Value', @parameter_value = @v;",
        27106,
        _project,
    ),
    _R(
        "parameter_clear_object_type",
        "Clearing a parameter of the object type 21 gives 27101",
        "EXEC catalog.clear_object_parameter_value @folder_name = :unknown, @project_name = :unknown, @object_type = 21, @parameter_name = N'a';",
        27101,
        _login,
    ),
    _R(
        "parameter_clear_no_package",
        "Clearing a package's parameter without the package gives 27138, before an unknown project",
        "EXEC catalog.clear_object_parameter_value @folder_name = :folder, @project_name = :unknown, @object_type = 30, @parameter_name = N'a';",
        27138,
        _folder,
    ),
    _R(
        "values_null",
        "get_parameter_values of the package NULL gives 27138",
        "EXEC catalog.get_parameter_values @folder_name = :unknown, @project_name = :unknown, @package_name = NULL;",
        27138,
        _folder,
    ),
    _R(
        "values_unknown",
        "get_parameter_values of an unknown package gives 27146",
        "EXEC catalog.get_parameter_values @folder_name = :folder, @project_name = :project, @package_name = :unknown;",
        27146,
        _project,
    ),
    # Executions.
    _R(
        "execution_null",
        "An execution of the package NULL gives 27138",
        f"{_CREATE}@folder_name = :unknown, @project_name = :unknown, @package_name = NULL;",
        27138,
        _login,
    ),
    _R(
        "execution_extension",
        "A package's name without .dtsx gives 27146",
        f"{_CREATE}@folder_name = :folder, @project_name = :project, @package_name = N'Run';",
        27146,
        _project,
    ),
    _R(
        "execution_reference",
        "An unknown environment reference gives 27208",
        f"{_CREATE}@folder_name = :folder, @project_name = :project, @package_name = :package, @reference_id = :no_id;",
        27208,
        _project,
    ),
    _R(
        "set_null",
        "A value of NULL gives 27138, before an unknown object type",
        f"{_SET}@execution_id = :no_id, @object_type = 21, @parameter_name = N'a', @parameter_value = NULL;",
        27138,
        _login,
    ),
    _R(
        "set_object_type",
        "The object type 21 gives 27101, before the execution 0",
        f"{_V}1; {_SET}@execution_id = 0, @object_type = 21, @parameter_name = N'a', @parameter_value = @v;",
        27101,
        _login,
    ),
    _R(
        "set_zero",
        "The execution 0 gives 27101",
        f"{_V}1; {_SET}@execution_id = 0, @object_type = 50, @parameter_name = N'a', @parameter_value = @v;",
        27101,
        _login,
    ),
    _R(
        "set_unknown_execution",
        "An unknown execution gives 27103",
        f"{_V}1; {_SET}@execution_id = :no_id, @object_type = 50, @parameter_name = N'a', @parameter_value = @v;",
        27103,
        _login,
    ),
    _R(
        "set_unknown_parameter",
        "An unknown parameter of an execution gives 27176",
        f"{_V}1; {_SET}@execution_id = :run, @object_type = 30, @parameter_name = :unknown, @parameter_value = @v;",
        27176,
        _run,
    ),
    _R(
        "set_case",
        "Names of an execution's parameters are case-sensitive: another case gives 27176",
        f"{_V}CAST(1 AS int); {_SET}@execution_id = :run, @object_type = 30, @parameter_name = N'INT32VALUE', @parameter_value = @v;",
        27176,
        _run,
    ),
    _R(
        "set_level",
        "The logging level 9 gives 27217",
        f"{_V}CAST(9 AS int); {_SET}@execution_id = :run, @object_type = 50, @parameter_name = N'LOGGING_LEVEL', @parameter_value = @v;",
        27217,
        _run,
    ),
    _R(
        "set_started",
        "Setting a value of a started execution gives 27224, before an unknown parameter",
        f"{_V}1; {_SET}@execution_id = :finished, @object_type = 30, @parameter_name = :unknown, @parameter_value = @v;",
        27224,
        _finished,
    ),
    _R(
        "override_null",
        "A property override with the path NULL gives 27138",
        f"{_OVERRIDE}@execution_id = 0, @property_path = NULL, @property_value = N'x';",
        27138,
        _login,
    ),
    _R(
        "override_zero",
        "A property override of the execution 0 gives 27101",
        f"{_OVERRIDE}@execution_id = 0, @property_path = N'a', @property_value = N'x';",
        27101,
        _login,
    ),
    _R(
        "override_unknown",
        "A property override of an unknown execution gives 27103",
        f"{_OVERRIDE}@execution_id = :no_id, @property_path = N'a', @property_value = N'x';",
        27103,
        _login,
    ),
    _R(
        "override_started",
        "A property override of a started execution gives 27225",
        f"{_OVERRIDE}@execution_id = :finished, @property_path = N'a', @property_value = N'x';",
        27225,
        _finished,
    ),
    _R(
        "start_null",
        "Starting the execution NULL gives 27138",
        "EXEC catalog.start_execution @execution_id = NULL;",
        27138,
        _login,
    ),
    _R(
        "start_zero",
        "Starting the execution 0 gives 27101",
        "EXEC catalog.start_execution @execution_id = 0;",
        27101,
        _login,
    ),
    _R(
        "start_retries",
        "A retry count of -1 gives 27101, before an unknown execution",
        "EXEC catalog.start_execution @execution_id = :no_id, @retry_count = -1;",
        27101,
        _login,
    ),
    _R(
        "start_unknown",
        "Starting an unknown execution gives 27103",
        "EXEC catalog.start_execution @execution_id = :no_id;",
        27103,
        _login,
    ),
    _R(
        "start_required",
        "Starting without the value of a required parameter gives 27184",
        "EXEC catalog.start_execution @execution_id = :unset;",
        27184,
        _unset,
    ),
    _R(
        "start_twice",
        "Starting an execution again gives 27121",
        "EXEC catalog.start_execution @execution_id = :finished;",
        27121,
        _finished,
    ),
    _R(
        "start_redeployed",
        "Starting an execution whose project was deployed again gives 27150",
        "EXEC catalog.start_execution @execution_id = :outdated;",
        27150,
        _outdated,
    ),
    _R(
        "start_deleted",
        "Starting an execution whose project was deleted gives 27109",
        "EXEC catalog.start_execution @execution_id = :orphan;",
        27109,
        _orphan,
    ),
    _R(
        "tap_finished",
        "A data tap on a finished execution gives 27212",
        _ID
        + "EXEC catalog.add_data_tap @execution_id = :finished, @task_package_path = N'\\Package', @dataflow_path_id_string = N'Paths[a.b]', @data_filename = N'verify.csv', @data_tap_id = @id OUTPUT;",
        27212,
        _finished,
    ),
    # Stops.
    _R(
        "stop_null",
        "Stopping the operation NULL gives 27100",
        "EXEC catalog.stop_operation @operation_id = NULL;",
        27100,
        _login,
    ),
    _R(
        "stop_created",
        "Stopping an execution that was not started gives 27124",
        "EXEC catalog.stop_operation @operation_id = :run;",
        27124,
        _run,
    ),
    _R(
        "stop_finished",
        "Stopping an execution that has ended gives 27124",
        "EXEC catalog.stop_operation @operation_id = :finished;",
        27124,
        _finished,
    ),
    # Validations.
    _R(
        "validate_null",
        "Validating the project NULL gives 27138",
        f"{_VALIDATE}@folder_name = :unknown, @project_name = NULL;",
        27138,
        _login,
    ),
    _R(
        "validate_type",
        "The validation type X gives 27101",
        f"{_VALIDATE}@folder_name = :unknown, @project_name = :unknown, @validate_type = 'X';",
        27101,
        _login,
    ),
    # Permissions.
    _R(
        "grant_object_type",
        "The object type 9 gives 27101",
        "EXEC catalog.grant_permission @object_type = 9, @object_id = 1, @principal_id = 0, @permission_type = 1;",
        27101,
        _login,
    ),
    _R(
        "grant_not_applicable",
        "EXECUTE on a folder gives 27191",
        "DECLARE @id bigint = (SELECT folder_id FROM catalog.folders WHERE name = :folder); EXEC catalog.grant_permission @object_type = 1, @object_id = @id, @principal_id = 0, @permission_type = 3;",
        27191,
        _folder,
    ),
    # Customized logging levels. Refused calls write nothing.
    _R(
        "level_null",
        "A customized logging level of the name NULL gives 27233",
        "EXEC catalog.create_customized_logging_level @level_name = NULL;",
        27233,
        _admin,
    ),
    _R(
        "level_name",
        "A bad name of a customized logging level gives 27234",
        "EXEC catalog.create_customized_logging_level @level_name = N'a<b';",
        27234,
        _admin,
    ),
    _R(
        "level_value",
        "A negative profile of a customized logging level gives 27240",
        "EXEC catalog.create_customized_logging_level @level_name = :unknown, @profile_value = -1;",
        27240,
        _admin,
    ),
    _R(
        "level_delete_unknown",
        "Deleting an unknown customized logging level gives 27237",
        "EXEC catalog.delete_customized_logging_level @level_name = :unknown;",
        27237,
        _admin,
    ),
    # Last, because it might leave the project in the middle of a deployment. It exists, so no hidden project is left.
    _R(
        "deploy_nonsense",
        "Deploying a file that is not a project gives 27203",
        _ID
        + "EXEC catalog.deploy_project @folder_name = :folder, @project_name = :project, @project_stream = 0x00, @operation_id = @id OUTPUT;",
        27203,
        _project,
    ),
)


def refusal_facts() -> Iterator[Fact]:
    """A fact for each refused call, and for each procedure that refuses SQL logins."""
    for each in REFUSALS:
        yield Fact(f"refusals.{each.name}", f"{each.statement}.", partial(_refused, each))
    for name in WINDOWS_FIRST:
        yield Fact(
            f"windows.{name}",
            f"catalog.{name} refuses a SQL login with 27123, before it checks its arguments.",
            partial(_windows, name),
        )


def _refused(refusal: _Refusal, probe: Probe) -> Finding:
    refusal.needs(probe)
    return Finding(f"error {refusal.number}", probe.call(refusal.call).text)


def _windows(name: str, probe: Probe) -> Finding:
    if not probe.refuses_login:
        raise NotApplicable("the catalog accepts this login")
    declared = [text.split() for text in SIGNATURES[name]]
    outputs = [f"DECLARE {parameter} {kind};" for parameter, kind, *output in declared if output]
    arguments = [f"{parts[0]} = " + (f"{parts[0]} OUTPUT" if parts[2:] else "NULL") for parts in declared]
    return Finding("error 27123", probe.call(f"{' '.join(outputs)} EXEC catalog.{name} {', '.join(arguments)};").text)

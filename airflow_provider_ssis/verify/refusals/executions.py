"""Calls about executions and validations that the catalog refuses."""

from __future__ import annotations

from airflow_provider_ssis.verify.refusals import needs
from airflow_provider_ssis.verify.refusals.row import ID, VALUE, Refusal

_CREATE = ID + "EXEC catalog.create_execution @execution_id = @id OUTPUT, "
_SET = "EXEC catalog.set_execution_parameter_value "
_OVERRIDE = "EXEC catalog.set_execution_property_override_value @sensitive = 0, "
_VALIDATE = ID + "EXEC catalog.validate_project @validation_id = @id OUTPUT, "

REFUSALS = (
    # Executions.
    Refusal(
        "execution_null",
        "An execution of the package NULL gives 27138",
        f"{_CREATE}@folder_name = :unknown, @project_name = :unknown, @package_name = NULL;",
        27138,
        needs.login,
    ),
    Refusal(
        "execution_extension",
        "A package's name without .dtsx gives 27146",
        f"{_CREATE}@folder_name = :folder, @project_name = :project, @package_name = N'Run';",
        27146,
        needs.project,
    ),
    Refusal(
        "execution_reference",
        "An unknown environment reference gives 27208",
        f"{_CREATE}@folder_name = :folder, @project_name = :project, @package_name = :package, @reference_id = :no_id;",
        27208,
        needs.project,
    ),
    Refusal(
        "set_null",
        "A value of NULL gives 27138, before an unknown object type",
        f"{_SET}@execution_id = :no_id, @object_type = 21, @parameter_name = N'a', @parameter_value = NULL;",
        27138,
        needs.login,
    ),
    Refusal(
        "set_object_type",
        "The object type 21 gives 27101, before the execution 0",
        f"{VALUE}1; {_SET}@execution_id = 0, @object_type = 21, @parameter_name = N'a', @parameter_value = @v;",
        27101,
        needs.login,
    ),
    Refusal(
        "set_zero",
        "The execution 0 gives 27101",
        f"{VALUE}1; {_SET}@execution_id = 0, @object_type = 50, @parameter_name = N'a', @parameter_value = @v;",
        27101,
        needs.login,
    ),
    Refusal(
        "set_unknown_execution",
        "An unknown execution gives 27103",
        f"{VALUE}1; {_SET}@execution_id = :no_id, @object_type = 50, @parameter_name = N'a', @parameter_value = @v;",
        27103,
        needs.login,
    ),
    Refusal(
        "set_unknown_parameter",
        "An unknown parameter of an execution gives 27176",
        f"{VALUE}1; {_SET}@execution_id = :run, @object_type = 30, @parameter_name = :unknown, @parameter_value = @v;",
        27176,
        needs.run,
    ),
    Refusal(
        "set_case",
        "Names of an execution's parameters are case-sensitive: another case gives 27176",
        f"{VALUE}CAST(1 AS int); {_SET}@execution_id = :run, @object_type = 30, @parameter_name = N'INT32VALUE', @parameter_value = @v;",
        27176,
        needs.run,
    ),
    Refusal(
        "set_level",
        "The logging level 9 gives 27217",
        f"{VALUE}CAST(9 AS int); {_SET}@execution_id = :run, @object_type = 50, @parameter_name = N'LOGGING_LEVEL', @parameter_value = @v;",
        27217,
        needs.run,
    ),
    Refusal(
        "set_started",
        "Setting a value of a started execution gives 27224, before an unknown parameter",
        f"{VALUE}1; {_SET}@execution_id = :finished, @object_type = 30, @parameter_name = :unknown, @parameter_value = @v;",
        27224,
        needs.finished,
    ),
    Refusal(
        "override_null",
        "A property override with the path NULL gives 27138",
        f"{_OVERRIDE}@execution_id = 0, @property_path = NULL, @property_value = N'x';",
        27138,
        needs.login,
    ),
    Refusal(
        "override_zero",
        "A property override of the execution 0 gives 27101",
        f"{_OVERRIDE}@execution_id = 0, @property_path = N'a', @property_value = N'x';",
        27101,
        needs.login,
    ),
    Refusal(
        "override_unknown",
        "A property override of an unknown execution gives 27103",
        f"{_OVERRIDE}@execution_id = :no_id, @property_path = N'a', @property_value = N'x';",
        27103,
        needs.login,
    ),
    Refusal(
        "override_started",
        "A property override of a started execution gives 27225",
        f"{_OVERRIDE}@execution_id = :finished, @property_path = N'a', @property_value = N'x';",
        27225,
        needs.finished,
    ),
    Refusal(
        "start_null",
        "Starting the execution NULL gives 27138",
        "EXEC catalog.start_execution @execution_id = NULL;",
        27138,
        needs.login,
    ),
    Refusal(
        "start_zero",
        "Starting the execution 0 gives 27101",
        "EXEC catalog.start_execution @execution_id = 0;",
        27101,
        needs.login,
    ),
    Refusal(
        "start_retries",
        "A retry count of -1 gives 27101, before an unknown execution",
        "EXEC catalog.start_execution @execution_id = :no_id, @retry_count = -1;",
        27101,
        needs.login,
    ),
    Refusal(
        "start_unknown",
        "Starting an unknown execution gives 27103",
        "EXEC catalog.start_execution @execution_id = :no_id;",
        27103,
        needs.login,
    ),
    Refusal(
        "start_required",
        "Starting without the value of a required parameter gives 27184",
        "EXEC catalog.start_execution @execution_id = :unset;",
        27184,
        needs.unset,
    ),
    Refusal(
        "start_twice",
        "Starting an execution again gives 27121",
        "EXEC catalog.start_execution @execution_id = :finished;",
        27121,
        needs.finished,
    ),
    Refusal(
        "start_redeployed",
        "Starting an execution whose project was deployed again gives 27150",
        "EXEC catalog.start_execution @execution_id = :outdated;",
        27150,
        needs.outdated,
    ),
    Refusal(
        "start_deleted",
        "Starting an execution whose project was deleted gives 27109",
        "EXEC catalog.start_execution @execution_id = :orphan;",
        27109,
        needs.orphan,
    ),
    Refusal(
        "tap_finished",
        "A data tap on a finished execution gives 27212",
        ID
        + "EXEC catalog.add_data_tap @execution_id = :finished, @task_package_path = N'\\Package', @dataflow_path_id_string = N'Paths[a.b]', @data_filename = N'verify.csv', @data_tap_id = @id OUTPUT;",
        27212,
        needs.finished,
    ),
    # Dumps.
    Refusal(
        "dump_null",
        "A dump of the execution NULL gives 27138",
        "EXEC catalog.create_execution_dump @execution_id = NULL;",
        27138,
        needs.admin,
    ),
    Refusal(
        "dump_zero",
        "A dump of the execution 0 gives 27101",
        "EXEC catalog.create_execution_dump @execution_id = 0;",
        27101,
        needs.admin,
    ),
    Refusal(
        "dump_finished",
        "A dump of an execution that has ended gives 27218",
        "EXEC catalog.create_execution_dump @execution_id = :finished;",
        27218,
        needs.finished_as_admin,
    ),
    # Stops.
    Refusal(
        "stop_null",
        "Stopping the operation NULL gives 27100",
        "EXEC catalog.stop_operation @operation_id = NULL;",
        27100,
        needs.login,
    ),
    Refusal(
        "stop_created",
        "Stopping an execution that was not started gives 27124",
        "EXEC catalog.stop_operation @operation_id = :run;",
        27124,
        needs.run,
    ),
    Refusal(
        "stop_finished",
        "Stopping an execution that has ended gives 27124",
        "EXEC catalog.stop_operation @operation_id = :finished;",
        27124,
        needs.finished,
    ),
    # Validations.
    Refusal(
        "validate_null",
        "Validating the project NULL gives 27138",
        f"{_VALIDATE}@folder_name = :unknown, @project_name = NULL;",
        27138,
        needs.login,
    ),
    Refusal(
        "validate_type",
        "The validation type X gives 27101",
        f"{_VALIDATE}@folder_name = :unknown, @project_name = :unknown, @validate_type = 'X';",
        27101,
        needs.login,
    ),
)

"""Facts about executions: creating, starting, their values, messages and statistics, failing, stopping."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_ssis.verify.answers import NotApplicable
from airflow_provider_ssis.verify.facts import Fact, Finding, Source, rows_are, value_is
from airflow_provider_ssis.verify.probe import Probe
from airflow_provider_ssis.verify.sample_project import PARAMETERS, PROJECT, RUN

_SYSTEM = ("CALLER_INFO", "DUMP_EVENT_CODE", "DUMP_ON_ERROR", "DUMP_ON_EVENT", "LOGGING_LEVEL", "SYNCHRONIZED")

_created = rows_are(
    "SELECT status, operation_type, CASE WHEN created_time IS NULL THEN 0 ELSE 1 END, "
    "CASE WHEN start_time IS NULL THEN 0 ELSE 1 END FROM catalog.operations WHERE operation_id = :id;",
    [(1, 200, 1, 0)],
    # Not the execution of other facts, which may have been changed.
    lambda probe: probe.create_execution(RUN),
)
_design_default = value_is(
    "SELECT CAST(parameter_value AS nvarchar(100)) FROM catalog.execution_parameter_values "
    "WHERE execution_id = :id AND object_type = 20 AND parameter_name = N'Region';",
    "north",
    lambda probe: probe.created_run,
)
_succeeded = rows_are(
    "SELECT status, CASE WHEN start_time IS NULL THEN 0 ELSE 1 END, CASE WHEN end_time >= start_time THEN 1 ELSE 0 "
    "END FROM catalog.executions WHERE execution_id = :id;",
    [(7, 1, 1)],
    lambda probe: probe.finished_run,
)
_message_times = value_is(
    "SELECT COUNT(*) FROM catalog.event_messages AS m JOIN catalog.executions AS e "
    "ON e.execution_id = m.operation_id WHERE e.execution_id = :id AND m.message_time < e.created_time;",
    0,
    lambda probe: probe.finished_run,
)
_executables = value_is(
    "SELECT COUNT(*) FROM catalog.executables WHERE execution_id = :id AND package_name = :package "
    "AND package_path = N'\\Package';",
    1,
    lambda probe: probe.finished_run,
)
_statistics = rows_are(
    "SELECT execution_result FROM catalog.executable_statistics WHERE execution_id = :id "
    "AND execution_path = N'\\Package';",
    [(0,)],
    lambda probe: probe.finished_run,
)
_validation = rows_are(
    "SELECT o.operation_type, o.status, v.validate_type, v.environment_scope FROM catalog.operations AS o "
    "JOIN catalog.validations AS v ON v.validation_id = o.operation_id WHERE o.operation_id = :id;",
    [(301, 7, "F", "D")],
    lambda probe: probe.validation,
)


def run_facts() -> Iterator[Fact]:
    """The facts."""
    yield Fact("runs.created", "A created execution has status 1, type 200 and no start time.", _created)
    yield Fact("runs.object_name", "The object of an execution is its project; the package is in executions.", _object)
    yield Fact("runs.permissions", "The creator has READ, MODIFY and MANAGE_PERMISSIONS on an execution.", _permissions)
    yield Fact("runs.values", "An execution has a row for each parameter of the package and the project.", _values)
    yield Fact("runs.system_values", "An execution has these server options as rows of object type 50.", _system)
    yield Fact(
        "runs.design_default", "A parameter that was never set has its design default as value.", _design_default
    )
    yield Fact("runs.one_sequence", "Executions and deployments have ids of one sequence.", _sequence)
    yield Fact("runs.failed_creation", "A refused creation leaves an operation in status 4.", _failed_creation)
    yield Fact("runs.variable", "A parameter that is bound to a variable has its value, with the reference.", _variable)
    yield Fact("runs.succeeded", "A package that runs through ends in status 7, with start and end time.", _succeeded)
    yield Fact("runs.messages", "A run writes event messages, each with its own id.", _messages, Source.DOCS)
    yield Fact("runs.message_times", "No message is older than the execution.", _message_times, Source.OBSERVED)
    yield Fact("runs.executables", "A run lists the package among its executables.", _executables, Source.DOCS)
    yield Fact("runs.statistics", "The package's statistics have the result 0.", _statistics, Source.DOCS)
    yield Fact(
        "runs.failed",
        "A package that divides by zero ends in status 4, with messages of type 120.",
        _failed,
        Source.DOCS,
    )
    yield Fact("runs.override", "A property override is a row; the path is stored as it is given.", _override)
    yield Fact(
        "runs.logging_level_100",
        "The logging level 100 adds the option CUSTOMIZED_LOGGING_LEVEL; another level removes it.",
        _level_100,
    )
    yield Fact("runs.tap", "A data tap without a limit is stored with -1 rows.", _tap)
    yield Fact(
        "runs.values_before",
        "get_parameter_values has eight columns, and a row for each parameter of package and project.",
        _values_before,
    )
    yield Fact("validations.package", "A validation is an operation of type 301 that ends in status 7.", _validation)
    yield Fact("validations.status", "A valid package has the validation status S.", _validation_status, Source.DOCS)
    yield Fact("runs.stopped", "A stopped execution ends in status 3, with the name of who stopped it.", _stopped)
    yield Fact("runs.stop_operation", "A stop is an operation of type 202 that ends in status 7.", _stop_operation)
    yield Fact("runs.second_stop", "A second stop gives 27126 while it stops, 27124 after.", _second_stop)


def _object(probe: Probe) -> Finding:
    found = probe.rows(
        "SELECT o.object_type, o.object_name, e.folder_name, e.project_name, e.package_name "
        "FROM catalog.operations AS o JOIN catalog.executions AS e ON e.execution_id = o.operation_id "
        "WHERE o.operation_id = :id;",
        id=probe.created_run,
    )
    return Finding([(20, PROJECT, "the folder", PROJECT, RUN)], [_without_folder(probe, row) for row in found])


def _without_folder(probe: Probe, row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple("the folder" if value == probe.scratch else value for value in row)


def _permissions(probe: Probe) -> Finding:
    found = probe.rows(
        "SELECT permission_type FROM catalog.effective_object_permissions WHERE object_type = 4 AND object_id = :id;",
        id=probe.created_run,
    )
    return Finding([1, 2, 4], sorted(int(code) for (code,) in found))


def _names(probe: Probe, object_type: int) -> list[str]:
    rows = probe.rows(
        "SELECT parameter_name FROM catalog.execution_parameter_values "
        "WHERE execution_id = :id AND object_type = :kind;",
        id=probe.created_run,
        kind=object_type,
    )
    return sorted(name for (name,) in rows)


def _values(probe: Probe) -> Finding:
    expected = (["Region"], sorted(f"{name}Value" for name in PARAMETERS))
    return Finding(expected, (_names(probe, 20), _names(probe, 30)))


def _system(probe: Probe) -> Finding:
    found = [name for name in _names(probe, 50) if name != "CUSTOMIZED_LOGGING_LEVEL"]
    return Finding(list(_SYSTEM), found)


def _sequence(probe: Probe) -> Finding:
    return Finding("later", "later" if probe.create_execution(RUN) > probe.deployment else "earlier")


def _failed_creation(probe: Probe) -> Finding:
    _ = probe.deployment
    answer = probe.call(
        "DECLARE @id bigint; BEGIN TRY EXEC catalog.create_execution @folder_name = :folder, @project_name = :project, "
        "@package_name = N'Nothing.dtsx', @execution_id = @id OUTPUT; END TRY BEGIN CATCH END CATCH; "
        "SELECT status, CASE WHEN end_time IS NULL THEN 0 ELSE 1 END FROM catalog.operations "
        "WHERE operation_id = (SELECT MAX(operation_id) FROM catalog.operations "
        "WHERE operation_type = 200 AND object_name = :project AND caller_name = SUSER_SNAME());"
    )
    return Finding([(4, 1)], [tuple(row) for row in answer.rows] if answer.number is None else answer.text)


def _variable(probe: Probe) -> Finding:
    reference = probe.reference
    bind = probe.call(
        "DECLARE @w sql_variant = N'west'; EXEC catalog.create_environment_variable @folder_name = :folder, "
        "@environment_name = :environment, @variable_name = N'Area', @data_type = N'String', @sensitive = 0, "
        "@value = @w; DECLARE @v sql_variant = N'Area'; EXEC catalog.set_object_parameter_value @object_type = 20, "
        "@folder_name = :folder, @project_name = :project, @parameter_name = N'Region', @parameter_value = @v, "
        "@value_type = 'R';"
    )
    if bind.number is not None:
        return Finding("no error", bind.text)
    read = (
        "SELECT CAST(parameter_value AS nvarchar(100)), value_set FROM catalog.execution_parameter_values "
        "WHERE execution_id = :id AND object_type = 20 AND parameter_name = N'Region';"
    )
    with_reference = probe.rows(read, id=probe.create_execution(RUN, reference))
    without = probe.rows(read, id=probe.create_execution(RUN))
    probe.call(
        "EXEC catalog.clear_object_parameter_value @folder_name = :folder, @project_name = :project, "
        "@object_type = 20, @parameter_name = N'Region';"
    )
    return Finding(
        ([("west", True)], [False]),
        ([(text, bool(is_set)) for text, is_set in with_reference], [bool(is_set) for _, is_set in without]),
    )


def _messages(probe: Probe) -> Finding:
    rows = probe.rows(
        "SELECT event_message_id FROM catalog.event_messages WHERE operation_id = :id ORDER BY message_time, "
        "event_message_id;",
        id=probe.finished_run,
    )
    ids = [number for (number,) in rows]
    if None in ids:
        raise NotApplicable("messages of Scale Out workers have no ids")
    expected = "messages with different ids"
    return Finding(expected, expected if ids and len(set(ids)) == len(ids) else f"{len(ids)} messages")


def _failed(probe: Probe) -> Finding:
    number = probe.failed_run
    status = probe.value("SELECT status FROM catalog.executions WHERE execution_id = :id;", id=number)
    errors = probe.value(
        "SELECT COUNT(*) FROM catalog.event_messages WHERE operation_id = :id AND message_type = 120;", id=number
    )
    return Finding((4, "errors"), (status, "errors" if errors else "no errors"))


def _override(probe: Probe) -> Finding:
    number = probe.create_execution(RUN)
    answer = probe.call(
        "EXEC catalog.set_execution_property_override_value @execution_id = :id, @property_path = N'\\No.Such[Path]', "
        "@property_value = N'x', @sensitive = 0;",
        id=number,
    )
    rows = probe.rows(
        "SELECT property_path, property_value, sensitive FROM catalog.execution_property_override_values "
        "WHERE execution_id = :id;",
        id=number,
    )
    found = [(path, value, bool(sensitive)) for path, value, sensitive in rows]
    return Finding(("no error", [("\\No.Such[Path]", "x", False)]), (answer.text, found))


def _level_100(probe: Probe) -> Finding:
    number = probe.create_execution(RUN)
    counts = []
    for level in (100, 1):
        probe.call(
            "DECLARE @v sql_variant = CAST(:level AS int); EXEC catalog.set_execution_parameter_value "
            "@execution_id = :id, @object_type = 50, @parameter_name = N'LOGGING_LEVEL', @parameter_value = @v;",
            id=number,
            level=level,
        )
        counts.append(
            probe.value(
                "SELECT COUNT(*) FROM catalog.execution_parameter_values WHERE execution_id = :id "
                "AND object_type = 50 AND parameter_name = N'CUSTOMIZED_LOGGING_LEVEL';",
                id=number,
            )
        )
    return Finding([1, 0], counts)


def _tap(probe: Probe) -> Finding:
    number = probe.create_execution(RUN)
    answer = probe.call(
        "DECLARE @id bigint; EXEC catalog.add_data_tap @execution_id = :id, @task_package_path = N'\\Package\\Flow', "
        "@dataflow_path_id_string = N'Paths[a.b]', @data_filename = N'verify.csv', @data_tap_id = @id OUTPUT;",
        id=number,
    )
    rows = probe.value("SELECT max_rows FROM catalog.execution_data_taps WHERE execution_id = :id;", id=number)
    return Finding(("no error", -1), (answer.text, rows))


def _values_before(probe: Probe) -> Finding:
    _ = probe.deployment
    # Through a table variable, because FreeTDS cannot read sql_variant. It has as many columns as the result.
    rows = probe.rows(
        "DECLARE @values TABLE (parameter_id bigint, object_type smallint, data_type nvarchar(128), "
        "name nvarchar(128), value sql_variant, sensitive bit, required bit, value_set bit); "
        "INSERT INTO @values EXEC catalog.get_parameter_values @folder_name = :folder, @project_name = :project, "
        "@package_name = :package; SELECT object_type, name FROM @values;"
    )
    expected = sorted([(20, "Region"), *((30, f"{name}Value") for name in PARAMETERS)])
    return Finding(expected, sorted(tuple(row) for row in rows))


def _validation_status(probe: Probe) -> Finding:
    _ = probe.validation
    status = probe.value(
        "SELECT k.validation_status FROM catalog.packages AS k JOIN catalog.projects AS p "
        "ON p.project_id = k.project_id JOIN catalog.folders AS f ON f.folder_id = p.folder_id "
        "WHERE f.name = :folder AND p.name = :project AND k.name = :package;"
    )
    return Finding("S", status)


def _stopped(probe: Probe) -> Finding:
    number, answer, _ = probe.stopped_run
    found = probe.rows(
        "SELECT status, CASE WHEN stopped_by_name = SUSER_SNAME() THEN 1 ELSE 0 END FROM catalog.executions "
        "WHERE execution_id = :id;",
        id=number,
    )
    return Finding(("no error", [(3, 1)]), (answer.text, [tuple(row) for row in found]))


def _stop_operation(probe: Probe) -> Finding:
    number, _, _ = probe.stopped_run
    rows = probe.rows(
        "SELECT s.operation_id FROM catalog.operations AS s JOIN catalog.operations AS t ON t.object_id = s.object_id "
        "WHERE s.operation_type = 202 AND t.operation_id = :id AND s.operation_id > :id ORDER BY s.operation_id;",
        id=number,
    )
    if not rows:
        return Finding(7, "no operation of type 202")
    return Finding(7, probe.wait(int(rows[0][0])))


def _second_stop(probe: Probe) -> Finding:
    _, _, second = probe.stopped_run
    return Finding("refused", "refused" if second.number in (27124, 27126) else second.text)

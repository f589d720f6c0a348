"""Facts about folders, environments, deployments, versions, permissions and codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_ssis.verify.answers import NotApplicable
from airflow_provider_ssis.verify.facts import Fact, Finding, Source, rows_are
from airflow_provider_ssis.verify.probe import Probe
from airflow_provider_ssis.verify.sample_project import FAIL, PROJECT, REQUIRED, RUN, WAIT, sample_project

_PERMISSIONS = (
    "SELECT permission_type FROM catalog.effective_object_permissions "
    "WHERE object_type = :kind AND object_id = :id ORDER BY permission_type;"
)
_PROPERTIES = {
    "DEFAULT_EXECUTION_MODE",
    "ENCRYPTION_ALGORITHM",
    "IS_SCALEOUT_ENABLED",
    "MAX_PROJECT_VERSIONS",
    "OPERATION_CLEANUP_ENABLED",
    "RETENTION_WINDOW",
    "SCHEMA_BUILD",
    "SCHEMA_VERSION",
    "SERVER_CUSTOMIZED_LOGGING_LEVEL",
    "SERVER_LOGGING_LEVEL",
    "SERVER_OPERATION_ENCRYPTION_LEVEL",
    "VALIDATION_TIMEOUT",
    "VERSION_CLEANUP_ENABLED",
}

_operation = rows_are(
    "SELECT operation_type, status, object_type, object_name FROM catalog.operations WHERE operation_id = :id;",
    [(101, 7, 20, PROJECT)],
    lambda probe: probe.deployment,
)


def object_facts() -> Iterator[Fact]:
    """The facts."""
    yield Fact("catalog.properties", "The catalog has these properties.", _properties, Source.DOCS)
    yield Fact("catalog.time", "Times have the type datetimeoffset(7).", _time)
    yield Fact("catalog.description", "The view shows the new description of a folder.", _described)
    yield Fact("permissions.folder", "Creating a folder writes no explicit permissions.", _folder_permissions)
    yield Fact(
        "permissions.environment",
        "The creator of an environment has READ, MODIFY and MANAGE_PERMISSIONS on it.",
        _environment_permissions,
    )
    yield Fact(
        "permissions.project",
        "The deployer of a project has READ, MODIFY, EXECUTE and MANAGE_PERMISSIONS on it.",
        _project_permissions,
    )
    yield Fact("permissions.grant", "A grant is one row; granting twice changes nothing; revoking removes it.", _grant)
    yield Fact("permissions.deny", "A denial is a row with is_deny = 1.", _deny)
    yield Fact("deployment.operation", "A deployment is an operation of type 101 that ends in status 7.", _operation)
    yield Fact("deployment.packages", "The packages are those of the file, not validated.", _packages)
    yield Fact("deployment.file", "get_project returns one row with one column, a zip file.", _file)
    yield Fact("deployment.messages", "A deployment writes messages.", _messages, Source.OBSERVED)
    yield Fact(
        "deployment.versions", "A second deployment adds a version; restoring puts the first one into use.", _versions
    )
    yield Fact("deployment.restore_same", "Restoring the version in use gives 27155.", _restore_same)
    yield Fact("deployment.values_survive", "A value of a parameter survives a deployment.", _values_survive)
    yield Fact(
        "deployment.other_name",
        "Deploying a project under another name than its own gives 27203.",
        _other_name,
        Source.DOCS,
    )
    yield Fact("deployment.values_cleared", "A cleared value of a parameter is not set.", _values_cleared)
    yield Fact("deployment.given_file", "The project file of --ispac can be deployed.", _given_file, Source.OBSERVED)
    yield Fact("environment.sensitive", "The value of a sensitive variable is NULL in the view.", _sensitive)
    yield Fact(
        "environment.protection", "A variable that becomes sensitive hides its value, and shows it later.", _protection
    )
    yield Fact("environment.move_renames", "A renamed environment keeps its id.", _renamed)
    yield Fact("environment.variable_exists", "A second variable of the same name gives 27173.", _variable_twice)


def _properties(probe: Probe) -> Finding:
    probe.require_2019()
    found = {name for (name,) in probe.rows("SELECT property_name FROM catalog.catalog_properties;")}
    return Finding("all", "all" if found >= _PROPERTIES else f"without {sorted(_PROPERTIES - found)}")


def _time(probe: Probe) -> Finding:
    _ = probe.folder
    query = (
        "SELECT CAST(SQL_VARIANT_PROPERTY(CAST(created_time AS sql_variant), 'BaseType') AS nvarchar(128)) "
        "FROM catalog.folders WHERE name = :folder;"
    )
    return Finding("datetimeoffset", probe.value(query))


def _described(probe: Probe) -> Finding:
    probe.require_admin()
    _ = probe.folder
    answer = probe.call("EXEC catalog.set_folder_description @folder_name = :folder, @folder_description = N'Checked';")
    found = probe.value("SELECT description FROM catalog.folders WHERE name = :folder;")
    return Finding("Checked", found if answer.number is None else answer.text)


def _folder_permissions(probe: Probe) -> Finding:
    probe.require_admin()
    count = "SELECT COUNT(*) FROM catalog.explicit_object_permissions WHERE object_type = 1 AND object_id = :id;"
    return Finding(0, probe.value(count, id=probe.folder))


def _environment_permissions(probe: Probe) -> Finding:
    found = probe.rows(_PERMISSIONS, kind=3, id=probe.environment)
    return Finding([1, 2, 4], sorted(int(code) for (code,) in found))


def _project_permissions(probe: Probe) -> Finding:
    found = probe.rows(_PERMISSIONS, kind=2, id=_project_id(probe))
    return Finding([1, 2, 3, 4], sorted(int(code) for (code,) in found))


def _grant(probe: Probe) -> Finding:
    probe.require_admin()
    grant = "EXEC catalog.grant_permission @object_type = 1, @object_id = :id, @principal_id = 0, @permission_type = 1;"
    revoke = grant.replace("grant_permission", "revoke_permission")
    steps = []
    for statement in (grant, grant, revoke):
        answer = probe.call(statement, id=probe.folder)
        steps.append(answer.text if answer.number is not None else len(_explicit(probe)))
    return Finding([1, 1, 0], steps)


def _deny(probe: Probe) -> Finding:
    probe.require_admin()
    deny = "EXEC catalog.deny_permission @object_type = 1, @object_id = :id, @principal_id = 0, @permission_type = 2;"
    answer = probe.call(deny, id=probe.folder)
    found = _explicit(probe) if answer.number is None else answer.text
    probe.call(deny.replace("deny_permission", "revoke_permission"), id=probe.folder)
    return Finding([(2, True)], found)


def _explicit(probe: Probe) -> list[tuple[int, bool]]:
    rows = probe.rows(
        "SELECT permission_type, is_deny FROM catalog.explicit_object_permissions "
        "WHERE object_type = 1 AND object_id = :id AND principal_id = 0;",
        id=probe.folder,
    )
    return [(int(code), bool(is_deny)) for code, is_deny in rows]


def _packages(probe: Probe) -> Finding:
    found = probe.rows(
        "SELECT name, entry_point, validation_status FROM catalog.packages WHERE project_id = :id ORDER BY name;",
        id=_project_id(probe),
    )
    expected = [(name, True, "N") for name in sorted((RUN, FAIL, WAIT, REQUIRED))]
    return Finding(expected, sorted((name, bool(entry), status) for name, entry, status in found))


def _file(probe: Probe) -> Finding:
    _ = probe.deployment
    rows = probe.rows("EXEC catalog.get_project @folder_name = :folder, @project_name = :project;")
    found = [(len(row), bytes(row[0])[:2] == b"PK") for row in rows]
    return Finding([(1, True)], found)


def _messages(probe: Probe) -> Finding:
    count = probe.value(
        "SELECT COUNT(*) FROM catalog.operation_messages WHERE operation_id = :id;", id=probe.deployment
    )
    return Finding("messages", "messages" if count else "no messages")


def _versions(probe: Probe) -> Finding:
    _ = probe.deployment
    name = "Versions"
    ispac = sample_project(name)
    probe.deploy(name, ispac)
    first = _version(probe, name)
    probe.deploy(name, ispac)
    second = _version(probe, name)
    restore = (
        "EXEC catalog.restore_project @folder_name = :folder, @project_name = :name, @object_version_lsn = :version;"
    )
    answer = probe.call(restore, name=name, version=first)
    count = probe.value(
        "SELECT COUNT(*) FROM catalog.object_versions AS v WHERE v.object_type = 20 AND v.object_id = :id;",
        id=_project_id(probe, name),
    )
    return Finding(
        ("a newer version", 2, "no error", "the first version"),
        (
            "a newer version" if second > first else f"{second} after {first}",
            count,
            answer.text,
            "the first version" if _version(probe, name) == first else "another version",
        ),
    )


def _restore_same(probe: Probe) -> Finding:
    _ = probe.deployment
    answer = probe.call(
        "EXEC catalog.restore_project @folder_name = :folder, @project_name = :project, "
        "@object_version_lsn = :version;",
        version=_version(probe, PROJECT),
    )
    return Finding("error 27155", answer.text)


def _values_survive(probe: Probe) -> Finding:
    name = "Values"
    ispac = sample_project(name)
    _ = probe.folder
    probe.deploy(name, ispac)
    answer = probe.call(
        "DECLARE @v sql_variant = N'south'; EXEC catalog.set_object_parameter_value @object_type = 20, "
        "@folder_name = :folder, @project_name = :name, @parameter_name = N'Region', @parameter_value = @v;",
        name=name,
    )
    probe.deploy(name, ispac)
    found = probe.rows(
        "SELECT CAST(default_value AS nvarchar(100)), value_set FROM catalog.object_parameters "
        "WHERE project_id = :id AND parameter_name = N'Region';",
        id=_project_id(probe, name),
    )
    return Finding(("no error", [("south", True)]), (answer.text, [(text, bool(is_set)) for text, is_set in found]))


def _other_name(probe: Probe) -> Finding:
    _ = probe.deployment  # a new name could leave a hidden project in the folder
    answer = probe.call(
        "DECLARE @id bigint; EXEC catalog.deploy_project @folder_name = :folder, @project_name = :project, "
        "@project_stream = :file, @operation_id = @id OUTPUT;",
        file=sample_project("Values"),
    )
    return Finding("error 27203", answer.text)


def _values_cleared(probe: Probe) -> Finding:
    _ = probe.deployment
    parameter = "@folder_name = :folder, @project_name = :project, @parameter_name = N'Region'"
    answers = [
        probe.call(
            "DECLARE @v sql_variant = N'south'; EXEC catalog.set_object_parameter_value @object_type = 20, "
            f"{parameter}, @parameter_value = @v;"
        ),
        probe.call(f"EXEC catalog.clear_object_parameter_value @object_type = 20, {parameter};"),
    ]
    found = probe.rows(
        "SELECT CAST(default_value AS nvarchar(100)), value_set FROM catalog.object_parameters "
        "WHERE project_id = :id AND parameter_name = N'Region';",
        id=_project_id(probe),
    )
    wrong = [answer.text for answer in answers if answer.number is not None]
    return Finding([(None, False)], wrong or [(text, bool(is_set)) for text, is_set in found])


def _given_file(probe: Probe) -> Finding:
    if probe.ispac is None:
        raise NotApplicable("no project file was given with --ispac")
    _ = probe.folder
    operation = probe.deploy(*probe.ispac)
    status = probe.value("SELECT status FROM catalog.operations WHERE operation_id = :id;", id=operation)
    return Finding(7, status)


def _sensitive(probe: Probe) -> Finding:
    _ = probe.environment
    answer = probe.call(
        "DECLARE @v sql_variant = N'x'; EXEC catalog.create_environment_variable @folder_name = :folder, "
        "@environment_name = :environment, @variable_name = N'Secret', @data_type = N'String', @sensitive = 1, "
        "@value = @v;"
    )
    found = probe.rows(
        "SELECT sensitive, CASE WHEN value IS NULL THEN 1 ELSE 0 END FROM catalog.environment_variables "
        "WHERE environment_id = :id AND name = N'Secret';",
        id=probe.environment,
    )
    shown = [(bool(sensitive), bool(is_null)) for sensitive, is_null in found]
    return Finding([(True, True)], shown if answer.number is None else answer.text)


def _protection(probe: Probe) -> Finding:
    _ = probe.environment
    variable = "@folder_name = :folder, @environment_name = :environment, @variable_name = N'Protected'"
    answers = [
        probe.call(
            f"DECLARE @v sql_variant = N'x'; EXEC catalog.create_environment_variable {variable}, "
            "@data_type = N'String', @sensitive = 0, @value = @v;"
        )
    ]
    shown: list[tuple[Any, ...]] = []
    for sensitive in (1, 0):
        answers.append(
            probe.call(f"EXEC catalog.set_environment_variable_protection {variable}, @sensitive = :on;", on=sensitive)
        )
        shown += probe.rows(
            "SELECT sensitive, CAST(value AS nvarchar(10)) FROM catalog.environment_variables "
            "WHERE environment_id = :id AND name = N'Protected';",
            id=probe.environment,
        )
    wrong = [answer.text for answer in answers if answer.number is not None]
    return Finding([(True, None), (False, "x")], wrong or [(bool(sensitive), text) for sensitive, text in shown])


def _renamed(probe: Probe) -> Finding:
    _ = probe.folder
    probe.call("EXEC catalog.create_environment @folder_name = :folder, @environment_name = N'Before';")
    read = "SELECT environment_id FROM catalog.environments WHERE folder_id = :id AND name = :name;"
    before = probe.value(read, id=probe.folder, name="Before")
    probe.call(
        "EXEC catalog.rename_environment @folder_name = :folder, @environment_name = N'Before', "
        "@new_environment_name = N'After';"
    )
    after = probe.value(read, id=probe.folder, name="After")
    return Finding("the same id", "the same id" if before == after is not None else "another id")


def _variable_twice(probe: Probe) -> Finding:
    _ = probe.environment
    create = (
        "DECLARE @v sql_variant = CAST(1 AS int); EXEC catalog.create_environment_variable @folder_name = :folder, "
        "@environment_name = :environment, @variable_name = N'Twice', @data_type = N'Int32', @sensitive = 0, "
        "@value = @v;"
    )
    return Finding(("no error", "error 27173"), (probe.call(create).text, probe.call(create).text))


def _project_id(probe: Probe, name: str = PROJECT) -> int:
    _ = probe.folder if name != PROJECT else probe.deployment
    query = "SELECT project_id FROM catalog.projects WHERE folder_id = :id AND name = :name;"
    return int(probe.value(query, id=probe.folder, name=name))


def _version(probe: Probe, name: str) -> int:
    found = probe.value(
        "SELECT object_version_lsn FROM catalog.projects WHERE folder_id = :id AND name = :name;",
        id=probe.folder,
        name=name,
    )
    return int(found)

"""Facts about catalog properties, customized logging levels and Scale Out."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_ssis.verify.facts import Fact, Finding, rows_are
from airflow_provider_ssis.verify.probe import Probe

_RENAME = "EXEC catalog.rename_customized_logging_level @old_name = {}, @new_name = {};"

_scale_out_run = rows_are(
    "SELECT o.status, o.operation_type, CASE WHEN e.worker_agent_id IS NULL THEN 0 ELSE 1 END, e.executed_count "
    "FROM catalog.executions AS e JOIN catalog.operations AS o ON o.operation_id = e.execution_id "
    "WHERE e.execution_id = :id;",
    [(1, 200, 0, 0)],
    lambda probe: probe.certain_workers_run,
)


def administration_facts() -> Iterator[Fact]:
    """The facts."""
    yield Fact("catalog.change", "A refused change of a property is an operation of type 1000 in status 4.", _change)
    yield Fact("catalog.unknown_property", "A change of an unknown property is not an operation.", _unknown_property)
    yield Fact("levels.created", "A customized logging level has its description, profile and events.", _created)
    yield Fact("levels.creator", "A customized logging level has the login that created it.", _creator)
    yield Fact("levels.changed", "Profile and events of a customized logging level can be changed.", _changed)
    yield Fact("levels.described", "A customized logging level gets another description.", _described)
    yield Fact("levels.renamed", "A renamed customized logging level keeps its id.", _renamed)
    yield Fact("levels.own_name", "Renaming a level that does not exist to its own name is not an error.", _own_name)
    yield Fact("levels.deleted", "A deleted customized logging level can be created again.", _deleted)
    yield Fact("scale_out.created", "An execution for Scale Out has status 1, type 200 and no worker.", _scale_out)
    yield Fact(
        "scale_out.addresses", "The view master_properties does not show where workers write their logs.", _hidden
    )


def _change(probe: Probe) -> Finding:
    return Finding([4], _operations(probe, "N'RETENTION_WINDOW'"))


def _unknown_property(probe: Probe) -> Finding:
    return Finding([], _operations(probe, ":unknown"))


def _operations(probe: Probe, name: str) -> list[int]:
    """The statuses of the operations that a refused change of a property leaves."""
    probe.require_admin()
    last = probe.value("SELECT COALESCE(MAX(operation_id), 0) FROM catalog.operations;")
    probe.call(f"EXEC catalog.configure_catalog @property_name = {name}, @property_value = N'0';")
    found = probe.rows(
        "SELECT status FROM catalog.operations "
        "WHERE operation_id > :last AND operation_type = 1000 AND caller_name = SUSER_SNAME();",
        last=last,
    )
    return [int(status) for (status,) in found]


def _created(probe: Probe) -> Finding:
    return Finding(("made by verify", 1, 256), _level(probe))


def _creator(probe: Probe) -> Finding:
    query = (
        "SELECT CASE WHEN created_by_name = SUSER_SNAME() AND created_by_sid = SUSER_SID() THEN 1 ELSE 0 END "
        "FROM catalog.customized_logging_levels WHERE level_id = :id;"
    )
    return Finding(1, probe.value(query, id=probe.level))


def _changed(probe: Probe) -> Finding:
    _ = probe.level
    found = []
    for profile, events in ((7, 1024), (1, 256)):
        for name, value in (("PROFILE", profile), ("events", events)):
            answer = probe.call(
                "EXEC catalog.set_customized_logging_level_value @level_name = :folder, @property_name = :name, "
                "@property_value = :value;",
                name=name,
                value=value,
            )
            if answer.number is not None:
                return Finding("no error", answer.text)
        found.append(_level(probe)[1:])
    return Finding([(7, 1024), (1, 256)], found)


def _described(probe: Probe) -> Finding:
    _ = probe.level
    describe = (
        "EXEC catalog.set_customized_logging_level_description @level_name = :folder, @level_description = :text;"
    )
    found = []
    for text in ("another", "made by verify"):
        answer = probe.call(describe, text=text)
        found.append(_level(probe)[0] if answer.number is None else answer.text)
    return Finding(["another", "made by verify"], found)


def _renamed(probe: Probe) -> Finding:
    number = probe.level
    there = probe.call(_RENAME.format(":folder", ":other"))
    name = probe.value("SELECT name FROM catalog.customized_logging_levels WHERE level_id = :id;", id=number)
    back = probe.call(_RENAME.format(":other", ":folder"))
    return Finding(
        ("no error", "the new name", "no error"),
        (there.text, "the new name" if name == probe.values["other"] else "another name", back.text),
    )


def _own_name(probe: Probe) -> Finding:
    probe.require_admin()
    return Finding("no error", probe.call(_RENAME.format(":unknown", ":unknown")).text)


def _deleted(probe: Probe) -> Finding:
    _ = probe.level
    create = "EXEC catalog.create_customized_logging_level @level_name = :other;"
    delete = "EXEC catalog.delete_customized_logging_level @level_name = :other;"
    answers = [probe.call(statement).text for statement in (create, delete, create, delete)]
    return Finding(["no error"] * 4, answers)


def _level(probe: Probe) -> tuple[str, int, int]:
    ((description, profile, events),) = probe.rows(
        "SELECT description, profile_value, events_value FROM catalog.customized_logging_levels WHERE level_id = :id;",
        id=probe.level,
    )
    return str(description), int(profile), int(events)


def _scale_out(probe: Probe) -> Finding:
    probe.require_2019()
    probe.require_admin()
    return _scale_out_run(probe)


def _hidden(probe: Probe) -> Finding:
    probe.require_2019()
    query = (
        "SELECT COUNT(*) FROM catalog.master_properties "
        "WHERE property_name IN (N'CLUSTER_LOGDB_SERVER', N'CLUSTER_LOGDB_CONNECTIONSTRING');"
    )
    return Finding(0, probe.value(query))

"""Rules about variables."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_ssis.lint.executable import Executable
from airflow_provider_ssis.lint.findings import Severity
from airflow_provider_ssis.lint.rule import Hit, rule
from airflow_provider_ssis.lint.subject import Subject
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.loops import AdoEnumerator, ForeachLoop, VariableEnumerator
from airflow_provider_ssis.project.package.tasks import (
    ExecutePackageTask,
    ExecuteProcessTask,
    ExecuteSqlTask,
    FileSystemTask,
    FtpTask,
    ScriptTask,
    SendMailTask,
)

_COMPONENT_PROPERTIES = (
    "VariableName",
    "OpenRowsetVariable",
    "SqlCommandVariable",
    "FileNameVariable",
    "XMLDataVariable",
    "ReadOnlyVariables",
    "ReadWriteVariables",
)
"""A Script component has lists of names; names contain no comma."""
_ACCESS_MODES = {
    "OpenRowsetVariable": ("1", "4"),
    "SqlCommandVariable": ("3",),
    "FileNameVariable": ("1",),
    "XMLDataVariable": ("1", "2"),
}
"""The values of AccessMode in which a component uses the property; in others it keeps a stale name."""


@rule(
    "V101",
    "unknown-variable",
    Severity.ERROR,
    explanation="A task fails at validation if it refers to a variable that is not visible to it.",
    fix="Declare the variable in the task or in a container around it, or correct the name",
)
def unknown(subject: Subject) -> Iterator[Hit]:
    """Find names of variables in the properties of tasks, loops and components."""
    for place, executable in subject.executables():
        names = {variable.qualified_name for variable in executable.variables}
        bare = {variable.name for variable in executable.variables}
        for reference in dict.fromkeys(_references(executable)):
            known = reference in names if "::" in reference else reference in bare
            if not known and not reference.startswith(("System::", "$")):
                yield place, f"there is no variable {reference!r} here"


@rule(
    "V102",
    "unused-variable",
    Severity.INFO,
    explanation="A variable that nothing uses makes a package harder to read.",
    fix="Remove the variable",
)
def unused(subject: Subject) -> Iterator[Hit]:
    """Find variables to which nothing in the package refers. It is not a warning, because child packages may read
    them."""
    for place, one, variable in subject.variables():
        if variable.namespace != "System" and not (one.uses_variable(variable.name) or one.maps_variable(variable.id)):
            yield place, f"nothing uses the variable {variable.qualified_name}"


@rule(
    "V103",
    "expression-is-not-evaluated",
    Severity.WARNING,
    explanation="A variable whose EvaluateAsExpression is False keeps its stored value and ignores its expression.",
    fix="Set EvaluateAsExpression to True, or remove the expression",
)
def ignored_expression(subject: Subject) -> Iterator[Hit]:
    """Find variables with an expression that is not used."""
    for place, _, variable in subject.variables():
        if variable.expression and not variable.evaluate_as_expression:
            yield place, f"the expression of {variable.qualified_name} is not evaluated"


def _references(executable: Executable) -> Iterator[str]:
    return (name for name in _names(executable) if name.strip())


def _names(executable: Executable) -> Iterator[str]:
    data, expressions = executable.data, executable.container.expressions
    if isinstance(data, ExecuteSqlTask):
        yield from (binding.variable for binding in data.parameters)
        yield from (binding.variable for binding in data.results)
        if data.source_type == "Variable" and "SqlStatementSource" not in expressions:
            yield data.source
    elif isinstance(data, ExecutePackageTask):
        yield from (assignment.source for assignment in data.assignments)
    elif isinstance(data, ExecuteProcessTask):
        yield from (data.standard_input_variable, data.standard_output_variable, data.standard_error_variable)
    elif isinstance(data, FileSystemTask):
        yield data.source if data.source_is_variable and "Source" not in expressions else ""
        if data.uses_destination and data.destination_is_variable and "Destination" not in expressions:
            yield data.destination
    elif isinstance(data, FtpTask):
        if data.uses_local_path and data.local_path_is_variable and "LocalPath" not in expressions:
            yield data.local_path
        if data.uses_remote_path and data.remote_path_is_variable and "RemotePath" not in expressions:
            yield data.remote_path
    elif isinstance(data, SendMailTask):
        yield data.source if data.source_type == "Variable" and "MessageSource" not in expressions else ""
    elif isinstance(data, ScriptTask):
        yield from data.read_only_variables
        yield from data.read_write_variables
    elif isinstance(data, ForeachLoop):
        yield from (mapping.variable for mapping in data.mappings)
        if isinstance(data.enumerator, AdoEnumerator | VariableEnumerator):
            yield data.enumerator.variable
    elif isinstance(data, Pipeline):
        for component in data.components:
            mode = component.properties.get("AccessMode")
            for name in _COMPONENT_PROPERTIES:
                found = component.properties.get(name)
                is_used = mode is None or mode.text.strip() in _ACCESS_MODES.get(name, (mode.text.strip(),))
                yield from (each.strip() for each in found.text.split(",")) if found is not None and is_used else ()

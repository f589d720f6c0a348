"""Rules that apply only if the configuration enables them: event handlers and names."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_ssis.lint.findings import Place, Severity
from airflow_provider_ssis.lint.rule import Hit, rule
from airflow_provider_ssis.lint.subject import Subject
from airflow_provider_ssis.project.models import ExecutableKind


@rule(
    "N101",
    "missing-event-handler",
    Severity.WARNING,
    explanation="The option require-event-handlers lists the event handlers that each package must have.",
    fix="Add the event handler to the package",
)
def event_handlers(subject: Subject) -> Iterator[Hit]:
    """Find packages without the required event handlers."""
    for one in subject.packages:
        root = one.package.container
        present = {handler.event.casefold() for handler in root.event_handlers if not handler.disabled}
        for event in subject.configuration.event_handlers:
            if event.casefold() not in present:
                yield one.place(one.package, root.path), f"the package has no event handler {event}"


@rule(
    "N102",
    "name-breaks-rule",
    Severity.INFO,
    explanation="The option names has regular expressions for the names of objects, by kind of object.",
    fix="Rename the object",
)
def names(subject: Subject) -> Iterator[Hit]:
    """Find names that do not match the expression for their kind."""
    patterns = subject.configuration.names
    for kind, name, place in _named(subject) if patterns else ():
        if kind in patterns and not patterns[kind].fullmatch(name):
            yield place, f"the {kind} {name!r} does not match {patterns[kind].pattern}"


def _named(subject: Subject) -> Iterator[tuple[str, str, Place]]:
    for parameter in subject.project_parameters:
        yield "parameter", parameter.name, subject.parameter_place(parameter.name)
    for place, manager in subject.managers():
        yield "connection", manager.name, place
    for one in subject.packages:
        root = one.package.container
        yield "package", root.name, one.place(one.package, root.path)
        for own in one.package.parameters:
            yield "parameter", own.name, one.place(own, f"{root.name}::{own.name}")
    for place, _, variable in subject.variables():
        if variable.namespace != "System":
            yield "variable", variable.name, place
    for place, executable in subject.executables():
        container = executable.container
        if container.kind is not ExecutableKind.PACKAGE:
            yield "container" if container.kind.is_container else "task", container.name, place
    for flow, component in subject.components():
        yield "component", component.name, flow.place(component)

"""Rules that check only what the configuration asks for: event handlers and names."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_ssis.lint.findings import Place, Severity
from airflow_provider_ssis.lint.rule import Hit, rule
from airflow_provider_ssis.lint.subject import Subject
from airflow_provider_ssis.project.manifest import PROJECT_PARAMETERS


@rule(
    "N101",
    "missing-event-handler",
    Severity.WARNING,
    explanation="The configuration require-event-handlers names event handlers that each package must have.",
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
    explanation="The configuration names has a regular expression for the names of a kind of object.",
    fix="Rename the object",
)
def names(subject: Subject) -> Iterator[Hit]:
    """Find names that do not match the expression for their kind."""
    patterns = subject.configuration.names
    for kind, name, place in _named(subject) if patterns else ():
        if kind in patterns and not patterns[kind].fullmatch(name):
            yield place, f"the {kind} {name!r} does not match {patterns[kind].pattern}"


def _named(subject: Subject) -> Iterator[tuple[str, str, Place]]:
    part = PROJECT_PARAMETERS if PROJECT_PARAMETERS in subject.files.names else subject.files.part
    for parameter in subject.project_parameters:
        yield "parameter", parameter.name, Place(part, None, f"Project::{parameter.name}")
    for file, manager in subject.project_managers:
        yield "connection", manager.name, Place(file, manager.element.sourceline, manager.name)
    for one in subject.packages:
        root = one.package.container
        yield "package", root.name, one.place(one.package, root.path)
        for own in one.package.parameters:
            yield "parameter", own.name, one.place(own, f"{root.name}::{own.name}")
        for manager in one.package.connection_managers:
            yield "connection", manager.name, one.place(manager, f"{root.path}.Connections[{manager.name}]")
        for executable in one.executables:
            container = executable.container
            for variable in container.variables:
                if variable.namespace != "System":
                    path = f"{container.path}.Variables[{variable.qualified_name}]"
                    yield "variable", variable.name, one.place(variable, path)
            if container is not root:
                kind = "container" if container.kind.is_container else "task"
                yield kind, container.name, one.place(container, container.path)
        for executable, pipeline in one.pipelines:
            for component in pipeline.components:
                path = f"{executable.container.path}\\{component.name}"
                yield "component", component.name, one.place(component, path)

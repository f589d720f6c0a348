"""Strategies for whole SSIS projects, and for damage to their files."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

from hypothesis import strategies as st

from airflow_provider_ssis.project.models import (
    ConnectionManager,
    ConstraintValue,
    EvalOp,
    EventHandler,
    Executable,
    Package,
    Parameter,
    ParameterValue,
    PrecedenceConstraint,
    Project,
)
from tests.support import ssis_projects as make

# SSIS refuses these in the names of objects, file systems in those of files.
_FORBIDDEN = '\\/:[].=<>|?*"'

characters = st.characters(exclude_characters=_FORBIDDEN, exclude_categories=["C", "Z"]) | st.sampled_from(" '%&;-_é")
names = (
    st.text(characters, min_size=1, max_size=12)
    .map(lambda text: unicodedata.normalize("NFC", text).strip())
    .filter(bool)
)
file_stems = names.filter(lambda name: name.isprintable())
descriptions = st.text(st.characters(exclude_categories=["C"]), max_size=20).map(str.strip)

_strings = st.text(st.characters(exclude_categories=["C"]) | st.sampled_from("\n\r\t"), max_size=20)


def _integers(low: int, high: int) -> st.SearchStrategy[ParameterValue]:
    return st.integers(low, high)


VALUES: dict[str, st.SearchStrategy[ParameterValue]] = {
    "Boolean": st.booleans(),
    "SByte": _integers(-(2**7), 2**7 - 1),
    "Byte": _integers(0, 2**8 - 1),
    "Int16": _integers(-(2**15), 2**15 - 1),
    "Int32": _integers(-(2**31), 2**31 - 1),
    "UInt32": _integers(0, 2**32 - 1),
    "Int64": _integers(-(2**63), 2**63 - 1),
    "UInt64": _integers(0, 2**64 - 1),
    "Single": st.floats(width=32, allow_nan=False),
    "Double": st.floats(allow_nan=False),
    "Decimal": st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=Decimal("-1e20"), max_value=Decimal("1e20")
    ),
    "DateTime": st.datetimes(),
    "String": _strings,
}


@st.composite
def parameters(draw: st.DrawFn, name: str) -> Parameter:
    """A parameter of any type, with or without a value."""
    data_type = draw(st.sampled_from(sorted(VALUES)))
    return make.parameter(
        name,
        data_type,
        draw(st.none() | VALUES[data_type]),
        required=draw(st.booleans()),
        sensitive=draw(st.booleans()),
        description=draw(descriptions),
    )


@st.composite
def parameter_lists(draw: st.DrawFn) -> list[Parameter]:
    """Connection parameters first, as manifests have them."""
    connections = [f"CM.{name}.ServerName" for name in draw(unique_names(1))]
    return [draw(parameters(name)) for name in (*connections, *draw(unique_names(3)))]


def unique_names(most: int) -> st.SearchStrategy[list[str]]:
    """Names of siblings, which differ in more than case."""
    return st.lists(names, max_size=most, unique_by=str.casefold)


@st.composite
def executables(draw: st.DrawFn, name: str, depth: int) -> Executable:
    """A task or container with any content."""
    handlers = draw(event_handlers(depth)) if depth else []
    kind = draw(st.sampled_from(["task", "data flow", "child", "sequence", "for", "foreach"]))
    if kind == "data flow":
        return make.data_flow(name, draw(unique_names(4).filter(bool)), event_handlers=handlers)
    if kind == "child":
        return make.execute_package(name, "Child.dtsx", disabled=draw(st.booleans()))
    if kind == "task" or not depth:
        return make.task(
            name,
            draw(st.sampled_from(["Microsoft.ExecuteSQLTask", "Microsoft.ScriptTask"])),
            event_handlers=handlers,
            description=draw(descriptions),
            disabled=draw(st.booleans()),
            max_error_count=draw(st.integers(0, 9)),
            fail_parent_on_failure=draw(st.booleans()),
            fail_package_on_failure=draw(st.booleans()),
            force_execution_result=draw(st.none() | st.integers(0, 2)),
        )
    children = draw(executable_lists(depth - 1))
    constraints = draw(constraint_lists([child.name for child in children]))
    if kind == "sequence":
        return make.sequence(name, *children, constraints=constraints, event_handlers=handlers)
    loop = make.for_loop if kind == "for" else make.foreach_loop
    return loop(name, *children, constraints=constraints)


@st.composite
def executable_lists(draw: st.DrawFn, depth: int) -> list[Executable]:
    """The executables of a container."""
    return [draw(executables(name, depth)) for name in draw(unique_names(3))]


@st.composite
def constraint_lists(draw: st.DrawFn, siblings: list[str]) -> list[PrecedenceConstraint]:
    """Constraints between siblings, never in a circle."""
    pairs = [(source, target) for index, source in enumerate(siblings) for target in siblings[index + 1 :]]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return [
        make.constraint(
            source,
            target,
            draw(st.sampled_from(ConstraintValue)),
            eval_op=draw(st.sampled_from(EvalOp)),
            logical_and=draw(st.booleans()),
            expression=draw(descriptions),
        )
        for source, target in chosen
    ]


@st.composite
def event_handlers(draw: st.DrawFn, depth: int) -> list[EventHandler]:
    """Handlers of different events."""
    events = draw(st.lists(st.sampled_from(["OnError", "OnPreExecute", "OnTaskFailed"]), max_size=1, unique=True))
    return [
        make.event_handler(event, *draw(executable_lists(depth - 1)), disabled=draw(st.booleans())) for event in events
    ]


@st.composite
def packages(draw: st.DrawFn, name: str) -> Package:
    """A package with any content."""
    children = draw(executable_lists(2))
    return make.package(
        f"{name}.dtsx",
        *children,
        constraints=draw(constraint_lists([child.name for child in children])),
        event_handlers=draw(event_handlers(1)),
        parameters=draw(parameter_lists()),
        connection_managers=draw(connection_managers()),
        entry_point=draw(st.booleans()),
        format_version=draw(st.sampled_from([6, 8])),
        description=draw(descriptions),
    )


@st.composite
def connection_managers(draw: st.DrawFn) -> list[ConnectionManager]:
    """Connection managers of different names."""
    stems = draw(st.lists(file_stems, max_size=2, unique_by=str.casefold))
    return [make.connection(stem, draw(descriptions)) for stem in stems]


@st.composite
def projects(draw: st.DrawFn) -> Project:
    """A whole project."""
    stems = draw(st.lists(file_stems, min_size=1, max_size=2, unique_by=str.casefold))
    declared = draw(parameter_lists())
    return make.make_project(
        draw(names),
        [draw(packages(stem)) for stem in stems],
        # In the order of reading: those of Project.params, then those of the manifest.
        sorted(declared, key=lambda parameter: parameter.name.startswith("CM.")),
        draw(connection_managers()),
        description=draw(descriptions),
    )


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes with some of them changed, removed, repeated or cut off."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 30)))
        new = draw(st.binary(max_size=8) | st.just(data[start:stop] * 2) | st.just(b"") | st.just(b'"') | st.just(b"<"))
        data = data[:start] + new + (data[stop:] if draw(st.integers(0, 9)) else b"")
    return data

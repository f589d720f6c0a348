"""Write descriptions of SSIS files for people: an indented tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_Found = Mapping[str, Any]


def to_tree(description: _Found) -> str:
    """Return a description as an indented tree.

    :param description: the result of :func:`airflow_provider_ssis.project.inspection.description.describe`.
    """
    return "\n".join(_lines(description)) + "\n"


def _lines(found: _Found) -> Iterator[str]:
    kind = found["kind"]
    if kind == "project":
        yield from _project(found)
    elif kind == "package project":
        yield f"Project {found['file']} of the package deployment model"
        for package in found["packages"]:
            yield from _package(package, "  ")
    elif kind == "package":
        yield from _package(found, "")
    elif kind == "connection manager":
        yield from _manager(found, "")
    elif kind == "parameters":
        yield f"Parameters in {found['file']}"
        for parameter in found["parameters"]:
            yield _parameter(parameter, "  ")
    else:
        yield f"Configuration file {found['file']}"
        for value in found["values"]:
            yield f"  {value['path']} ({value['value_type']})"


def _project(found: _Found) -> Iterator[str]:
    target = found["target_server_version"]
    yield (
        f"Project {found['name']} {'.'.join(map(str, found['version']))}, {found['protection_level']}"
        f"{f', target server version {target}' if target else ''}"
    )
    for title, members, write in (
        ("Parameters", found["parameters"], lambda one: [_parameter(one, "    ")]),
        ("Connection managers", found["connection_managers"], lambda one: _manager(one, "    ")),
    ):
        if members:
            yield f"  {title}"
            for one in members:
                yield from write(one)
    for package in found["packages"]:
        yield from _package(package, "  ")


def _package(found: _Found, indent: str) -> Iterator[str]:
    if found.get("encrypted"):
        yield f"{indent}Package {found['file']}: encrypted as a whole"
        return
    yield f"{indent}Package {found['file']}, format {found['format_version']}, {found['protection_level']}"
    for parameter in found["parameters"]:
        yield _parameter(parameter, f"{indent}  parameter ")
    for manager in found["connection_managers"]:
        yield from _manager(manager, f"{indent}  connection ")
    root = found["control_flow"]
    yield from _inside(root, f"{indent}  ")


def _inside(found: _Found, indent: str) -> Iterator[str]:
    """Yield what a package, container, task or event handler contains."""
    for variable in found["variables"]:
        expression = f" = {variable['expression']}" if variable["evaluate_as_expression"] else ""
        yield f"{indent}variable {variable['name']} ({variable['data_type']}){expression}"
    for name, expression in found["expressions"].items():
        yield f"{indent}property {name} = {expression}"
    before: dict[str, list[str]] = {}
    for constraint in found["constraints"]:
        name = constraint["from"].rpartition("\\")[2]
        text = f"{constraint['value']} of {name}"
        if constraint["expression"]:
            text += f" and {constraint['expression']}"
        before.setdefault(constraint["to"], []).append(text)
    for child in found["children"]:
        yield from _executable(child, indent, before.get(child["path"], []))
    for handler in found.get("event_handlers", ()):
        yield f"{indent}on {handler['event']}{' (disabled)' if handler['disabled'] else ''}"
        yield from _inside(handler, f"{indent}  ")


def _executable(found: _Found, indent: str, before: list[str]) -> Iterator[str]:
    kind = found["kind"] if found["kind"] != "task" else found["type"]
    after = f", after {'; '.join(before)}" if before else ""
    yield f"{indent}{found['name']} [{kind}]{' (disabled)' if found['disabled'] else ''}{after}"
    if "data_flow" in found:
        yield from _data_flow(found["data_flow"], f"{indent}  ")
    yield from _inside(found, f"{indent}  ")


def _data_flow(found: _Found, indent: str) -> Iterator[str]:
    for component in found["components"]:
        yield f"{indent}{component['name']} [{component['class']}]"
    for path in found["paths"]:
        yield f"{indent}{path['from'][0]} ({path['from'][1]}) -> {path['to'][0]}"
    for column in found["lineage"]:
        origins = ", ".join(f"{one['component']}.{one['column']}" for one in column["origins"]) or "unknown"
        steps = f" through {', '.join(column['steps'])}" if column["steps"] else ""
        yield f"{indent}{column['destination']}.{column['external_column'] or column['column']} <- {origins}{steps}"


def _parameter(found: _Found, indent: str) -> str:
    marks = [mark for mark in ("required", "sensitive") if found[mark]]
    value = "" if found["value"] is None else f" = {found['value']}"
    return f"{indent}{found['name']} ({', '.join([found['data_type'], *marks])}){value}"


def _manager(found: _Found, indent: str) -> Iterator[str]:
    text = f": {found['connection_string']}" if found["connection_string"] else ""
    yield f"{indent}{found['name']} ({found['type']}){text}"

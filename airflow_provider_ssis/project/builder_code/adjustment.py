"""Code for the properties that the first call of a component does not set."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airflow_provider_ssis.project.builder import components as built
from airflow_provider_ssis.project.builder_code.calls import Ref
from airflow_provider_ssis.project.builder_code.flow_state import FlowCode
from airflow_provider_ssis.project.package.data_flow import Component

_PARSERS: Mapping[str, Callable[[str], object]] = {
    "System.String": str,
    "System.Int32": int,
    "System.Boolean": lambda text: text.lower() == "true",
}


def adjust(flow: FlowCode, found: Component, made: Ref) -> None:
    """Write calls that set the properties, attributes and dispositions that the first call has not set."""
    component = made.value
    if not isinstance(component, built.Component) or component.written is None:
        return
    properties: dict[str, str | None] = {
        name: found.properties[name].text
        for name, each in component.properties.items()
        if name in found.properties and isinstance(each.text, str) and found.properties[name].text != each.text
    }
    properties |= {name: None for name in component.properties if name not in found.properties}
    if properties:
        flow.code.call(made, "set_properties", properties)
    for name, own_property in found.properties.items():
        parse = _PARSERS.get(own_property.data_type)
        if name not in component.properties and parse is not None and not own_property.is_array:
            flow.code.call(made, "add_property", name, parse(own_property.text))
    stored, own = found.element.attrib, component.written.attrib
    names = [
        each for each in {*map(str, stored), *map(str, own)} if each not in ("refId", "description", "contactInfo")
    ]
    changed = {each: stored.get(each) for each in sorted(names) if stored.get(each) != own.get(each)}
    changed.pop("componentClassID", None)
    if changed:
        flow.code.call(made, "set_attributes", changed)
    _dispositions(flow, found, made)


def _dispositions(flow: FlowCode, found: Component, made: Ref) -> None:
    stored = {each.get("refId"): each for each in found.element.iter("*") if each.get("refId")}
    wanted: dict[str, tuple[str, str]] = {}
    total = 0
    for each in made.value.written.iter("*"):
        names = [name for name in ("errorRowDisposition", "truncationRowDisposition") if each.get(name)]
        other = stored.get(each.get("refId"))
        if not names or other is None:
            continue
        total += 1
        pair = tuple(other.get(name, "FailComponent") for name in ("errorRowDisposition", "truncationRowDisposition"))
        if any(other.get(name) != each.get(name) for name in names):
            wanted[each.get("name") or each.get("cachedName") or ""] = (pair[0], pair[1])
    if wanted and len(wanted) == total and len(set(wanted.values())) == 1:
        flow.code.call(made, "set_dispositions", *next(iter(wanted.values())))
        return
    for name, (error, truncation) in wanted.items():
        flow.code.call(made, "set_dispositions", error, truncation, column=name)

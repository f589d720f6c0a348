"""Refusing what a component stores and the engine would ignore: properties, attributes, values and dispositions.

A class of component names the properties and dispositions of its inputs, outputs and columns in :class:`StoredParts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from airflow_provider_ssis.engine.data_flow.stored.stored_columns import reference_of
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import (
    NOT_USED,
    Component,
    ComponentInput,
    ComponentOutput,
    ComponentProperty,
    ExternalColumn,
    InputColumn,
    OutputColumn,
    Pipeline,
)
from airflow_provider_ssis.project.package.elements import BOOLEANS

_NONE: Final[frozenset[str]] = frozenset()
INPUT, OUTPUT = "input", "output"
INPUT_COLUMN, OUTPUT_COLUMN, EXTERNAL_COLUMN = "input column", "output column", "external column"


@dataclass(frozen=True, slots=True)
class StoredParts:
    """The properties and dispositions of a component's inputs, outputs and columns that the engine knows.

    The properties of the component itself are checked by
    :func:`~airflow_provider_ssis.engine.data_flow.stored.stored_properties.unknown_properties`.

    :param properties: the names by kind of part: ``input``, ``output``, ``input column``, ``output column``,
        ``external column``. Default: none.
    :param dispositions: the kinds of parts whose dispositions the component applies. Default: none.
    """

    properties: Mapping[str, frozenset[str]] = field(default_factory=dict)
    dispositions: frozenset[str] = _NONE


_ANY: Final = frozenset({"refId", "id", "name", "description"})
_DISPOSITIONS: Final = frozenset({"errorRowDisposition", "truncationRowDisposition"})
_ROW_ERRORS: Final = _DISPOSITIONS | {"errorOrTruncationOperation"}
_TYPE: Final = frozenset({"dataType", "length", "precision", "scale", "codePage"})
_BOUND: Final = frozenset({"lineageId", "externalMetadataColumnId", "mappedColumnId"})
_CACHED: Final = frozenset(
    f"cached{name}"
    for name in "Name DataType Length Precision Scale Codepage CodePage SortKeyPosition ComparisonFlags".split()
)
_ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    "component": _ANY
    | {"componentClassID", "contactInfo", "version", "pipelineVersion"}
    | {"usesDispositions", "localeId", "validateExternalMetadata"},
    INPUT: _ANY | _ROW_ERRORS | {"hasSideEffects", "dangling"},
    OUTPUT: _ANY
    | _ROW_ERRORS
    | {"exclusionGroup", "synchronousInputId", "deleteOutputOnPathDetached", "hasSideEffects", "dangling"}
    | {"isErrorOut", "isSorted", "isDefaultOut"},
    INPUT_COLUMN: _ANY | _ROW_ERRORS | _BOUND | _CACHED | {"usageType"},
    OUTPUT_COLUMN: _ANY | _ROW_ERRORS | _BOUND | _TYPE | {"sortKeyPosition", "comparisonFlags", "specialFlags"},
    EXTERNAL_COLUMN: _ANY | _TYPE | {"mappedColumnId"},
}
"""The attributes of each kind of part, in all versions of the package format."""
_DISPOSITION_VALUES: Final = (NOT_USED.lower(), "failcomponent", "ignorefailure", "redirectrow")
_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("usesDispositions", "validateExternalMetadata", "hasSideEffects", "dangling", "deleteOutputOnPathDetached"),
        BOOLEANS,
    ),
    **dict.fromkeys(("isErrorOut", "isSorted", "isDefaultOut"), BOOLEANS),
    **dict.fromkeys(_DISPOSITIONS, _DISPOSITION_VALUES),
    "usageType": ("readonly", "readwrite", "ignored"),
}
"""The values of the attributes that have a few, in lower case."""
_EXACT: Final[Mapping[str, str]] = {
    one.lower(): one
    for one in (NOT_USED, "FailComponent", "IgnoreFailure", "RedirectRow", "readOnly", "readWrite", "ignored")
}
_WHOLE: Final = frozenset(f"System.{name}" for name in "Byte SByte Int16 UInt16 Int32 UInt32 Int64 UInt64".split())
_FLOW_FLAGS: Final = frozenset({"autoAdjustBufferSize", "runInOptimizedMode"})
_FLOW_ATTRIBUTES: Final = (
    _ANY
    | _FLOW_FLAGS
    | {"version", "engineThreads", "defaultBufferMaxRows", "defaultBufferSize"}
    | {"bufferTempStoragePath", "BLOBTempStoragePath"}
)
"""The attributes of a data flow. The paths of temporary files are those of another machine, and have no effect."""
_FAILS: Final = (NOT_USED, "FailComponent")
_CORRECT: Final = "Correct it in Visual Studio, and save the package again."
_SERVER: Final = "Remove it, or run the package on a server."

_Part = ComponentInput | ComponentOutput | InputColumn | OutputColumn | ExternalColumn


def ignored_parts(component: Component, path: str, known: StoredParts) -> Iterator[Refusal]:
    """Yield a refusal for what the engine would ignore or read as something else.

    :param component: the component.
    :param path: its path.
    :param known: what its class knows.
    """
    external = {"", *(column.key for end in component.ends for column in end.external_columns)}
    for where, kind, part in _parts(component):
        of_part = _of_part(kind, where)
        for name, text in part.element.attrib.items():
            if str(name) not in _ATTRIBUTES[kind] and str(text).strip():
                yield Refusal(
                    path, f"the attribute {name}{of_part}", "the engine does not know this attribute", _SERVER
                )
        for found in part.properties.values():
            name = found.name
            yield from _property(path, of_part, name, found)
            names = known.properties.get(kind, _NONE)
            if not isinstance(part, Component) and name not in names and _has_value(found):
                why = "the engine does not know this property"
                yield Refusal(path, f"the property {name}{of_part}", why, _SERVER)
        if not isinstance(part, (Component, ExternalColumn)):
            yield from _dispositions(path, of_part, kind, part, known)
        if isinstance(part, (InputColumn, OutputColumn)) and part.external_key not in external:
            why = f"it refers to the external column {part.external_key!r}, which does not exist"
            yield Refusal(path, f"the {kind} {where!r}", why, _CORRECT)
    for one in component.inputs:
        yield from _mapped_twice(path, one)


def _mapped_twice(path: str, one: ComponentInput) -> Iterator[Refusal]:
    """Yield columns of an input that lead to the same column: one of them would be lost."""
    names = {column.key: column.name for column in one.external_columns}
    used = [column for column in one.columns if column.usage != "ignored"]
    for what, targets in (
        ("lead to the external column", [column.external_key for column in used]),
        ("lead to the output column", [reference_of(column.properties, "OutputColumnLineageID") for column in used]),
        ("have the lineage id", [column.lineage_id for column in used]),
    ):
        for target, count in Counter(targets).items():
            if target and count > 1:
                shown = names.get(target, target)
                yield Refusal(path, f"the input {one.name!r}", f"two of its columns {what} {shown!r}", _CORRECT)


def wrong_attributes(component: Component, path: str) -> Iterator[Refusal]:
    """Yield a refusal for each attribute with a value that does not exist, which would be read as another one.

    These attributes decide which components run, so that they are checked in components that do not run, too.

    :param component: the component.
    :param path: its path.
    """
    for where, kind, part in _parts(component):
        for name, values in _VALUES.items():
            value = part.element.get(name, "").strip()
            exact = _EXACT.get(value.lower(), value)
            if value and (value.lower() not in values or value != exact):
                shown = ", ".join(_EXACT.get(one, one) for one in values)
                what = f"the attribute {name}{_of_part(kind, where)} with the value {value!r}"
                yield Refusal(path, what, f"the values are {shown}", _CORRECT)


def wrong_flow_attributes(pipeline: Pipeline, path: str) -> Iterator[Refusal]:
    """Yield a refusal for attributes of a data flow that the engine does not know, and for wrong Booleans.

    :param pipeline: the data flow.
    :param path: the path of its task.
    """
    for name, text in pipeline.element.attrib.items():
        value = str(text).strip()
        if value and str(name) not in _FLOW_ATTRIBUTES:
            yield Refusal(path, f"the attribute {name} of the data flow", "the engine does not know it", _SERVER)
        elif value and str(name) in _FLOW_FLAGS and value.lower() not in BOOLEANS:
            what = f"the attribute {name} of the data flow with the value {value!r}"
            yield Refusal(path, what, "it is not a Boolean", _CORRECT)


def _of_part(kind: str, name: str) -> str:
    return f" of the {kind} {name!r}" if name else ""


def _parts(component: Component) -> Iterator[tuple[str, str, Component | _Part]]:
    """Yield the parts of a component, each with the name and the kind that messages show."""
    yield "", "component", component
    for one in component.inputs:
        yield one.name, INPUT, one
        for column in one.columns:
            yield column.name or column.cached_name or column.lineage_id, INPUT_COLUMN, column
        for external in one.external_columns:
            yield external.name, EXTERNAL_COLUMN, external
    for output in component.outputs:
        yield output.name, OUTPUT, output
        for added in output.columns:
            yield added.name, OUTPUT_COLUMN, added
        for external in output.external_columns:
            yield external.name, EXTERNAL_COLUMN, external


def _has_value(found: ComponentProperty) -> bool:
    return found.data_type != "System.Null" and bool(found.text.strip() or found.items)


def _property(path: str, of_part: str, name: str, found: ComponentProperty) -> Iterator[Refusal]:
    text = found.text.strip()
    if not text or found.is_array or found.contains_id or text.startswith("#"):
        return
    what = f"the property {name}{of_part} with the value {text!r}"
    if found.data_type == "System.Boolean" and text.lower() not in BOOLEANS:
        yield Refusal(path, what, "it is not a Boolean", _CORRECT)
    elif found.data_type in _WHOLE and not text.removeprefix("-").isdecimal():
        yield Refusal(path, what, "it is not a whole number", _CORRECT)


def _dispositions(
    path: str,
    of_part: str,
    kind: str,
    part: ComponentInput | ComponentOutput | InputColumn | OutputColumn,
    known: StoredParts,
) -> Iterator[Refusal]:
    for name, value in (
        ("errorRowDisposition", part.error_disposition),
        ("truncationRowDisposition", part.truncation_disposition),
    ):
        what = f"the {name} {value}{of_part}"
        if kind not in known.dispositions and value not in _FAILS and value.lower() in _DISPOSITION_VALUES:
            yield Refusal(path, what, "the component has no errors there", "Set it to FailComponent.")
    if kind != INPUT or kind not in known.dispositions or part.truncation_disposition == NOT_USED:
        return
    error = "FailComponent" if part.error_disposition == NOT_USED else part.error_disposition
    if part.truncation_disposition != error:
        what = f"the truncationRowDisposition {part.truncation_disposition}{of_part}"
        why = f"the component treats truncations as errors, for which the disposition is {error}"
        yield Refusal(path, what, why, "Set both dispositions to one value.")

"""Column lineage of a data flow: which columns of its sources make each column of its destinations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from airflow_provider_ssis.project.package.data_flow import (
    Component,
    ComponentProperty,
    InputColumn,
    OutputColumn,
    Pipeline,
)
from airflow_provider_ssis.project.ranks import ranks

_REFERENCE = re.compile(r"#\{([^}]*)\}|#(\d+)")
_FED_COLUMN = ("OutputColumnLineageID", "OutputColumnID", "DestinationColumn")
"""The properties of an input column that name the output column it feeds (Union All, Merge, Unpivot)."""
_COMPUTED_FROM = (
    "SourceInputColumnLineageID",
    "InputColumnLineageID",
    "InputColumnID",
    "SortColumnId",
    "AggregationColumnId",
    "CopyColumnId",
    "copyColumnId",
    "SourceColumn",
)
"""The properties of an output column that name the column it is computed from; some files do not mark them as ids."""


LOOKED_UP = "CopyFromReferenceColumn"
"""The property of a column of a Lookup that names the column of the query."""


@dataclass(frozen=True, slots=True)
class ColumnOrigin:
    """A column of a component.

    :param component: the name of the component.
    :param column: the name of the column.
    """

    component: str
    column: str


@dataclass(frozen=True, slots=True)
class ColumnLineage:
    """Where a column of a destination comes from.

    :param destination: the name of the destination.
    :param input: the name of its input.
    :param column: the name of the column in the data flow.
    :param external_column: the column of the table or file that it is written to; empty if it is not mapped.
    :param origins: the columns of sources, or of components that create values, from which it is computed.
    :param steps: the names of the components on the way that change or compute it, in the order of the data flow.
    """

    destination: str
    input: str
    column: str
    external_column: str
    origins: tuple[ColumnOrigin, ...]
    steps: tuple[str, ...]


def column_lineage(pipeline: Pipeline) -> tuple[ColumnLineage, ...]:
    """Return the lineage of each column of each destination.

    A destination is a component with inputs that passes no rows on, except to an error output.

    :param pipeline: the data flow.
    """
    return tuple(_Tracer(pipeline).trace())


class _Tracer:
    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._columns: dict[str, tuple[Component, OutputColumn]] = {}
        self._parents: dict[str, list[str]] = {}
        self._replacements: dict[str, list[tuple[Component, list[str]]]] = {}
        self._looked_up: dict[str, list[ColumnOrigin]] = {}
        # Sort, Merge Join, Aggregate and Pivot refer to their input columns, not to the columns upstream.
        self._lineage_of_inputs = {
            column.key: column.lineage_id
            for component in pipeline.components
            for one in component.inputs
            for column in one.columns
        }
        for component in pipeline.components:
            self._collect(component)

    def _collect(self, component: Component) -> None:
        outputs = [column for output in component.outputs for column in output.columns]
        for column in outputs:
            lineage = column.lineage_id or column.key
            self._columns[lineage] = (component, column)
            self._parents[lineage] = list(_references(column.properties))
        by_key = {column.key: column.lineage_id or column.key for column in outputs}
        for one in component.inputs:
            for input_column in one.columns:
                for name in _FED_COLUMN:
                    fed = input_column.properties.get(name)
                    for reference in () if fed is None else _references_of(fed):
                        target = by_key.get(reference, reference)
                        self._parents.setdefault(target, []).append(input_column.lineage_id)
                if input_column.usage == "readWrite":
                    others = [one for one in _references(input_column.properties) if one != input_column.lineage_id]
                    self._replacements.setdefault(input_column.lineage_id, []).append((component, others))
                    if (looked_up := input_column.properties.get(LOOKED_UP)) is not None and looked_up.text:
                        origin = ColumnOrigin(component.name, looked_up.text)
                        self._looked_up.setdefault(input_column.lineage_id, []).append(origin)

    def trace(self) -> Iterator[ColumnLineage]:
        for component in self._pipeline.components:
            if not component.inputs or any(not output.is_error_output for output in component.outputs):
                continue
            for one in component.inputs:
                external = {column.key: column.name for column in one.external_columns}
                for column in one.columns:
                    origins, steps = self._origins(column.lineage_id)
                    yield ColumnLineage(
                        destination=component.name,
                        input=one.name,
                        column=self.column_name(column),
                        external_column=external.get(column.external_key, ""),
                        origins=origins,
                        steps=steps,
                    )

    def column_name(self, column: InputColumn) -> str:
        found = self._columns.get(column.lineage_id)
        return column.name or column.cached_name or ("" if found is None else found[1].name)

    def _origins(self, lineage: str) -> tuple[tuple[ColumnOrigin, ...], tuple[str, ...]]:
        origins: dict[ColumnOrigin, None] = {}
        touched: set[str] = set()
        seen: set[str] = set()
        pending = [lineage]
        while pending:
            current = pending.pop()
            if current in seen or current not in self._columns:
                continue
            seen.add(current)
            component, column = self._columns[current]
            references = (self._lineage_of_inputs.get(one, one) for one in self._parents.get(current, ()))
            parents = [one for one in references if one in self._columns and one != current]
            if parents:
                touched.add(component.key)
            else:
                origins[ColumnOrigin(component.name, column.name)] = None
            pending += reversed(parents)
            for replacer, others in self._replacements.get(current, ()):
                touched.add(replacer.key)
                pending += others
            origins |= dict.fromkeys(self._looked_up.get(current, ()))
        steps = tuple(one.name for one in self._in_order if one.key in touched)
        return tuple(origins), steps

    @cached_property
    def _in_order(self) -> list[Component]:
        """The components in the order of the paths."""
        owners = {end.key: one.key for one in self._pipeline.components for end in one.ends}
        edges = [(owners.get(path.output_key, ""), owners.get(path.input_key, "")) for path in self._pipeline.paths]
        rank = ranks([one.key for one in self._pipeline.components], edges)
        return sorted(self._pipeline.components, key=lambda one: rank[one.key])


def _references(properties: Mapping[str, ComponentProperty]) -> Iterator[str]:
    for one in properties.values():
        if (one.contains_id or one.name in _COMPUTED_FROM) and one.name not in _FED_COLUMN:
            yield from _references_of(one)


def _references_of(found: ComponentProperty) -> Iterator[str]:
    """Yield the lineage ids that a property refers to."""
    matches = [match[1] or match[2] for match in _REFERENCE.finditer(found.text)]
    if not matches and found.text.strip().isdecimal():
        matches = [found.text.strip()]
    yield from matches

"""Transformations that collect rows: they sort, unite, join or group them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airflow_provider_ssis.project.builder.components import Component, Input, InputColumn, Output, OutputColumn
from airflow_provider_ssis.project.builder.flow_columns import Column, FlowColumn, SortKey
from airflow_provider_ssis.project.builder.flow_elements import SIDE_EFFECTS, DataFlowElements
from airflow_provider_ssis.project.builder.flow_properties import NULL, Properties, boolean, int32, reference

JOIN_TYPES = ("full", "left", "inner")
AGGREGATIONS = ("group by", "count", "count all", "count distinct", "sum", "average", "minimum", "maximum")
_COUNTS = AGGREGATIONS[1:4]
_LENGTH_TYPES = ("DT_STR", "DT_WSTR", "DT_BYTES")


@dataclass(frozen=True, slots=True)
class Aggregation:
    """A column of an Aggregate.

    :param operation: ``group by``, ``count``, ``count all``, ``count distinct``, ``sum``, ``average``, ``minimum`` or
        ``maximum``.
    :param column: the column upstream; None for ``count all``. Default: None.
    :param data_type: the type of the result. Default: DT_UI4 for a count (DT_UI8 if it is big), else the type of the
        column upstream, or the wider type that a sum or average needs: DT_I8, DT_R8 or DT_NUMERIC.
    :param is_big: whether the result may exceed 32 bits or the precision of a float. Default: False.
    :param comparison_flags: as in :class:`SortKey`; for ``group by`` and ``count distinct`` of texts. Default: 0.
    """

    operation: str
    column: str | None = None
    data_type: str | None = None
    is_big: bool = False
    comparison_flags: int = 0


class SetTransforms(DataFlowElements):
    """The methods that add a transformation of many rows."""

    def add_sort(
        self,
        name: str,
        source: Output,
        keys: Sequence[SortKey | str],
        *,
        columns: Sequence[str] | None = None,
        remove_duplicates: bool = False,
        threads: int = -1,
    ) -> Component:
        """Add a Sort.

        :param name: its name.
        :param source: the output before it.
        :param keys: the columns by which the rows are sorted; a name is an ascending key.
        :param columns: the columns that it passes on; the keys must be among them. Default: all.
        :param remove_duplicates: keep one of the rows with equal keys. Default: False.
        :param threads: the number of threads; -1 for any number. Default: -1.
        :raises BuildError: a name is invalid or used, there is no key, or a column is not upstream.
        """
        ref_id = self._start(name)
        upstream = {each.source.column.name: each.source for each in self._used(name, source, columns)}
        found = self._keys(name, keys, list(upstream))
        if not found:
            raise self._error(name, "needs a sort key")
        used, added = [], []
        for each, column in upstream.items():
            position, flags = found.get(each, (0, 0))
            used.append(
                InputColumn(
                    column, properties={"NewSortKeyPosition": int32(position), "NewComparisonFlags": int32(flags)}
                )
            )
            added.append(
                OutputColumn(
                    column.column,
                    sort_position=position,
                    comparison_flags=flags,
                    properties={"SortColumnId": reference(f"{ref_id}.Inputs[Sort Input].Columns[{each}]")},
                )
            )
        properties: Properties = {
            "EliminateDuplicates": boolean(remove_duplicates),
            "MaximumThreads": int32(threads, can_have_expression=True),
        }
        return self._add(
            name,
            "Sort",
            1,
            properties,
            inputs=[self._input(name, ref_id, "Sort Input", source, used)],
            outputs=[self._output(ref_id, "Sort Output", added=tuple(added))],
        )

    def add_union_all(
        self,
        name: str,
        sources: Sequence[Output],
        *,
        columns: Mapping[str, Sequence[str | None]] | None = None,
    ) -> Component:
        """Add a Union All.

        :param name: its name.
        :param sources: the outputs before it.
        :param columns: for each column of the result, the column of each source; None where a source has none.
            Default: the columns of the first source, and those of the same names.
        :raises BuildError: a name is invalid or used, there is no source, or a column is unknown or has another type.
        """
        ref_id = self._start(name)
        if not sources:
            raise self._error(name, "needs a source")
        united = self._united(name, sources, columns)
        output = self._output(ref_id, "Union All Output 1")
        inputs = self._union_inputs(name, ref_id, "Union All Input", sources, united, output)
        output.added = tuple(OutputColumn(_widest(name_, parts)) for name_, parts in united.items())
        return self._add(name, "UnionAll", 1, {}, inputs=inputs, outputs=[output])

    def add_merge(
        self,
        name: str,
        first: Output,
        second: Output,
        *,
        columns: Mapping[str, Sequence[str | None]] | None = None,
    ) -> Component:
        """Add a Merge of two sorted inputs, the output of which is sorted too.

        :param name: its name.
        :param first: the first output before it.
        :param second: the second output before it.
        :param columns: as for :meth:`add_union_all`.
        :raises BuildError: as for :meth:`add_union_all`, or the sort keys differ.
        """
        ref_id = self._start(name)
        united = self._united(name, (first, second), columns)
        keys = self._common_keys(name, first, second)
        positions: dict[str, FlowColumn] = {}
        for left, right in keys:
            merged = [each for each, parts in united.items() if parts == (left, right)]
            if not merged:
                raise self._error(
                    name, f"must map the sort keys {left.column.name} and {right.column.name} to a column"
                )
            positions[merged[0]] = left
        output = self._output(ref_id, "Merge Output 1")
        inputs = self._union_inputs(name, ref_id, "Merge Input", (first, second), united, output)
        output.added = tuple(
            OutputColumn(
                _widest(each, parts),
                sort_position=positions[each].sort_position if each in positions else 0,
                comparison_flags=positions[each].comparison_flags if each in positions else 0,
            )
            for each, parts in united.items()
        )
        return self._add(name, "Merge", 1, {}, inputs=inputs, outputs=[output])

    def add_merge_join(
        self,
        name: str,
        left: Output,
        right: Output,
        columns: Mapping[str, tuple[str, str]],
        *,
        join: str = "inner",
        key_columns: int | None = None,
        nulls_are_equal: bool = True,
    ) -> Component:
        """Add a Merge Join of two inputs that are sorted by the join keys.

        :param name: its name.
        :param left: the left output before it.
        :param right: the right output before it.
        :param columns: the columns of the result: ``{"Id": ("left", "Id"), "Name": ("right", "Name")}``.
        :param join: ``inner``, ``left`` or ``full``. Default: ``inner``.
        :param key_columns: the number of sort keys that are joined. Default: None, all that both inputs have.
        :param nulls_are_equal: whether a NULL in a key joins a NULL. Default: True.
        :raises BuildError: a name is invalid or used, a column is unknown, or the sort keys differ.
        """
        ref_id = self._start(name)
        if join not in JOIN_TYPES:
            raise self._error(name, f"has the unknown join {join!r}. Joins: {', '.join(JOIN_TYPES)}")
        keys = self._common_keys(name, left, right)
        number = len(keys) if key_columns is None else key_columns
        if not 0 < number <= len(keys) or not columns:
            raise self._error(name, f"needs columns, and between 1 and {len(keys)} key columns")
        sides = {"left": (left, f"{ref_id}.Inputs[Merge Join Left Input]")}
        sides["right"] = (right, f"{ref_id}.Inputs[Merge Join Right Input]")
        used: dict[str, dict[str, FlowColumn]] = {
            "left": {each.column.name: each for each, _ in keys[:number]},
            "right": {each.column.name: each for _, each in keys[:number]},
        }
        added = []
        for result, (side, original) in columns.items():
            if side not in sides:
                raise self._error(name, f"has a column of the unknown input {side!r}. Inputs: left, right")
            output, input_id = sides[side]
            found = self._column(name, original, output.columns())
            used[side][original] = found
            added.append(
                OutputColumn(
                    found.column.renamed(result),
                    sort_position=found.sort_position if side == "left" and join != "full" else 0,
                    comparison_flags=found.comparison_flags if side == "left" and join != "full" else 0,
                    properties={"InputColumnID": reference(f"{input_id}.Columns[{original}]")},
                )
            )
        properties: Properties = {
            "JoinType": int32(JOIN_TYPES.index(join)),
            "NumKeyColumns": int32(number),
            "TreatNullsAsEqual": boolean(nulls_are_equal),
            "MaxBuffersPerInput": int32(5),
        }
        inputs = [
            self._input(
                name,
                ref_id,
                f"Merge Join {side.title()} Input",
                output,
                [InputColumn(each) for each in used[side].values()],
                SIDE_EFFECTS,
            )
            for side, (output, _) in sides.items()
        ]
        outputs = [self._output(ref_id, "Merge Join Output", added=_sorted_prefix(added))]
        return self._add(name, "MergeJoin", 1, properties, inputs=inputs, outputs=outputs)

    def add_aggregate(self, name: str, source: Output, columns: Mapping[str, Aggregation]) -> Component:
        """Add an Aggregate.

        :param name: its name.
        :param source: the output before it.
        :param columns: the columns of the result:
            ``{"Region": Aggregation("group by", "Region"), "Total": Aggregation("sum", "Price")}``.
        :raises BuildError: a name is invalid or used, a column is not upstream, or an operation does not suit the type.
        """
        ref_id = self._start(name)
        if not columns:
            raise self._error(name, "needs columns")
        upstream, used, added = source.columns(), dict[str, FlowColumn](), []
        for result, each in columns.items():
            if each.operation not in AGGREGATIONS or (each.column is None) is not (each.operation == "count all"):
                raise self._error(
                    name,
                    f"has an unknown aggregation for {result}. Aggregations: {', '.join(AGGREGATIONS)}; all but "
                    "count all need a column",
                )
            found = None if each.column is None else self._column(name, each.column, upstream)
            if found is not None:
                used[found.column.name] = found
            added.append(
                OutputColumn(
                    self._aggregated(name, result, each, found),
                    properties={
                        "AggregationColumnId": int32(0) if found is None else reference(found.lineage_id),
                        "AggregationType": int32(AGGREGATIONS.index(each.operation)),
                        "IsBig": int32(int(each.is_big)),
                        "AggregationComparisonFlags": int32(each.comparison_flags),
                    },
                )
            )
        properties: Properties = {
            "KeyScale": int32(0),
            "Keys": NULL,
            "CountDistinctScale": int32(0),
            "CountDistinctKeys": NULL,
            "AutoExtendFactor": int32(25),
        }
        output = self._output(
            ref_id, "Aggregate Output 1", added=tuple(added), properties={"KeyScale": int32(0), "Keys": NULL}
        )
        made = self._input(name, ref_id, "Aggregate Input 1", source, [InputColumn(each) for each in used.values()])
        return self._add(name, "Aggregate", 3, properties, inputs=[made], outputs=[output])

    def _aggregated(self, name: str, result: str, found: Aggregation, column: FlowColumn | None) -> Column:
        """Return the column of an aggregation, with its type."""
        if column is None or found.operation in _COUNTS:
            return Column(result, found.data_type or ("DT_UI8" if found.is_big else "DT_UI4"))
        original = column.column
        if found.operation in ("sum", "average"):
            wider = _SUMS.get(original.data_type)
            if found.operation == "average" and wider in ("DT_I8", "DT_UI8"):
                wider = "DT_R8"
            if wider is None:
                raise self._error(
                    name, f"cannot compute the {found.operation} of {original.name}: {original.data_type}"
                )
            data_type = found.data_type or wider
            precision = 38 if data_type == "DT_NUMERIC" else original.precision
            return Column(result, data_type, precision=precision, scale=original.scale)
        if found.operation in ("minimum", "maximum") and original.data_type in (*_LENGTH_TYPES, "DT_GUID", "DT_BOOL"):
            raise self._error(name, f"cannot compute the {found.operation} of {original.name}: {original.data_type}")
        return original.renamed(result)

    def _united(
        self,
        name: str,
        sources: Sequence[Output],
        columns: Mapping[str, Sequence[str | None]] | None,
    ) -> dict[str, tuple[FlowColumn | None, ...]]:
        """Return the columns of each source by the name of the column in the result."""
        listed = [each.columns() for each in sources]
        if columns is None:
            columns = {each: [each if each in found else None for found in listed] for each in listed[0]}
        made: dict[str, tuple[FlowColumn | None, ...]] = {}
        for result, originals in columns.items():
            if len(originals) != len(sources) or not any(originals):
                raise self._error(name, f"needs a column of each source, or None, for {result}")
            parts = tuple(
                None if original is None else self._column(name, original, found)
                for original, found in zip(originals, listed, strict=True)
            )
            types = {each.column.data_type for each in parts if each is not None}
            if len(types) > 1:
                raise self._error(name, f"cannot unite {result}: the sources have the types {', '.join(sorted(types))}")
            made[result] = parts
        return made

    def _union_inputs(
        self,
        name: str,
        ref_id: str,
        label: str,
        sources: Sequence[Output],
        united: Mapping[str, tuple[FlowColumn | None, ...]],
        output: Output,
    ) -> list[Input]:
        """Return an input for each source, the columns of which lead to those of the output."""
        inputs = []
        for number, source in enumerate(sources):
            used = []
            for result, parts in united.items():
                part = parts[number]
                if part is not None:
                    properties = {"OutputColumnLineageID": reference(output.lineage_id(result))}
                    used.append(InputColumn(part, properties=properties))
            inputs.append(self._input(name, ref_id, f"{label} {number + 1}", source, used, SIDE_EFFECTS))
        return inputs

    def _common_keys(self, name: str, first: Output, second: Output) -> list[tuple[FlowColumn, FlowColumn]]:
        """Return the pairs of sort keys that both outputs have, from the first one.

        :raises BuildError: one of the two is not sorted, or the keys differ in type, direction or comparison.
        """
        keys = [
            sorted((each for each in output.columns().values() if each.sort_position), key=_position)
            for output in (first, second)
        ]
        if not all(keys):
            raise self._error(name, "needs two sorted inputs: put a Sort before it, or give the sources sorted_by")
        pairs = list(zip(*keys, strict=False))
        for left, right in pairs:
            same = (
                left.column.data_type == right.column.data_type
                and left.sort_position == right.sort_position
                and left.comparison_flags == right.comparison_flags
            )
            if not same:
                raise self._error(
                    name, f"needs equal sort keys: {left.column.name} and {right.column.name} differ in type or order"
                )
        return pairs


_SUMS = {
    **dict.fromkeys(("DT_I1", "DT_I2", "DT_I4", "DT_I8", "DT_UI1", "DT_UI2", "DT_UI4"), "DT_I8"),
    **dict.fromkeys(("DT_R4", "DT_R8"), "DT_R8"),
    **dict.fromkeys(("DT_DECIMAL", "DT_NUMERIC"), "DT_NUMERIC"),
    "DT_UI8": "DT_UI8",
    "DT_CY": "DT_CY",
}
"""The type of a sum by the type of its column."""


def _position(column: FlowColumn) -> int:
    return abs(column.sort_position)


def _sorted_prefix(columns: Sequence[OutputColumn]) -> tuple[OutputColumn, ...]:
    """Keep the sort positions up to the first gap: SSIS accepts no key without those before it."""
    positions = {abs(each.sort_position) for each in columns if each.sort_position}
    last = next((each - 1 for each in range(1, len(columns) + 2) if each not in positions), 0)
    for each in columns:
        if abs(each.sort_position) > last:
            each.sort_position = each.comparison_flags = 0
    return tuple(columns)


def _widest(name: str, parts: Sequence[FlowColumn | None]) -> Column:
    """Return the column of a union: texts have the largest length, decimals the largest precision and scale."""
    found = [each.column for each in parts if each is not None]
    return Column(
        name,
        found[0].data_type,
        max(each.length for each in found),
        max(each.precision for each in found),
        max(each.scale for each in found),
        found[0].code_page,
    )

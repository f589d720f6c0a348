"""Transformations that turn rows into columns, and columns into rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_provider_ssis.project.builder.components import Component, InputColumn, Output, OutputColumn
from airflow_provider_ssis.project.builder.flow_columns import Column, FlowColumn
from airflow_provider_ssis.project.builder.flow_elements import SIDE_EFFECTS, DataFlowElements
from airflow_provider_ssis.project.builder.flow_properties import NULL, Property, boolean, int32, reference

_PASS, _SET_KEY, _PIVOT_KEY, _VALUE = range(4)


class Pivots(DataFlowElements):
    """The methods that add a Pivot or an Unpivot."""

    def add_pivot(
        self,
        name: str,
        source: Output,
        *,
        set_keys: Sequence[str],
        pivot_key: str,
        columns: Mapping[str, tuple[str, str]],
        passed: Sequence[str] = (),
        ignore_unknown_keys: bool = False,
    ) -> Component:
        """Add a Pivot. The rows of one set must follow one another.

        :param name: its name.
        :param source: the output before it.
        :param set_keys: the columns that are equal in the rows that become one row.
        :param pivot_key: the column whose values choose the new column.
        :param columns: the value of the pivot key and the column with the value, by the name of the new column:
            ``{"January": ("1", "Amount")}``.
        :param passed: other columns, of which the first value of each set is kept. Default: none.
        :param ignore_unknown_keys: ignore rows with another pivot key. Default: False, such a row is an error.
        :raises BuildError: a name is invalid or used, a column is not upstream, or has two roles.
        """
        ref_id = self._start(name)
        upstream = source.columns()
        usages = [
            *((each, _SET_KEY) for each in set_keys),
            (pivot_key, _PIVOT_KEY),
            *((each, _VALUE) for each in dict.fromkeys(value for _, value in columns.values())),
            *((each, _PASS) for each in passed),
        ]
        roles = dict(usages)
        if not set_keys or not columns or len(roles) < len(usages):
            raise self._error(name, "needs set keys and new columns, and each column upstream in one role")
        used = [
            InputColumn(self._column(name, each, upstream), properties={"PivotUsage": int32(usage)})
            for each, usage in roles.items()
        ]
        made = {each: (each, "") for each in (*set_keys, *passed)}
        if set(made) & set(columns):
            raise self._error(name, "needs new columns, with names that no other column has")
        made |= {new: (value, key) for new, (key, value) in columns.items()}
        added = tuple(
            OutputColumn(
                upstream[original].column.renamed(new),
                properties={
                    "PivotKeyValue": Property("System.String", key, can_have_expression=True),
                    "SourceColumn": reference(upstream[original].lineage_id),
                },
            )
            for new, (original, key) in made.items()
        )
        label = "Pivot Default"
        error = self._error_output(ref_id, label, source)
        return self._add(
            name,
            "Pivot",
            1,
            {"PassThroughUnmatchedPivotKeys": boolean(ignore_unknown_keys)},
            uses_dispositions=True,
            inputs=[self._input(name, ref_id, f"{label} Input", source, used, SIDE_EFFECTS)],
            outputs=[self._output(ref_id, f"{label} Output", added=added), error],
        )

    def add_unpivot(
        self,
        name: str,
        source: Output,
        *,
        key: Column,
        columns: Mapping[str, Mapping[str, str]],
        passed: Sequence[str] = (),
    ) -> Component:
        """Add an Unpivot.

        :param name: its name.
        :param source: the output before it.
        :param key: the new column with the key of each row.
        :param columns: the keys by the name of the column upstream, by the name of the new column with the values:
            ``{"Amount": {"January": "1", "February": "2"}}``.
        :param passed: the columns that each of the rows keeps. Default: none.
        :raises BuildError: a name is invalid or used, a column is not upstream or is used twice, the columns of a new
            column differ in type, or the new columns have different keys.
        """
        ref_id = self._start(name)
        upstream = source.columns()
        mapped = [*passed, *(each for parts in columns.values() for each in parts)]
        if not columns or not all(columns.values()) or len(set(mapped)) < len(mapped):
            raise self._error(name, "needs columns to unpivot, each of them once")
        if len({frozenset(parts.values()) for parts in columns.values()}) > 1:
            raise self._error(name, "needs the same keys for each new column")
        names = [*passed, *columns, key.name]
        if len(set(names)) < len(names):
            raise self._error(name, "needs new columns, with names that no other column has")
        output = self._output(ref_id, "Unpivot Output")
        used, added = [], []
        for each in passed:
            found = self._column(name, each, upstream)
            used.append(_unpivoted(found, output, each, NULL))
            added.append(OutputColumn(found.column))
        for new, parts in columns.items():
            originals = [self._column(name, each, upstream) for each in parts]
            if len({each.column.renamed("") for each in originals}) > 1:
                raise self._error(name, f"needs columns of one type for {new}")
            used += [
                _unpivoted(found, output, new, Property("System.String", value, can_have_expression=True))
                for found, value in zip(originals, parts.values(), strict=True)
            ]
            added.append(OutputColumn(originals[0].column.renamed(new)))
        for column in added:
            column.properties = {"PivotKey": boolean(False)}
        output.added = (*added, OutputColumn(key, properties={"PivotKey": boolean(True)}))
        made = self._input(name, ref_id, "Unpivot Input", source, used, SIDE_EFFECTS)
        return self._add(name, "UnPivot", 1, {}, inputs=[made], outputs=[output])


def _unpivoted(found: FlowColumn, output: Output, target: str, value: Property) -> InputColumn:
    return InputColumn(
        found, properties={"DestinationColumn": reference(output.lineage_id(target)), "PivotKeyValue": value}
    )

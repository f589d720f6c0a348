"""Transformations that choose some of the rows."""

from __future__ import annotations

from airflow_provider_ssis.project.builder.components import Component, InputColumn, Output, OutputColumn
from airflow_provider_ssis.project.builder.flow_elements import DataFlowElements
from airflow_provider_ssis.project.builder.flow_properties import Properties, boolean, int32, reference

SELECTED, UNSELECTED = "Sampling Selected Output", "Sampling Unselected Output"


class Samples(DataFlowElements):
    """The methods that add a sampling transformation."""

    def add_percentage_sampling(self, name: str, source: Output, percent: int, *, seed: int = 0) -> Component:
        """Add a Percentage Sampling. Its outputs are ``Sampling Selected Output``, the main one, and
        ``Sampling Unselected Output``.

        :param name: its name.
        :param source: the output before it.
        :param percent: the part of the rows to select, in percent.
        :param seed: the seed of the random numbers; 0 for another one in each run. Default: 0.
        :raises BuildError: a name is invalid or used, or the percentage is not between 0 and 100.
        """
        ref_id = self._start(name)
        if not 0 <= percent <= 100:
            raise self._error(name, f"cannot select {percent} percent of the rows")
        label = "Percentage Sampling Input 1"
        passed, group = tuple(source.columns().values()), self._group(ref_id, label)
        return self._add(
            name,
            "PctSampling",
            0,
            _sample(percent, seed),
            inputs=[self._input(name, ref_id, label, source)],
            outputs=[
                self._output(ref_id, each, passed, attributes=group, properties={"Selected": boolean(each == SELECTED)})
                for each in (SELECTED, UNSELECTED)
            ],
        )

    def add_row_sampling(self, name: str, source: Output, rows: int, *, seed: int = 0) -> Component:
        """Add a Row Sampling, with outputs as those of :meth:`add_percentage_sampling`.

        :param name: its name.
        :param source: the output before it.
        :param rows: the number of rows to select.
        :param seed: as for :meth:`add_percentage_sampling`.
        :raises BuildError: a name is invalid or used, or the number is negative.
        """
        ref_id = self._start(name)
        if rows < 0:
            raise self._error(name, f"cannot select {rows} rows")
        used = self._used(name, source, None)
        outputs = [
            self._output(
                ref_id,
                each,
                added=tuple(_copied(one) for one in used),
                properties={"Selected": boolean(each == SELECTED)},
            )
            for each in (SELECTED, UNSELECTED)
        ]
        made = self._input(name, ref_id, "Row Sampling Input 1", source, used)
        return self._add(name, "RowSampling", 0, _sample(rows, seed), inputs=[made], outputs=outputs)


def _sample(value: int, seed: int) -> Properties:
    return {"SamplingValue": int32(value, can_have_expression=True), "SamplingSeed": int32(seed)}


def _copied(found: InputColumn) -> OutputColumn:
    return OutputColumn(found.source.column, properties={"InputColumnLineageID": reference(found.source.lineage_id)})

"""Compiling a data flow: the columns on each path, the columns that are needed, and what cannot run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.registry import part_of, why_refused
from airflow_provider_ssis.engine.data_flow.rows import RowColumn, RowSchema
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import column_type
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import (
    ignored_parts,
    wrong_attributes,
    wrong_flow_attributes,
)
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.package.data_flow import (
    INVALID,
    Component,
    ComponentOutput,
    ComponentPath,
    OutputColumn,
    Pipeline,
)
from airflow_provider_ssis.project.type_names import component_class

SAVE_AGAIN = "Open the package in Visual Studio and save it again."
_SIZES: dict[DataTypeCode, int] = {
    DataTypeCode.DT_BOOL: 2,
    DataTypeCode.DT_I1: 1,
    DataTypeCode.DT_UI1: 1,
    DataTypeCode.DT_I2: 2,
    DataTypeCode.DT_UI2: 2,
    DataTypeCode.DT_I4: 4,
    DataTypeCode.DT_UI4: 4,
    DataTypeCode.DT_R4: 4,
    DataTypeCode.DT_DECIMAL: 16,
    DataTypeCode.DT_NUMERIC: 19,
    DataTypeCode.DT_DBTIMESTAMP: 16,
    DataTypeCode.DT_DBTIMESTAMP2: 16,
    DataTypeCode.DT_DBTIMESTAMPOFFSET: 20,
    DataTypeCode.DT_GUID: 16,
}
"""The bytes of a value in a buffer, for types without a length other than 8 bytes."""


@dataclass(frozen=True, slots=True)
class PlannedPath:
    """A path, with the components at its ends.

    :param id: ``Paths[Lookup.Lookup Match Output]``.
    :param schema: the columns that the input needs.
    """

    id: str
    name: str
    source: ComponentPlan
    output_key: str
    target: ComponentPlan
    input_key: str
    schema: RowSchema


@dataclass(frozen=True, slots=True)
class DataFlowPlan:
    """A data flow that can run, or the reasons why it cannot.

    :param components: the components that run, each after those that lead to it.
    :param paths: the paths between them.
    :param removed: the components that do not run because nothing uses their rows.
    :param unused: for each component, the columns that it creates and that nothing uses.
    :param refusals: the unsupported and the broken parts.
    :param buffer_bytes: the bytes that may wait at an input.
    :param unconnected: the components that have no connection manager, which fail the validation. Default: none.
    :param unreached: the components and their inputs that need a path and have none, which fail the validation.
        Default: none.
    """

    components: tuple[ComponentPlan, ...]
    paths: tuple[PlannedPath, ...]
    removed: tuple[Component, ...]
    unused: Mapping[str, tuple[str, ...]]
    refusals: tuple[Refusal, ...]
    buffer_bytes: int
    unconnected: tuple[str, ...] = ()
    unreached: tuple[tuple[str, str], ...] = ()


def plan_data_flow(
    pipeline: Pipeline,
    task_path: str,
    locale_id: int,
    observed: Collection[str] = (),
    options: RunOptions | None = None,
) -> DataFlowPlan:
    """Compile a data flow.

    :param pipeline: the stored data flow.
    :param task_path: the path of the task.
    :param locale_id: the locale of the task, for components without one.
    :param observed: the paths whose rows are wanted with all columns, as ``Paths[Component.Output]``, or the components
        to which they lead. Default: none.
    :param options: the options of the run. Default: nothing.
    """
    return _Planner(pipeline, task_path, locale_id, frozenset(observed), options or RunOptions()).plan()


@dataclass(slots=True)
class _Planner:
    pipeline: Pipeline
    task_path: str
    locale_id: int
    observed: frozenset[str]
    options: RunOptions
    refusals: list[Refusal] = field(default_factory=list)
    schemas: dict[str, RowSchema] = field(default_factory=dict)
    """The columns of each output, with all columns of its input."""
    arriving: dict[str, ComponentPath] = field(default_factory=dict)
    leaving: dict[str, ComponentPath] = field(default_factory=dict)
    owners: dict[str, Component] = field(default_factory=dict)
    needed: dict[str, set[str]] = field(default_factory=dict)
    """The lineage ids that each input needs, for itself and for what follows."""

    def plan(self) -> DataFlowPlan:
        self.refusals.extend(wrong_flow_attributes(self.pipeline, self.task_path))
        self._connect()
        ordered = self._ordered()
        for component in ordered:
            self.refusals.extend(wrong_attributes(component, f"{self.task_path}\\{component.name}"))
            self._columns_of(component)
        removed = self._removed(ordered)
        running = [component for component in ordered if component not in removed]
        for component in reversed(running):
            self._needs_of(component)
        numbers = self._numbers()
        plans = {component.key: self._component_plan(component, numbers) for component in running}
        for plan in plans.values():
            self._check_support(plan)
        return DataFlowPlan(
            tuple(plans.values()),
            tuple(self._paths(plans)),
            tuple(removed),
            {component.name: unused for component in running if (unused := tuple(self._unused(component)))},
            tuple(self.refusals),
            max(self.pipeline.buffer_size, 1 << 16),
            tuple(one.name for one in self.pipeline.components if self._is_unconnected(one)),
            tuple(self._unreached()),
        )

    def _unreached(self) -> Iterator[tuple[str, str]]:
        """Find the inputs without a path, also of components that do not run. Inputs marked as dangling need none."""
        for component in self.pipeline.components:
            for one in component.inputs:
                if not one.dangling and one.key not in self.arriving:
                    yield component.name, one.name

    def _is_unconnected(self, component: Component) -> bool:
        """Whether a component has a connection without a manager. Those of components that do not run count too."""
        return f"{self.task_path}\\{component.name}" not in self.options.scripts and any(
            one.manager_id.endswith(INVALID) or not (one.manager_id or one.manager_ref_id)
            for one in component.connections
        )

    def _refuse(self, component: str, what: str, why: str, advice: str = SAVE_AGAIN) -> None:
        where = f"{self.task_path}\\{component}" if component else self.task_path
        self.refusals.append(Refusal(where, what, why, advice))

    # -- the graph -----------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        names = Counter(component.name.casefold() for component in self.pipeline.components)
        ends: dict[str, str] = {}
        for component in self.pipeline.components:
            if not component.name or names[component.name.casefold()] > 1:
                self._refuse(component.name, f"the component {component.name!r}", "its name is empty or not unique")
            for end in component.ends:
                self.owners[end.key] = component
                ends[end.key] = "output" if isinstance(end, ComponentOutput) else "input"
        for path in self.pipeline.paths:
            if ends.get(path.output_key) != "output" or ends.get(path.input_key) != "input":
                self._refuse("", f"the path {path.name!r}", "it does not lead from an output to an input")
            elif path.output_key in self.leaving or path.input_key in self.arriving:
                self._refuse("", f"the path {path.name!r}", "another path has the same output or input")
            else:
                self.leaving[path.output_key] = path
                self.arriving[path.input_key] = path

    def _before(self, component: Component) -> Iterator[Component]:
        for one in component.inputs:
            if one.key in self.arriving:
                yield self.owners[self.arriving[one.key].output_key]

    def _after(self, component: Component) -> Iterator[Component]:
        for one in component.outputs:
            if one.key in self.leaving:
                yield self.owners[self.leaving[one.key].input_key]

    def _ordered(self) -> list[Component]:
        by_key = {component.key: component for component in self.pipeline.components}
        graph = {key: [one.key for one in self._before(component)] for key, component in by_key.items()}
        try:
            return [by_key[key] for key in TopologicalSorter(graph).static_order()]
        except CycleError:
            self._refuse("", "the paths", "they form a cycle")
            return []

    # -- columns -------------------------------------------------------------------------------------------------------

    def _input_schema(self, input_key: str) -> RowSchema | None:
        path = self.arriving.get(input_key)
        return None if path is None else self.schemas.get(path.output_key)

    def _columns_of(self, component: Component) -> None:
        for one in component.inputs:
            schema = self._input_schema(one.key)
            known = {} if schema is None else schema.by_lineage
            for column in one.columns:
                if schema is not None and column.usage != "ignored" and column.lineage_id not in known:
                    name = column.name or column.cached_name or column.lineage_id
                    why = f"no column with the lineage id {column.lineage_id!r} arrives at the input {one.name!r}"
                    self._refuse(component.name, f"the input column {name!r}", why)
        for output in component.outputs:
            own = tuple(self._row_column(component, output, column) for column in output.columns)
            before: tuple[RowColumn, ...] = ()
            if output.synchronous_input_key:
                schema = self._input_schema(output.synchronous_input_key)
                before = () if schema is None else schema.columns
            columns = (*before, *own)
            if len({column.lineage_id for column in columns}) < len(columns):
                self._refuse(component.name, f"the output {output.name!r}", "two of its columns have one lineage id")
                continue
            self.schemas[output.key] = RowSchema(columns)

    def _row_column(self, component: Component, output: ComponentOutput, column: OutputColumn) -> RowColumn:
        try:
            type_ = column_type(column.data_type)
        except KeyError:
            what = f"the column {column.name!r}"
            self._refuse(component.name, what, f"its data type {column.data_type.name!r} is unknown")
            type_ = ColumnType(DataTypeCode.DT_WSTR)
        return RowColumn(
            column.lineage_id or column.key,
            column.name,
            type_,
            component.name,
            column.sort_key_position if output.is_sorted else 0,
            column.comparison_flags,
        )

    def _is_observed(self, path: ComponentPath) -> bool:
        return bool(self.observed & {self._path_id(path), self.owners[path.input_key].name})

    def _path_id(self, path: ComponentPath) -> str:
        source = self.owners[path.output_key]
        output = next(one for one in source.outputs if one.key == path.output_key)
        return f"Paths[{source.name}.{output.name}]"

    def _removed(self, ordered: list[Component]) -> list[Component]:
        """The components without side effects, whose rows reach none with side effects either."""
        if not self.pipeline.run_in_optimized_mode:
            return []
        kept: set[str] = set()
        for component in reversed(ordered):
            is_observed = any(
                self._is_observed(path)
                for end in component.ends
                if (path := self.leaving.get(end.key) or self.arriving.get(end.key)) is not None
            )
            has_effects = any(one.has_side_effects for one in component.ends)
            is_destination = bool(component.inputs) and all(one.is_error_output for one in component.outputs)
            if has_effects or is_destination or is_observed or any(one.key in kept for one in self._after(component)):
                kept.add(component.key)
        return [component for component in ordered if component.key not in kept]

    def _needs_of(self, component: Component) -> None:
        for one in component.inputs:
            schema = self._input_schema(one.key)
            if schema is None:
                continue
            path = self.arriving[one.key]
            needed = {column.lineage_id for column in one.columns if column.usage != "ignored"}
            for output in component.outputs:
                if output.synchronous_input_key == one.key and output.key in self.leaving:
                    following = self.needed.get(self.leaving[output.key].input_key)
                    needed |= following or set()
            if not self.pipeline.run_in_optimized_mode or self._is_observed(path):
                needed = set(schema.by_lineage)
            self.needed[one.key] = needed & set(schema.by_lineage)

    def _unused(self, component: Component) -> Iterator[str]:
        """The names of the columns that a component creates for nothing."""
        for output in component.outputs:
            path = self.leaving.get(output.key)
            if path is None or output.is_error_output:
                continue
            needed = self.needed.get(path.input_key, set())
            yield from (column.name for column in output.columns if (column.lineage_id or column.key) not in needed)

    def _numbers(self) -> dict[str, int]:
        """The number of each component and column: the id of old formats, else a number of ours."""
        numbers: dict[str, int] = {}
        for component in self.pipeline.components:
            columns = [column for one in component.inputs for column in one.columns]
            keys = [component.key, *[column.lineage_id for column in columns]]
            for output in component.outputs:
                keys += [column.lineage_id or column.key for column in output.columns]
            for key in keys:
                if key not in numbers:
                    numbers[key] = int(key) if key.isdecimal() and len(key) < 10 else len(numbers) + 1
        return numbers

    # -- plans ---------------------------------------------------------------------------------------------------------

    def _component_plan(self, component: Component, numbers: Mapping[str, int]) -> ComponentPlan:
        inputs: dict[str, RowSchema] = {}
        for one in component.inputs:
            schema = self._input_schema(one.key)
            if schema is not None:
                kept = self.needed[one.key]
                inputs[one.key] = RowSchema(tuple(each for each in schema.columns if each.lineage_id in kept))
        outputs: dict[str, RowSchema] = {}
        for output in component.outputs:
            own = tuple(self._row_column(component, output, column) for column in output.columns)
            before = inputs.get(output.synchronous_input_key)
            outputs[output.key] = RowSchema(own) if before is None else before.with_columns(own)
        locale_id = self.locale_id if component.locale_id in (None, 0, -1) else component.locale_id
        return ComponentPlan(
            component,
            f"{self.task_path}\\{component.name}",
            inputs,
            outputs,
            frozenset(one.key for one in component.outputs if one.key in self.leaving),
            numbers,
            locale_id or self.locale_id,
            self._buffer_rows(outputs.values()),
            numbers[component.key],
            self.options,
        )

    def _buffer_rows(self, outputs: Iterable[RowSchema]) -> int:
        rows = max(1, self.pipeline.buffer_max_rows)
        if self.pipeline.auto_adjust_buffer_size:
            return rows
        width = max((sum(_width(column.type) for column in schema.columns) for schema in outputs), default=0)
        return rows if not width else max(1, min(rows, self.pipeline.buffer_size // width))

    def _check_support(self, plan: ComponentPlan) -> None:
        name = component_class(plan.stored)
        what = f"the component of the class {name}"
        if name != plan.stored.class_id:
            what += f" ({plan.stored.class_id})"
        found = part_of(plan)
        is_replaced = plan.path in plan.options.scripts and name != "ScriptComponent"
        if found is None and is_replaced:
            why = "a function can replace sources, destinations and scripts only"
            self._refuse(plan.stored.name, what, why, "Remove it from the scripts of the run.")
            return
        if found is None:
            self._refuse(plan.stored.name, what, *why_refused(plan.stored))
            return
        if any(refusal.where == plan.path for refusal in self.refusals):
            return  # what is broken already would only cause errors here
        if not is_replaced and name != "ScriptComponent":
            self.refusals.extend(ignored_parts(plan.stored, plan.path, found.parts))
        try:
            self.refusals.extend(found.refusals(plan))
        except (LookupError, ValueError, StopIteration, ProjectError) as error:
            why = f"its parts cannot be read: {type(error).__name__}: {error}"
            self._refuse(plan.stored.name, what, why)

    def _paths(self, plans: Mapping[str, ComponentPlan]) -> Iterator[PlannedPath]:
        for path in self.pipeline.paths:
            if self.leaving.get(path.output_key) is not path:
                continue
            source, target = (plans.get(self.owners[key].key) for key in (path.output_key, path.input_key))
            if source is None or target is None or path.input_key not in target.inputs:
                continue
            schema = target.inputs[path.input_key]
            name = path.name or path.key
            yield PlannedPath(self._path_id(path), name, source, path.output_key, target, path.input_key, schema)


def _width(type_: ColumnType) -> int:
    """The bytes of a value in a buffer of Integration Services."""
    if type_.code is DataTypeCode.DT_WSTR:
        return 2 * type_.length + 2
    if type_.length:
        return type_.length + 1
    return _SIZES.get(type_.code, 8)

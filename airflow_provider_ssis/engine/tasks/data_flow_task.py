"""The Data Flow task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.data_flow.flow_expressions import changed_pipeline, unknown_targets
from airflow_provider_ssis.engine.data_flow.plan import DataFlowPlan, plan_data_flow
from airflow_provider_ssis.engine.data_flow.run import DataFlowRun
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.project.package.data_flow import Pipeline

_ANY_LOCALE = 1033


class DataFlowTask(Task):
    """The Data Flow task. A run uses what its validation has prepared, so that each warning is raised once."""

    data: Pipeline
    _validated: DataFlowRun | None = None

    def refusals(self, options: RunOptions) -> Iterator[Refusal]:
        """Yield the components, properties and columns that cannot run."""
        plan = self._plan(self.data, options, self.container.locale_id or _ANY_LOCALE)
        yield from plan.refusals
        yield from unknown_targets(self.data, self.container)
        known = {path.id for path in plan.paths} | {path.target.stored.name for path in plan.paths}
        for tap in options.taps:
            if tap.task == self.container.path and tap.path_id not in known:
                listed = ", ".join(sorted(path.id for path in plan.paths))
                yield Refusal(self.container.path, f"the data tap on {tap.path_id}", "no such path", f"Paths: {listed}")

    def _plan(self, pipeline: Pipeline, options: RunOptions, locale_id: int) -> DataFlowPlan:
        observed = [tap.path_id for tap in options.taps if tap.task == self.container.path]
        return plan_data_flow(pipeline, self.container.path, locale_id, observed, options)

    def _run(self, context: TaskContext) -> DataFlowRun:
        pipeline = changed_pipeline(self.data, self.container, context)
        taps = [
            (tap.path_id, tap.sink(context.execution_path), tap.max_rows)
            for tap in context.options.taps
            if tap.task == self.container.path
        ]
        return DataFlowRun(self._plan(pipeline, context.options, context.locale_id), context, taps)

    def validate(self, context: TaskContext) -> None:
        """Check the data flow: external columns, connections, expressions."""
        self._validated = self._run(context)
        self._validated.validate()

    def run(self, context: TaskContext) -> Any:
        """Run the data flow until its end."""
        run, self._validated = self._validated or self._run(context), None
        run.execute()
        return None

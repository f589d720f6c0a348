"""Run operators and sensors in the test's process, as a worker does: context, log, rendering.

Calls to Airflow are recorded here; calls to the catalog go to the embedded SSISDB.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, BaseOperator


@dataclass
class TaskInstanceRecord:
    """The parts of a task instance that operators use."""

    dag_id: str = "nightly"
    run_id: str = "manual__2024-02-29T00:00:00+00:00"
    task_id: str = "load"
    map_index: int = -1
    try_number: int = 1
    max_tries: int = 0
    start_date: datetime | None = None
    next_method: str | None = None
    next_kwargs: dict[str, Any] | None = None
    xcoms: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep the value."""
        self.xcoms[key] = value

    def xcom_pull(self, task_ids: str, key: str, map_indexes: int | None = None) -> Any:
        """The value that this task instance kept; those of all its siblings where a mapped task names no index."""
        assert task_ids == self.task_id
        value = self.xcoms.get(key)
        return [value] if map_indexes is None and self.map_index >= 0 else value


_MESSAGE = re.compile(r"\d\d:\d\d:\d\d[+-]\d\d:\d\d ")


@dataclass
class LogRecord:
    """The lines that a task logged, each with its level."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def debug(self, event: Any, /, *args: Any) -> None:
        """Discard the line."""

    def info(self, event: Any, /, *args: Any) -> None:
        """Keep the line."""
        self.lines.append(("info", event % args))

    def warning(self, event: Any, /, *args: Any) -> None:
        """Keep the line."""
        self.lines.append(("warning", event % args))

    def error(self, event: Any, /, *args: Any) -> None:
        """Keep the line."""
        self.lines.append(("error", event % args))

    def at(self, level: str) -> list[str]:
        """The lines of one level."""
        return [line for each, line in self.lines if each == level]

    def messages(self, level: str | None = None) -> list[str]:
        """The lines that begin with the time of a package's message, of one level or of all."""
        return [line for each, line in self.lines if _MESSAGE.match(line) and level in (None, each)]

    def __str__(self) -> str:
        return "\n".join(line for _, line in self.lines)


@dataclass
class Store:
    """Airflow's task state store of a task instance."""

    values: dict[str, Any] = field(default_factory=dict)

    def get(self, key: str) -> Any:
        """The value of a key, or None."""
        return self.values.get(key)

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""
        self.values[key] = value


@dataclass
class TaskRun:
    """One task in the test's process.

    :param store: Airflow's task state store; None as before Airflow 3.3.
    """

    operator: Any
    task_instance: TaskInstanceRecord = field(default_factory=TaskInstanceRecord)
    log: LogRecord = field(default_factory=LogRecord)
    store: Any = None

    def __post_init__(self) -> None:
        # Where operators keep their log: the first since Airflow 3, the second in Airflow 2.
        for name in ("_cached_logger", "_log"):
            setattr(self.operator, name, self.log)

    @property
    def context(self) -> Any:
        """The task's context, as far as operators read it."""
        context = {"ti": self.task_instance, "task_instance": self.task_instance}
        return context if self.store is None else {**context, "task_state_store": self.store}

    def execute(self) -> Any:
        """Run the task without rendering."""
        return self.operator.execute(self.context)


def rendered(operator: BaseOperator, *, native: bool = False, **variables: Any) -> Any:
    """The operator after Airflow has rendered its template fields with these variables."""
    with DAG(dag_id="rendering", schedule=None, render_template_as_native_obj=native) as dag:
        dag.add_task(operator)
    context: Any = {"ti": TaskInstanceRecord(), **variables}
    operator.render_template_fields(context)
    return operator

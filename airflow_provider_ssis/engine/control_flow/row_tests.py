r"""Running a package on given rows, without its databases and files: for tests of packages.

::

    found = run_on_rows(
        "Load.dtsx",
        inputs={r"\Package\Load\Orders": [{"Id": 1, "Amount": Decimal("9.50")}]},
        outputs=[r"\Package\Load\Fact"],
    )
    assert found.rows(r"\Package\Load\Fact") == [{"Id": 1, "Net": Decimal("7.98")}]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from airflow_provider_ssis.engine.control_flow.running import RunResult, run_package
from airflow_provider_ssis.engine.loading import LoadedProject

GivenRows: TypeAlias = "pa.Table | pa.RecordBatch | list[Mapping[str, Any]]"
"""The rows of a source: columns by name."""


@dataclass(frozen=True, slots=True)
class RowTest:
    """The result of a package that ran on given rows.

    :param result: the result of the run; whether the package succeeded is for the test to check.
    :param tables: the rows that arrived at each replaced destination, by its path. A destination that got no rows in
        any run of its task is absent.
    """

    result: RunResult
    tables: Mapping[str, pa.Table] = field(repr=False)

    def rows(self, destination: str) -> list[dict[str, Any]]:
        """Return the rows of a destination as mappings from column names to values of Python.

        :param destination: its path. No rows arrived: an empty list.
        """
        return self.tables[destination].to_pylist() if destination in self.tables else []


def run_on_rows(
    source: Path | str | bytes | LoadedProject,
    package: str | None = None,
    *,
    inputs: Mapping[str, GivenRows | Callable[[], Iterable[GivenRows]]],
    outputs: Iterable[str],
    scripts: Mapping[str, Callable[[Any], Any]] | None = None,
    **arguments: Any,
) -> RowTest:
    r"""Run a package whose sources get given rows, and whose destinations keep the rows that arrive.

    :param source: as for :func:`~airflow_provider_ssis.engine.control_flow.running.run_package`.
    :param package: the package to run. Default: None, the only one.
    :param inputs: the rows of sources by their path (``\Package\Load\Orders``): a table, a record batch, or a list of
        mappings; or a function that returns them, for each run of the task in a loop.
    :param outputs: the paths of the destinations to replace. They write nothing.
    :param scripts: functions that replace scripts, as for ``run_package``. Default: none.
    :param arguments: further arguments of ``run_package``.
    :raises UnsupportedError: as for ``run_package``; also for a path that is not a source or destination.
    """
    arrived: dict[str, list[pa.RecordBatch]] = {}

    def keep(path: str) -> Callable[[Any], None]:
        def read(rows: Any) -> None:
            arrived.setdefault(path, []).extend(rows.input)

        return read

    def give(rows: GivenRows | Callable[[], Iterable[GivenRows]]) -> Callable[[Any], Any]:
        return lambda _: rows() if callable(rows) else [rows]

    replaced = {path: give(rows) for path, rows in inputs.items()} | {path: keep(path) for path in outputs}
    result = run_package(source, package, scripts={**(scripts or {}), **replaced}, **arguments)
    tables = {path: pa.Table.from_batches(batches) for path, batches in arrived.items() if batches}
    return RowTest(result, tables)

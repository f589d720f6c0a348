"""The files of a data tap: one for each run of its Data Flow task."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airflow_provider_ssis.engine.data_flow.taps import CsvSink, ParquetSink, file_sink

_TURN: Final = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class FilesOfTap:
    """Opens the files of a tap. The turns of loops around the task are in the names: ``rows_2.csv``.

    :param path: the file; ``.parquet`` for Parquet, else CSV.
    """

    path: Path

    def __call__(self, execution_path: str) -> CsvSink | ParquetSink:
        """Return the sink for a run of the task.

        :param execution_path: the path of the task with the turns of loops.
        """
        turns = "".join(f"_{turn}" for turn in _TURN.findall(execution_path))
        return file_sink(self.path.with_stem(f"{self.path.stem}{turns}"))

"""The files of a data tap: one for each run of its Data Flow task."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airflow_provider_ssis.engine.data_flow.taps import CsvSink, ParquetSink, file_sink

_TURN: Final = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class FilesOfTap:
    """Opens the files of a tap. In loops, the number of the iteration is put before the name: ``2_rows.csv``.

    :param path: the file; ``.parquet`` for Parquet, else CSV.
    :param replaces: whether an existing file is replaced; otherwise a number follows the name, as on a server:
        ``rows[1].csv``. Default: True.
    """

    path: Path
    replaces: bool = True

    def __call__(self, execution_path: str) -> CsvSink | ParquetSink:
        """Return the sink for a run of the task.

        :param execution_path: the path of the task with the iterations of loops.
        """
        turns = "".join(f"{turn}_" for turn in _TURN.findall(execution_path))
        path = self.path.with_name(f"{turns}{self.path.name}")
        if not self.replaces:
            numbered = (path.with_stem(f"{path.stem}[{number}]") for number in itertools.count(1))
            path = next(one for one in itertools.chain([path], numbered) if not one.exists())
        return file_sink(path)

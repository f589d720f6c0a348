"""The folder in which the server writes the rows of data taps and the dumps of executions."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from airflow_provider_ssis.emulator.runs.request import TapColumn, tap_file_name

_DATA: Final = "DataDumps"
_ERRORS: Final = "ErrorDumps"
_FIRST_DAY: Final = dt.datetime(2024, 1, 1)


class DumpFiles:
    """The files that runs leave on the server.

    :param folder: gets the folders ``DataDumps`` and ``ErrorDumps``; None takes a temporary folder, which
        :meth:`close` deletes.
    """

    def __init__(self, folder: Path | None) -> None:
        self._temporary = folder is None
        root = Path(tempfile.mkdtemp(prefix="ssisdb-dumps-")) if folder is None else folder
        self._root = root
        self.data = root / _DATA
        """The rows of data taps."""
        self.errors = root / _ERRORS
        """The dumps of executions."""

    def write_rows(self, name: str, columns: Sequence[TapColumn], count: int) -> Path:
        """Write generated rows to a new file of the folder for data taps.

        :param name: of the file; one that exists gets a number: ``rows[1].csv``.
        :raises ValueError: the name has a folder in it, or a character that Windows does not allow in names.
        :raises OSError: the file cannot be written.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        path = self.data / tap_file_name(name)
        for number in itertools.count(1):
            try:
                with path.open("x", newline="", encoding="utf-8") as file:
                    writer = csv.writer(file)
                    writer.writerow([column.name for column in columns])
                    writer.writerows(_rows(columns, count))
            except FileExistsError:
                path = self.data / f"{Path(name).stem}[{number}]{Path(name).suffix}"
            else:
                return path
        raise AssertionError("unreachable")

    def write_dump(self, stem: str, text: str) -> Path:
        """Write a dump of an execution: the file that describes it, and an empty one for the process's memory."""
        self.errors.mkdir(parents=True, exist_ok=True)
        (self.errors / f"{stem}.mdmp").touch()
        path = self.errors / f"{stem}.tmp"
        path.write_text(text, encoding="utf-8")
        return path

    def clear(self) -> None:
        """Delete all files."""
        for folder in (self.data, self.errors):
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Delete a temporary folder."""
        if self._temporary:
            shutil.rmtree(self._root, ignore_errors=True)


def _rows(columns: Sequence[TapColumn], count: int) -> Iterator[list[Any]]:
    makers = [_MAKERS.get(column.data_type, _text(column.name)) for column in columns]
    for number in range(1, count + 1):
        yield [make(number) for make in makers]


def _text(name: str) -> Callable[[int], Any]:
    return lambda number: f"{name} {number}"


def _day(number: int) -> dt.datetime:
    return _FIRST_DAY + dt.timedelta(days=number % 366)


_MAKERS: Final[dict[str, Callable[[int], Any]]] = {
    **dict.fromkeys(("i1", "ui1"), lambda number: number % 128),
    **dict.fromkeys(("i2", "i4", "i8", "ui2", "ui4", "ui8"), lambda number: number),
    **dict.fromkeys(("r4", "r8", "numeric", "decimal", "cy"), lambda number: f"{number}.5"),
    "bool": lambda number: number % 2 == 0,
    "guid": lambda number: f"{{00000000-0000-0000-0000-{number:012X}}}",
    **dict.fromkeys(("date", "dbDate"), lambda number: f"{_day(number):%Y-%m-%d}"),
    **dict.fromkeys(("dbTime", "dbTime2"), lambda number: f"{number % 24:02}:00:00"),
    **dict.fromkeys(("dbTimeStamp", "dbTimeStamp2", "filetime"), lambda number: f"{_day(number):%Y-%m-%d %H:%M:%S}"),
    "dbTimeStampOffset": lambda number: f"{_day(number):%Y-%m-%d %H:%M:%S} +00:00",
    **dict.fromkeys(("bytes", "image"), lambda number: f"0x{number:08X}"),
}
"""A generated value of each type of a data flow's columns by the number of its row; others are texts."""

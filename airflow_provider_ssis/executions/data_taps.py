"""Data taps of a task's execution: the files that the server writes, and reading them back."""

from __future__ import annotations

import codecs
import csv
import glob
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.catalog.errors import AlreadyExists, AlreadyStarted
from airflow_provider_ssis.exceptions import InvalidTaskArgument
from airflow_provider_ssis.executions.arguments import shown

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.executions.message_log import TaskLog

MAX_RETURNED_ROWS = 100
"""The most rows of a file that a task returns: XComs are small. :func:`read_rows` reads all."""

PLACEHOLDER = "{execution_id}"
_KEYS = ("task", "path", "file", "max_rows")
_FORM = (
    r'{"task": r"\Package\Load", "path": "Paths[Source.Output]", "file": "rows-{execution_id}.csv", "max_rows": 100}'
)


@dataclass(frozen=True, slots=True)
class TapRequest:
    """A data tap that a task adds to its execution.

    :param task: the data flow task: its path in the package, or its GUID in braces.
    :param path: the identification string of the path of the data flow.
    :param file: the file's name, with a placeholder for the execution's id.
    :param max_rows: the most rows that are written; None for all.
    """

    task: str
    path: str
    file: str
    max_rows: int | None

    def file_of(self, execution_id: int) -> str:
        """The name of the file of an execution."""
        return self.file.replace(PLACEHOLDER, str(execution_id))


def tap_requests(value: Any) -> list[TapRequest]:
    """The data taps in the argument ``data_taps``.

    :param value: a list of mappings with the keys ``task``, ``path`` and, optional, ``file`` and ``max_rows``; None for
        nothing.
    :raises InvalidTaskArgument: it has another form.
    """
    if value is None:
        return []
    if isinstance(value, str | Mapping) or not isinstance(value, list | tuple):
        raise InvalidTaskArgument(f"data_taps is {shown(value)}. Give a list of mappings: {_FORM}.")
    return [_request(number, each) for number, each in enumerate(value, start=1)]


def _request(number: int, value: Any) -> TapRequest:
    where = f"data_taps[{number - 1}]"
    if not isinstance(value, Mapping) or set(value) - set(_KEYS):
        raise InvalidTaskArgument(f"{where} is {shown(value)}. Its form is {_FORM}.")
    for key in ("task", "path"):
        if not isinstance(value.get(key), str) or not value[key].strip():
            raise InvalidTaskArgument(f"{where} has no {key!r}. Its form is {_FORM}.")
    file = value.get("file") or f"airflow-{PLACEHOLDER}-{number}.csv"
    if not isinstance(file, str) or any(character in file for character in '/\\:"<>|?*'):
        raise InvalidTaskArgument(f"{where} has the file {shown(file)}. Give a file's name without a folder.")
    rows = value.get("max_rows")
    if isinstance(rows, str) and rows.strip().isdecimal():
        rows = int(rows)
    if rows is not None and (not isinstance(rows, int) or isinstance(rows, bool) or rows < 0):
        raise InvalidTaskArgument(f"{where} has max_rows={shown(rows)}. Give at least 0, or leave it out for all rows.")
    return TapRequest(value["task"], value["path"], file, rows)


def add_data_taps(catalog: Catalog, execution_id: int, taps: list[TapRequest], log: TaskLog) -> None:
    """Add data taps to an execution that was created. Those that an earlier try of the task added stay.

    :param catalog: where to add them.
    :param execution_id: the execution.
    :param taps: the data taps.
    :param log: the task's log.
    :raises CatalogError: the catalog refused one.
    """
    for tap in taps:
        by_guid = tap.task.strip().startswith("{")
        try:
            catalog.add_data_tap(
                execution_id,
                tap.path,
                tap.file_of(execution_id),
                task_path=None if by_guid else tap.task,
                task_guid=tap.task.strip() if by_guid else None,
                max_rows=tap.max_rows,
            )
        except AlreadyExists:
            continue
        except AlreadyStarted:
            # An earlier try started it, with its data taps.
            return
        log.info("Added a data tap on %s of %s: %s.", tap.path, tap.task, tap.file_of(execution_id))


def read_data_taps(folder: Path, execution_id: int, taps: list[TapRequest], log: TaskLog) -> list[dict[str, Any]]:
    """Read the files of an execution's data taps.

    :param folder: the server's folder ``DataDumps`` as this machine sees it.
    :param execution_id: the execution.
    :param taps: its data taps.
    :param log: the task's log.
    :return: for each data tap ``file``, ``rows`` (how many; None if there is no file, or if it cannot be read) and
        ``first_rows``, at most :data:`MAX_RETURNED_ROWS` of them as mappings of columns to texts.
    """
    return [_read(folder, tap.file_of(execution_id), log) for tap in taps]


def _read(folder: Path, name: str, log: TaskLog) -> dict[str, Any]:
    """Read the files of a data tap. A problem is a warning: the execution has succeeded."""
    nothing: dict[str, Any] = {"file": name, "rows": None, "first_rows": []}
    try:
        files = _files(folder, name)
        if not files:
            log.warning("The file %s of a data tap is not in %s. Has the data flow run?", name, folder)
            return nothing
        count, first = 0, list[dict[str, str]]()
        for path in files:
            for row in read_rows(path):
                count += 1
                if len(first) < MAX_RETURNED_ROWS:
                    first.append(row)
    except (OSError, UnicodeError, csv.Error) as error:
        log.warning(
            "The file %s of a data tap in %s cannot be read (%s). The execution has succeeded, so the task does too. "
            "Check that this worker may read the folder, and that nothing else writes to the file.",
            name,
            folder,
            error,
        )
        return nothing
    log.info("Data tap %s: %d rows.", name, count)
    return {"file": name, "rows": count, "first_rows": first}


def _files(folder: Path, name: str) -> list[Path]:
    """The files of a data tap: one for each iteration of a data flow in a loop, ``1_rows.csv``, ``2_rows.csv``.

    A number in brackets avoids the name of a file that exists: ``rows[1].csv``.
    """
    path = Path(name)
    pattern = re.compile(rf"(?:(\d+)_)?{re.escape(path.stem)}(?:\[(\d+)\])?{re.escape(path.suffix)}")
    matches = ((pattern.fullmatch(each.name), each) for each in folder.glob(f"*{glob.escape(path.stem)}*"))
    found = [([int(number or 0) for number in match.groups()], each) for match, each in matches if match is not None]
    return [each for _, each in sorted(found) if each.is_file()]


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a data tap's file, as mappings of columns to texts.

    :param path: the file.
    :raises OSError: it cannot be read.
    :raises UnicodeError: it is neither UTF-16 with its mark nor UTF-8.
    :raises csv.Error: it has a line that CSV cannot have.
    """
    with path.open("rb") as file:
        start = file.read(2)
    encoding = "utf-16" if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    with path.open(newline="", encoding=encoding) as text:
        yield from csv.DictReader(text)

"""Raw files between data flows of the engine: Arrow's file format, with the SSIS types of the columns.

The form of the raw files of Integration Services is not documented, so they are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from airflow_provider_ssis.datatypes import LARGE_OBJECTS
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.rows import RowColumn
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.expressions.arrow import arrow_type

NO_NAME, CANNOT_OPEN, CANNOT_WRITE, BAD_HEADER = 0xC020205A, 0xC020205B, 0xC020205D, 0xC020205E
EXISTS, CANNOT_APPEND, OTHER_TYPE, MISSING_COLUMN, LARGE_OBJECT = (
    0xC020205F,
    0xC0202060,
    0xC0202064,
    0xC0202065,
    0xC020206A,
)
_MAGIC = b"ARROW1"
_MARK = {b"ssis raw file": b"1"}
_TYPE = b"ssis type"
_OF_VARIABLE = "1"


@dataclass(frozen=True, slots=True)
class RawFile:
    """A raw file.

    :param columns: the SSIS type of each column, as a cast writes it, by name.
    """

    path: Path
    columns: dict[str, str]


def path_of(context: TaskContext, plan: ComponentPlan) -> Path:
    """Return the path of the file of a component.

    :raises TaskFailure: 0xC020205A, none is chosen.
    """
    text = plan.text("FileName")
    if plan.text("AccessMode", "0") == _OF_VARIABLE:
        variable = plan.text("FileNameVariable")
        text = str(context.read(variable) or "") if variable else ""
    if not text.strip():
        raise TaskFailure(f"{plan.stored.name} has no file name. Choose one.", NO_NAME)
    return context.connections.path(text)


def check_types(plan: ComponentPlan, columns: tuple[RowColumn, ...]) -> None:
    """Check that no column is a large object, which raw files do not have.

    :raises TaskFailure: 0xC020206A.
    """
    for column in columns:
        if column.type.code in LARGE_OBJECTS:
            raise TaskFailure(
                f"{plan.stored.name} cannot write the column {column.name}: raw files have no {column.type.code.name}. "
                "Convert it, or leave it out.",
                LARGE_OBJECT,
            )


def schema_of(columns: tuple[RowColumn, ...]) -> pa.Schema:
    """Return the schema of a file with columns."""
    fields = [
        pa.field(column.name, arrow_type(column.type), metadata={_TYPE: str(column.type).encode()})
        for column in columns
    ]
    return pa.schema(fields, metadata=_MARK)


@contextmanager
def open_raw_file(path: Path) -> Iterator[tuple[RawFile, pa.ipc.RecordBatchFileReader]]:
    """Open a raw file that the engine has written.

    :raises TaskFailure: 0xC020205B, it does not exist; 0xC020205E, it is none of the engine.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise TaskFailure(
                    f"{path} is not a raw file of this engine. Write it again with the engine: the format of files of "
                    "Integration Services is not documented.",
                    BAD_HEADER,
                )
        # A memory map of a damaged or shortened file would end the process.
        source = pa.OSFile(str(path))
    except OSError as error:
        raise TaskFailure(f"The raw file {path} cannot be opened: {error.strerror}.", CANNOT_OPEN) from error
    with source:
        try:
            reader = pa.ipc.open_file(source)
            types = {field.name: (field.metadata or {}).get(_TYPE, b"").decode() for field in reader.schema}
        except (pa.ArrowException, OSError, UnicodeError) as error:
            raise _damaged(path) from error
        if not _MARK.items() <= (reader.schema.metadata or {}).items():
            raise TaskFailure(f"{path} is an Arrow file, but no raw file of this engine.", BAD_HEADER)
        yield RawFile(path, types), reader


def batches_of(file: RawFile, reader: pa.ipc.RecordBatchFileReader) -> Iterator[pa.RecordBatch]:
    """Yield the rows of an open raw file.

    :raises TaskFailure: 0xC020205E, it is damaged.
    """
    for index in range(reader.num_record_batches):
        try:
            batch = reader.get_batch(index)
            batch.validate(full=True)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(file.path) from error
        yield batch


def _damaged(path: Path) -> TaskFailure:
    return TaskFailure(f"The raw file {path} is damaged or incomplete. Write it again.", BAD_HEADER)

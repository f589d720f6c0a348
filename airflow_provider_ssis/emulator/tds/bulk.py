"""A bulk load: the rows that a client sends after INSERT BULK (MS-TDS, 2.2.6.1), part by part."""

from __future__ import annotations

from typing import Final

import numpy as np

from airflow_provider_ssis.emulator.datatypes import MAX, Column
from airflow_provider_ssis.emulator.session import BulkRows
from airflow_provider_ssis.emulator.tds.bulk_layout import Layout, Prefix, Walk, values_of, walker
from airflow_provider_ssis.emulator.tds.packets import ProtocolError
from airflow_provider_ssis.emulator.tds.reader import MessageReader
from airflow_provider_ssis.emulator.tds.type_tokens import FIXED
from airflow_provider_ssis.emulator.tds.value_decoding import read_type

_COLUMN_METADATA: Final = 0x81
_DONE: Final = 0xFD
_DONE_SIZE: Final = 13
_NULLABLE: Final = 0x01
_LONGEST_METADATA: Final = 1024 * 1024


class BulkDecoder:
    """Decodes the message of a bulk load."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._columns: tuple[Column, ...] | None = None
        self._layouts: list[Layout] = []
        self._walk: Walk | None = None

    def rows(self, data: bytes, *, last: bool) -> BulkRows | None:
        """The rows that are complete with some more bytes of the message.

        :param last: whether the message ends with them.
        :returns: None where there are none yet.
        :raises ProtocolError: the bytes are not rows.
        """
        self._buffer += data
        if self._columns is None and not self._read_columns(last=last):
            return None
        if self._walk is None or self._columns is None:
            raise ProtocolError("a bulk load without columns")
        starts: list[int] = []
        end = self._walk(self._buffer, 0, len(self._buffer), starts)
        whole = bytes(self._buffer[:end])
        del self._buffer[:end]
        if last:
            self._check_end()
        if not starts and not last:
            return None
        return _decoded(whole, starts, self._columns, self._layouts)

    def _check_end(self) -> None:
        rest = self._buffer
        if rest and (rest[0] != _DONE or len(rest) > _DONE_SIZE):
            raise ProtocolError(f"a bulk load ends with {len(rest)} bytes that are not a row")

    def _read_columns(self, *, last: bool) -> bool:
        """Read the metadata.

        :returns: whether it is complete.
        """
        reader = MessageReader(bytes(self._buffer[:_LONGEST_METADATA]))
        try:
            columns, layouts = _columns(reader)
        except ProtocolError:
            if last or len(self._buffer) >= _LONGEST_METADATA:
                raise
            return False
        del self._buffer[: reader.position]
        self._columns, self._layouts, self._walk = columns, layouts, walker(layouts)
        return True


def _columns(reader: MessageReader) -> tuple[tuple[Column, ...], list[Layout]]:
    if reader.u8() != _COLUMN_METADATA:
        raise ProtocolError("a bulk load begins without column metadata")
    columns, layouts = [], []
    for _ in range(reader.u16()):
        reader.u32()
        flags = reader.u16()
        token = reader.peek()
        wire = read_type(reader)
        columns.append(Column(reader.b_varchar(), wire.type, nullable=bool(flags & _NULLABLE)))
        layouts.append(_layout(token, columns[-1]))
    if not columns:
        raise ProtocolError("a bulk load without columns")
    return tuple(columns), layouts


def _layout(token: int, column: Column) -> Layout:
    if token in FIXED:
        return Layout(Prefix.NONE, FIXED[token][1])
    name = column.type.name
    if name == "xml" or column.type.length == MAX:
        return Layout(Prefix.CHUNKS)
    if name in _SHORT:
        return Layout(Prefix.SHORT)
    if name in ("text", "ntext", "image", "sql_variant") or column.type.schema is not None:
        raise ProtocolError(f"a column of type {name} in a bulk load is not supported")
    return Layout(Prefix.BYTE)


_SHORT: Final = ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary")


def _decoded(data: bytes, starts: list[int], columns: tuple[Column, ...], layouts: list[Layout]) -> BulkRows:
    # Only a bulk load needs pyarrow, which takes a tenth of a second to import.
    from airflow_provider_ssis.emulator.tds.bulk_values import to_arrow

    found = values_of(data or b"\0", np.array(starts, np.int64), layouts)
    arrays = [
        to_arrow(column.type, layout, data or b"\0", values)
        for column, layout, values in zip(columns, layouts, found, strict=True)
    ]
    return BulkRows(columns, tuple(array for array, _ in arrays), tuple(longest for _, longest in arrays), len(starts))

"""The schema rowsets of OLE DB, from the catalog functions of ODBC.

Source of the columns: the OLE DB specification, "Schema Rowsets". What ODBC does not know, such as dates of creation,
is NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyodbc

Row = tuple[Any, ...]
_GUID = "c8b522{}-5cf3-11ce-ade5-00aa0044773d"
_TYPES: Mapping[int, int] = {
    -7: 11,
    -6: 17,
    5: 2,
    4: 3,
    -5: 20,
    7: 4,
    6: 5,
    8: 5,
    2: 131,
    3: 131,
    1: 129,
    12: 129,
    -1: 129,
    -8: 130,
    -9: 130,
    -10: 130,
    -2: 128,
    -3: 128,
    -4: 128,
    -11: 72,
    9: 133,
    91: 133,
    92: 134,
    -154: 145,
    11: 135,
    93: 135,
    -155: 146,
}
"""The types of OLE DB (DBTYPE) by those of ODBC."""
_MONEY = 6
_DECIMALS, _TEXTS, _BINARY, _TIMES = (131, _MONEY), (129, 130), (128,), (134, 145, 135, 146)
_REALS = (4, 5)
_INTEGERS = (17, 2, 3, 20)
_NOT_NULL = 0


@dataclass(frozen=True, slots=True)
class SchemaRowset:
    """A rowset.

    :param name: its name in ADO.NET.
    :param guid: its id in OLE DB.
    :param rows: returns its rows.
    """

    name: str
    guid: str
    rows: Callable[[pyodbc.Cursor], Iterator[Row]]


def _padded(row: Sequence[Any], count: int) -> Row:
    return (*row, *[None] * (count - len(row)))


def _tables(cursor: pyodbc.Cursor) -> Iterator[Row]:
    """Catalog, schema, name, type, GUID, description, PROPID, and the dates of creation and change."""
    for catalog, schema, name, kind, *rest in cursor.tables().fetchall():
        yield _padded((catalog, schema, name, kind, None, rest[0] if rest else None), 9)


def _views(cursor: pyodbc.Cursor) -> Iterator[Row]:
    """Catalog, schema, name, definition, check option, whether it can be updated, description, and the dates."""
    for catalog, schema, name, _kind, *rest in cursor.tables(tableType="VIEW").fetchall():
        yield _padded((catalog, schema, name, None, None, None, rest[0] if rest else None), 9)


def _catalogs(cursor: pyodbc.Cursor) -> Iterator[Row]:
    """Name and description."""
    for catalog, *_ in cursor.tables(table="", catalog="%", schema="").fetchall():
        yield (catalog, None)


def _schemata(cursor: pyodbc.Cursor) -> Iterator[Row]:
    """Catalog, name, owner, and three columns for a character set."""
    import pyodbc

    catalog = cursor.connection.getinfo(pyodbc.SQL_DATABASE_NAME)
    for _catalog, schema, *_ in cursor.tables(table="", catalog="", schema="%").fetchall():
        yield _padded((catalog, schema), 6)


def _procedures(cursor: pyodbc.Cursor) -> Iterator[Row]:
    """Catalog, schema, name, type, definition, description, and the dates."""
    for catalog, schema, name, _inputs, _outputs, _sets, remarks, *kinds in cursor.procedures().fetchall():
        # 0 unknown, 1 procedure and 2 function of ODBC are 1 to 3 in OLE DB.
        kind = None if not kinds or kinds[0] is None else kinds[0] + 1
        yield _padded((catalog, schema, name, kind, None, remarks), 8)


def _columns(cursor: pyodbc.Cursor) -> Iterator[Row]:
    """Names, position, default, whether it can be NULL, type, lengths, precision and scale, and nine more columns."""
    for row in cursor.columns().fetchall():
        catalog, schema, table, column, sql_type, type_name, size, _length, digits = row[:9]
        nullable, remarks, default, _type, _sub, octets, position = row[10:17]
        code = _MONEY if str(type_name).lower() in ("money", "smallmoney") else _TYPES.get(sql_type)
        is_text = code in _TEXTS
        has_precision = code in _DECIMALS or code in _INTEGERS or code in _REALS
        yield _padded(
            (
                catalog,
                schema,
                table,
                column,
                None,
                None,
                position,
                default is not None,
                default,
                None,
                nullable != _NOT_NULL,
                code,
                None,
                size if is_text or code in _BINARY else None,
                octets if is_text or code in _BINARY else None,
                size if has_precision else None,
                digits if code in _DECIMALS else None,
                digits if code in _TIMES else None,
                *[None] * 9,
                remarks,
            ),
            28,
        )


_ROWSETS = (
    SchemaRowset("Tables", _GUID.format("29"), _tables),
    SchemaRowset("Views", _GUID.format("2d"), _views),
    SchemaRowset("Columns", _GUID.format("14"), _columns),
    SchemaRowset("Catalogs", _GUID.format("11"), _catalogs),
    SchemaRowset("Schemata", _GUID.format("25"), _schemata),
    SchemaRowset("Procedures", _GUID.format("24"), _procedures),
)
NAMES = tuple(each.name for each in _ROWSETS)
"""The names of the rowsets."""


def schema_rowset(text: str) -> SchemaRowset | None:
    """Return a rowset by its name or GUID, in any case; None if it is not supported."""
    wanted = text.strip("{} ").lower()
    return next((each for each in _ROWSETS if wanted in (each.name.lower(), each.guid)), None)

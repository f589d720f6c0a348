"""The types of columns: their names in expressions, their OLE DB codes, and their names in data flows."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ssis.project.errors import BuildError


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A type of columns.

    :param name: its name in expressions: ``DT_WSTR``.
    :param code: its OLE DB code, as in flat files and parameters of OLE DB.
    :param pipeline_name: its name in data flows of formats 6 and 8: ``wstr``.
    :param parts: which of ``length``, ``precision``, ``scale`` and ``code_page`` a column of the type has.
    """

    name: str
    code: int
    pipeline_name: str
    parts: tuple[str, ...] = ()


COLUMN_TYPES = {
    each.name: each
    for each in (
        ColumnType("DT_I1", 16, "i1"),
        ColumnType("DT_I2", 2, "i2"),
        ColumnType("DT_I4", 3, "i4"),
        ColumnType("DT_I8", 20, "i8"),
        ColumnType("DT_UI1", 17, "ui1"),
        ColumnType("DT_UI2", 18, "ui2"),
        ColumnType("DT_UI4", 19, "ui4"),
        ColumnType("DT_UI8", 21, "ui8"),
        ColumnType("DT_R4", 4, "r4"),
        ColumnType("DT_R8", 5, "r8"),
        ColumnType("DT_CY", 6, "cy"),
        ColumnType("DT_DATE", 7, "date"),
        ColumnType("DT_BOOL", 11, "bool"),
        ColumnType("DT_DECIMAL", 14, "decimal", ("scale",)),
        ColumnType("DT_NUMERIC", 131, "numeric", ("precision", "scale")),
        ColumnType("DT_GUID", 72, "guid"),
        ColumnType("DT_BYTES", 128, "bytes", ("length",)),
        ColumnType("DT_STR", 129, "str", ("length", "code_page")),
        ColumnType("DT_WSTR", 130, "wstr", ("length",)),
        ColumnType("DT_DBDATE", 133, "dbDate"),
        ColumnType("DT_DBTIME", 134, "dbTime"),
        ColumnType("DT_DBTIMESTAMP", 135, "dbTimeStamp"),
        ColumnType("DT_DBTIME2", 145, "dbTime2", ("scale",)),
        ColumnType("DT_DBTIMESTAMP2", 304, "dbTimeStamp2", ("scale",)),
        ColumnType("DT_DBTIMESTAMPOFFSET", 146, "dbTimeStampoffset", ("scale",)),
        ColumnType("DT_IMAGE", 301, "image"),
        ColumnType("DT_TEXT", 302, "text", ("code_page",)),
        ColumnType("DT_NTEXT", 303, "nText"),
    )
}
"""The types by name. Source: ``DataType`` of the pipeline's object model, and files of format 8."""


def column_type(name: str, owner: str) -> ColumnType:
    """Return the type with a name.

    :param name: ``DT_WSTR``, ...
    :param owner: the column, for errors.
    :raises BuildError: there is no such type.
    """
    if name not in COLUMN_TYPES:
        known = ", ".join(COLUMN_TYPES)
        raise BuildError(f"the column {owner} has the unknown type {name!r}", advice=f"Types: {known}")
    return COLUMN_TYPES[name]

"""The values that a Flat File connection manager can have; others would be read as the default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.project.dts import dts_text
from airflow_provider_ssis.project.package.elements import BOOLEANS

FLAT_FILES: Final = ("FLATFILE", "MULTIFLATFILE")
_NUMBERS: Final = ("CodePage", "DataRowsToSkip", "HeaderRowsToSkip", "LocaleID")
_BOOLEANS: Final = ("AlwaysCheckForRowDelimiters", "ColumnNamesInFirstDataRow", "Unicode")
_FORMATS: Final = ("Delimited", "FixedWidth", "RaggedRight", "Mixed")
_WITHOUT_EFFECT: Final = frozenset(
    {"ConnectionString", "FileUsageType", "FileType", "Retain", "RowDelimiter", "HeaderRowDelimiter", "TextQualifier"}
    | {"ConnectByProxy"}
)
"""Texts, and properties that other components or only Azure use. The row delimiter is that of the last column."""
_KNOWN: Final = _WITHOUT_EFFECT.union(_NUMBERS, _BOOLEANS, ("Format",))
_COLUMN_TYPES: Final = ("", "Delimited", "FixedWidth")


def wrong_values(connection: RunConnection) -> Iterator[tuple[str, str, str]]:
    """Yield the properties of a Flat File connection manager with a value that the engine would ignore.

    :param connection: a connection manager of the type FLATFILE or MULTIFLATFILE.
    :returns: for each the name of the property, the property with its value, and why it is wrong.
    """
    found: Mapping[str, str] = connection.properties
    for name, stored in found.items():
        text = stored.strip()
        what = f"the property {name} with the value {text!r}"
        if not text:
            continue
        if name in _NUMBERS and not text.isdecimal() and (name, text) != ("LocaleID", "-1"):
            yield name, what, "it is not a whole number of 0 or more"
        elif name in _BOOLEANS and text.lower() not in BOOLEANS:
            yield name, what, "it is not a Boolean"
        elif name == "Format" and text not in _FORMATS:
            yield name, what, f"the formats are {', '.join(_FORMATS)}"
        elif name not in _KNOWN:
            yield name, what, "the engine does not know this property of a flat file"
    for column in connection.columns:
        what = f"the column {column.name!r} of the type {column.column_type!r}"
        if column.column_type not in _COLUMN_TYPES:
            yield "Columns", what, "the types are Delimited and FixedWidth"
        text = dts_text(column.element, "TextQualified").strip()
        if text and text.lower() not in BOOLEANS:
            what = f"the property TextQualified of the column {column.name!r} with the value {text!r}"
            yield "Columns", what, "it is not a Boolean"

"""The element of a flat file with its columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.project.builder.column_types import BUILT_TYPES, TYPE_NAMES, column_type
from airflow_provider_ssis.project.builder.xml import element, escaped, guid
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.connections import FlatFileColumn as StoredColumn
from airflow_provider_ssis.project.package.elements import is_true, unescaped

if TYPE_CHECKING:
    from lxml.etree import _Element

_FORMATS = ("Delimited", "FixedWidth", "RaggedRight")


@dataclass(frozen=True, slots=True)
class FlatFileColumn:
    """A column of a flat file.

    :param data_type: the type of the column: ``DT_WSTR``, ``DT_I4``, ... Default: ``DT_WSTR``.
    :param length: the length of a text, in characters. Default: 50.
    :param width: the width of a column in a file of fixed width, in characters. Default: the length.
    :param precision: the precision of DT_NUMERIC. Default: 18.
    :param scale: the scale of DT_NUMERIC and DT_DECIMAL. Default: 0.
    :param text_qualified: whether the file puts the text qualifier around its values. Default: True.
    """

    name: str
    data_type: str = "DT_WSTR"
    length: int = 50
    width: int = 0
    precision: int = 18
    scale: int = 0
    text_qualified: bool = True


@dataclass(frozen=True, slots=True)
class FlatFile:
    """The format of a flat file. The fields are the arguments of ``ConnectionManagers.add_flat_file``."""

    name: str
    path: str
    columns: tuple[FlatFileColumn, ...]
    column_delimiter: str
    row_delimiter: str
    file_format: str
    header: bool
    header_rows_to_skip: int
    data_rows_to_skip: int
    text_qualifier: str
    code_page: int
    unicode: bool
    locale_id: int


def flat_file(found: FlatFile, part: str, scope: tuple[str, ...]) -> _Element:
    """Return the inner element of the connection manager of a flat file.

    :param found: the format of the file.
    :param part: the file that contains the connection manager, for errors.
    :param scope: the names that make ids unique.
    :raises BuildError: there are no columns, two have one name, or a type or the format is unknown.
    """
    names = [column.name.casefold() for column in found.columns]
    if not names or len(set(names)) < len(names) or "" in names:
        raise BuildError(f"the flat file {found.name} needs columns with different names", part=part)
    if found.file_format not in _FORMATS:
        raise BuildError(
            f"the flat file {found.name} has the unknown format {found.file_format!r}",
            part=part,
            advice=f"Formats: {', '.join(_FORMATS)}",
        )
    made = element(
        "ConnectionManager",
        {
            "Format": found.file_format,
            "LocaleID": found.locale_id,
            "Unicode": found.unicode,
            "HeaderRowsToSkip": found.header_rows_to_skip or None,
            "HeaderRowDelimiter": escaped(found.row_delimiter),
            "ColumnNamesInFirstDataRow": found.header,
            "RowDelimiter": "" if found.file_format == "Delimited" else escaped(found.row_delimiter),
            "DataRowsToSkip": found.data_rows_to_skip or None,
            "TextQualifier": escaped(found.text_qualifier),
            "CodePage": found.code_page,
            "ConnectionString": found.path or None,
        },
    )
    listed = element("FlatFileColumns")
    last = len(found.columns) - 1
    listed.extend([_column(found, each, scope, is_last=at == last) for at, each in enumerate(found.columns)])
    made.append(listed)
    return made


def _column(file: FlatFile, column: FlatFileColumn, scope: tuple[str, ...], *, is_last: bool) -> _Element:
    found = column_type(column.data_type, f"{file.name}.{column.name}")
    is_fixed = file.file_format == "FixedWidth" or (file.file_format == "RaggedRight" and not is_last)
    delimiter = file.row_delimiter if is_last else file.column_delimiter
    return element(
        "FlatFileColumn",
        {
            "ColumnType": "FixedWidth" if is_fixed else "Delimited",
            "ColumnDelimiter": None if is_fixed else escaped(delimiter),
            "ColumnWidth": (column.width or column.length) if is_fixed else None,
            "MaximumWidth": column.length if "length" in found.parts else None,
            "DataType": found.code,
            "DataPrecision": column.precision if "precision" in found.parts else None,
            "DataScale": (column.scale or None) if "scale" in found.parts else None,
            "TextQualified": column.text_qualified,
            "ObjectName": column.name,
            "DTSID": guid(*scope, "connection", file.name, "column", column.name),
            "CreationName": "",
        },
    )


def stored_flat_file(found: DtsConnectionManager) -> FlatFile | None:
    """Return the format of a flat file that was read; None for another connection manager, or an unknown type.

    :param found: the connection manager.
    """
    codes = [each.data_type for each in found.columns]
    if not codes or not set(codes) <= set(TYPE_NAMES):
        return None
    stored = found.properties
    last = found.columns[-1]
    first = found.columns[0]
    code_page = stored.get("CodePage", "")
    locale_id = stored.get("LocaleID", "")
    return FlatFile(
        name=found.name,
        path=found.connection_string,
        columns=tuple(_stored_column(each) for each in found.columns),
        column_delimiter=first.delimiter if len(found.columns) > 1 else ",",
        row_delimiter=last.delimiter or unescaped(stored.get("RowDelimiter", "")),
        file_format=stored.get("Format", "Delimited"),
        header=is_true(stored.get("ColumnNamesInFirstDataRow")),
        header_rows_to_skip=int(stored.get("HeaderRowsToSkip") or 0),
        data_rows_to_skip=int(stored.get("DataRowsToSkip") or 0),
        text_qualifier=unescaped(stored.get("TextQualifier", "<none>")),
        code_page=int(code_page) if code_page.isdecimal() else 1252,
        unicode=is_true(stored.get("Unicode")),
        locale_id=int(locale_id) if locale_id.isdecimal() else 1033,
    )


def _stored_column(found: StoredColumn) -> FlatFileColumn:
    name = TYPE_NAMES[found.data_type]
    parts = BUILT_TYPES[name].parts
    values: dict[str, Any] = {"length": found.maximum_width, "precision": found.precision, "scale": found.scale}
    width = found.width if found.width != found.maximum_width else 0
    made = FlatFileColumn(found.name, name, width=width, text_qualified=found.text_qualified)
    return replace(made, **{each: values[each] for each in parts if each in values})

"""The format of a flat file, as its connection manager describes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.flat_file_values import wrong_values
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.expressions.text import codec
from airflow_provider_ssis.project.package.elements import is_true, unescaped

UTF_8, UTF_7 = 65001, 65000
_NO_QUALIFIER = ("", "<none>")
_ASCII = bytes(range(128))
_MULTIBYTE = frozenset({932, 936, 949, 950, 1361, 54936, 20932, 51949, 50220})
"""Code pages in which a byte of a delimiter can be the second byte of a character."""


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a file.

    :param delimiter: the text after it; empty for a fixed width.
    :param width: of a column with fixed width: bytes, or UTF-16 units of a Unicode file. Else 0.
    :param qualified: whether the text qualifier is around its values.
    """

    name: str
    delimiter: str
    width: int
    qualified: bool


@dataclass(frozen=True, slots=True)
class FileFormat:
    """The format of a flat file.

    :param columns: its columns. The delimiter of the last one ends the row.
    :param is_unicode: whether it is UTF-16 (little endian) instead of text in the code page.
    :param header_rows: lines to skip before anything else.
    :param header_delimiter: the end of these lines, and of the row with the names.
    :param has_names: whether the names of the columns are in the first row.
    :param rows_to_skip: data rows to skip.
    :param qualifier: the text qualifier; empty for none.
    :param checks_rows: whether the end of a row also counts in front of the last column.
    """

    columns: tuple[FileColumn, ...]
    code_page: int
    is_unicode: bool
    header_rows: int
    header_delimiter: str
    has_names: bool
    rows_to_skip: int
    qualifier: str
    checks_rows: bool
    locale_id: int

    @property
    def encoding(self) -> str:
        """Python's name of the encoding.

        :raises ValueError: the code page is not known.
        """
        if self.is_unicode:
            return "utf-16-le"
        found = codec(self.code_page)
        if found is None:
            raise ValueError(f"the code page {self.code_page} is not supported")
        return found.name

    @property
    def extends_ascii(self) -> bool:
        """Whether ASCII text has the same bytes in the file: not in UTF-16, and not in code pages of EBCDIC."""
        return not self.is_unicode and _ASCII.decode(self.encoding, "replace") == _ASCII.decode()

    @property
    def row_delimiter(self) -> str:
        """The end of a row; empty for a fixed width."""
        return self.columns[-1].delimiter

    @property
    def is_delimited(self) -> bool:
        """Whether no column has a fixed width."""
        return not any(column.width for column in self.columns)

    @property
    def is_byte_safe(self) -> bool:
        """Whether a delimiter in the file's bytes is a delimiter in its text."""
        return not self.is_unicode and self.code_page not in _MULTIBYTE and self.code_page != UTF_7


def _number(text: str) -> int:
    return int(text) if text.strip().isdecimal() else 0


def read_format(connection: RunConnection) -> FileFormat:
    """Read the format of a flat file.

    :param connection: a connection manager of the type FLATFILE or MULTIFLATFILE.
    :raises TaskFailure: a property has a wrong value.
    """
    for _, what, why in wrong_values(connection):
        raise TaskFailure(f'The connection manager "{connection.name}" has {what}: {why}.')
    properties = connection.properties
    is_ragged = properties.get("Format", "Delimited") == "RaggedRight"
    columns = []
    for index, column in enumerate(connection.columns):
        is_last = index == len(connection.columns) - 1
        is_fixed = column.column_type != "Delimited" and not (is_ragged and is_last and column.delimiter)
        delimiter = "" if is_fixed else column.delimiter
        columns.append(FileColumn(column.name, delimiter, column.width if is_fixed else 0, column.text_qualified))
    qualifier = unescaped(properties.get("TextQualifier", ""))
    row_delimiter = columns[-1].delimiter if columns else ""
    header_delimiter = unescaped(properties.get("HeaderRowDelimiter", "")) or row_delimiter
    return FileFormat(
        tuple(columns),
        _number(properties.get("CodePage", "")) or 1252,
        is_true(properties.get("Unicode")),
        _number(properties.get("HeaderRowsToSkip", "")),
        header_delimiter or "\r\n",
        is_true(properties.get("ColumnNamesInFirstDataRow")),
        _number(properties.get("DataRowsToSkip", "")),
        "" if qualifier in _NO_QUALIFIER else qualifier,
        is_true(properties.get("AlwaysCheckForRowDelimiters"), default=True),
        _number(properties.get("LocaleID", "")) or 1033,
    )


def problems(found: FileFormat) -> Iterator[str]:
    """Yield why a file of a format cannot be read or written."""
    if not found.columns:
        yield "it has no columns"
    for column in found.columns:
        if not column.delimiter and not column.width:
            yield f"its column {column.name!r} has neither a delimiter nor a width"
    try:
        found.encoding  # noqa: B018 the check is the purpose
    except ValueError as error:
        yield str(error)

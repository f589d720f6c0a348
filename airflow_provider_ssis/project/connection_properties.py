"""The properties that connection managers have in Microsoft's object model, for property paths and expressions.

Names are compared without case. A type that is not listed is another vendor's: all its properties are accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _names(text: str) -> dict[str, str]:
    return {name.lower(): name for name in text.split()}


_ALL: Final = _names(
    "ConnectionString CreationName DelayValidation Description HostType ID Name OfflineMode ProtectionLevel Qualifier"
    " Scope SupportsDTCTransactions"
)
_DATABASE: Final = _names("InitialCatalog Password RetainSameConnection ServerName UserName")
_FLAT_FILE: Final = _names(
    "CodePage ColumnDelimiter ColumnNamesInFirstDataRow ColumnType DataRowsToSkip FileName FileUsageType Format"
    " HeaderRowDelimiter HeaderRowsToSkip LocaleID RowDelimiter TextQualifier Unicode"
)
_TYPES: Final[Mapping[str, Mapping[str, str]]] = {
    "oledb": _DATABASE,
    "ado": _DATABASE,
    "odbc": _DATABASE,
    "ado.net": _DATABASE,
    "flatfile": _FLAT_FILE,
    "multiflatfile": _FLAT_FILE,
    "file": _names("FileUsageType"),
    "excel": _DATABASE | _names("ExcelFilePath ExcelVersionNumber FirstRowHasColumnName"),
    "smtp": _names("EnableSsl SmtpServer TimeOut UseWindowsAuthentication"),
    "ftp": _names("ChunkSize Retries ServerName ServerPassword ServerPort ServerUserName TimeOut UsePassiveMode"),
}


def properties_of_connection(creation_name: str) -> Mapping[str, str] | None:
    """Return the properties of a connection manager by their names in lower case; None for an unknown type.

    :param creation_name: the type, such as ``OLEDB`` or ``ADO.NET:System.Data.SqlClient.SqlConnection, …``.
    """
    own = _TYPES.get(creation_name.partition(":")[0].lower())
    return None if own is None else {**_ALL, **own}

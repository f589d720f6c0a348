"""Which casts exist."""

from __future__ import annotations

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.expressions.text import codec

_T = DataTypeCode

_COLUMNS = (
    "I1 I2 I4 R4 R8 CY DATE BOOL NUMERIC DECIMAL UI1 UI2 UI4 I8 UI8 GUID BYTES STR WSTR DBDATE DBTIME DBTIME2 "
    "DBTIMESTAMP DBTIMESTAMP2 DBTIMESTAMPOFFSET FILETIME IMAGE TEXT NTEXT"
).split()
_SMALL = "I1 I2 I4 R4 R8 CY BOOL NUMERIC DECIMAL UI1 UI2 UI4 I8 UI8"
_STORED = "DATE DBDATE DBTIME DBTIMESTAMP"
_CALENDAR = "DATE DBDATE DBTIME DBTIME2 DBTIMESTAMP DBTIMESTAMP2 DBTIMESTAMPOFFSET"

# Source: the diagram on Microsoft's page on the cast operator. The page's examples and packages also cast between text
# and the three types with a scale, which the diagram lacks.
_LEGAL_TEXT = {
    "I1 I2 R4 R8 UI1 UI2": f"{_SMALL} {_STORED} STR WSTR",
    "I4 UI4": f"{_SMALL} {_STORED} BYTES STR WSTR",
    "CY BOOL NUMERIC": f"{_SMALL} STR WSTR",
    "BOOL NUMERIC": "DATE",
    "DECIMAL": f"{_SMALL} DBDATE DBTIME DBTIMESTAMP STR WSTR",
    "I8 UI8": f"{_SMALL} BYTES STR WSTR FILETIME",
    "DATE": f"I1 I2 I4 R4 R8 BOOL NUMERIC UI1 UI2 UI4 I8 UI8 STR WSTR {_CALENDAR}",
    "DBDATE DBTIME DBTIMESTAMP": f"STR WSTR {_CALENDAR} FILETIME",
    "DBTIME2 DBTIMESTAMP2 DBTIMESTAMPOFFSET": f"STR WSTR {_CALENDAR} FILETIME",
    "FILETIME": f"I8 UI8 STR WSTR {_CALENDAR} FILETIME",
    "GUID": "GUID BYTES STR WSTR",
    "BYTES": "R4 UI4 I8 UI8 GUID BYTES STR WSTR IMAGE TEXT NTEXT",
    "STR WSTR": f"{_SMALL} GUID BYTES STR WSTR {_CALENDAR} FILETIME IMAGE TEXT NTEXT",
    "IMAGE": "BYTES IMAGE TEXT NTEXT",
    "TEXT": "STR IMAGE TEXT NTEXT",
    "NTEXT": "WSTR IMAGE TEXT NTEXT",
}
LEGAL: dict[DataTypeCode, frozenset[DataTypeCode]] = {
    DataTypeCode[f"DT_{source}"]: frozenset(
        DataTypeCode[f"DT_{target}"]
        for sources, targets in _LEGAL_TEXT.items()
        if source in sources.split()
        for target in targets.split()
    )
    for source in _COLUMNS
}
"""The types to which each type can be cast."""


def code_pages_differ(source: ColumnType, target: ColumnType) -> bool:
    """Whether a cast goes from one code page to another, which does not exist."""
    coded = (_T.DT_STR, _T.DT_TEXT)
    return source.code in coded and target.code in coded and source.code_page != target.code_page


def known_code_page(code_page: int) -> bool:
    """Whether a number is a code page for DT_STR and DT_TEXT."""
    return codec(code_page) is not None

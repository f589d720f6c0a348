"""The data types of data flow columns and expressions, with Microsoft's names and codes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class DataTypeCode(IntEnum):
    """The enumeration ``DataType`` of Integration Services: names, and codes in packages of format 2 and 3."""

    DT_EMPTY = 0
    DT_NULL = 1
    DT_I2 = 2
    DT_I4 = 3
    DT_R4 = 4
    DT_R8 = 5
    DT_CY = 6
    DT_DATE = 7
    DT_BOOL = 11
    DT_DECIMAL = 14
    DT_I1 = 16
    DT_UI1 = 17
    DT_UI2 = 18
    DT_UI4 = 19
    DT_I8 = 20
    DT_UI8 = 21
    DT_FILETIME = 64
    DT_GUID = 72
    DT_BYTES = 128
    DT_STR = 129
    DT_WSTR = 130
    DT_NUMERIC = 131
    DT_DBDATE = 133
    DT_DBTIME = 134
    DT_DBTIMESTAMP = 135
    DT_DBTIME2 = 145
    DT_DBTIMESTAMPOFFSET = 146
    DT_IMAGE = 301
    DT_TEXT = 302
    DT_NTEXT = 303
    DT_DBTIMESTAMP2 = 304


_C = DataTypeCode

COLUMN_TYPES: dict[str, DataTypeCode] = {
    "bool": _C.DT_BOOL,
    "i1": _C.DT_I1,
    "i2": _C.DT_I2,
    "i4": _C.DT_I4,
    "i8": _C.DT_I8,
    "ui1": _C.DT_UI1,
    "ui2": _C.DT_UI2,
    "ui4": _C.DT_UI4,
    "ui8": _C.DT_UI8,
    "r4": _C.DT_R4,
    "r8": _C.DT_R8,
    "cy": _C.DT_CY,
    "decimal": _C.DT_DECIMAL,
    "numeric": _C.DT_NUMERIC,
    "str": _C.DT_STR,
    "wstr": _C.DT_WSTR,
    "text": _C.DT_TEXT,
    "nText": _C.DT_NTEXT,
    "image": _C.DT_IMAGE,
    "bytes": _C.DT_BYTES,
    "guid": _C.DT_GUID,
    "date": _C.DT_DATE,
    "dbDate": _C.DT_DBDATE,
    "dbTime": _C.DT_DBTIME,
    "dbTime2": _C.DT_DBTIME2,
    "dbTimeStamp": _C.DT_DBTIMESTAMP,
    "dbTimeStamp2": _C.DT_DBTIMESTAMP2,
    "dbTimeStampOffset": _C.DT_DBTIMESTAMPOFFSET,
    "fileTime": _C.DT_FILETIME,
}
"""The names in the attribute ``dataType`` of columns, in packages of format 6 and 8."""

INTEGER_RANGES: dict[DataTypeCode, tuple[int, int]] = {
    _C.DT_I1: (-(2**7), 2**7 - 1),
    _C.DT_I2: (-(2**15), 2**15 - 1),
    _C.DT_I4: (-(2**31), 2**31 - 1),
    _C.DT_I8: (-(2**63), 2**63 - 1),
    _C.DT_UI1: (0, 2**8 - 1),
    _C.DT_UI2: (0, 2**16 - 1),
    _C.DT_UI4: (0, 2**32 - 1),
    _C.DT_UI8: (0, 2**64 - 1),
}
"""The smallest and the largest value of each integer type."""

SIGNED = frozenset({_C.DT_I1, _C.DT_I2, _C.DT_I4, _C.DT_I8})
UNSIGNED = frozenset({_C.DT_UI1, _C.DT_UI2, _C.DT_UI4, _C.DT_UI8})
INTEGERS = SIGNED | UNSIGNED
REALS = frozenset({_C.DT_R4, _C.DT_R8})
DECIMALS = frozenset({_C.DT_CY, _C.DT_DECIMAL, _C.DT_NUMERIC})
NUMBERS = INTEGERS | REALS | DECIMALS
STRINGS = frozenset({_C.DT_STR, _C.DT_WSTR})
LARGE_OBJECTS = frozenset({_C.DT_TEXT, _C.DT_NTEXT, _C.DT_IMAGE})
DATES = frozenset(
    {
        _C.DT_DATE,
        _C.DT_DBDATE,
        _C.DT_DBTIMESTAMP,
        _C.DT_DBTIMESTAMP2,
        _C.DT_DBTIMESTAMPOFFSET,
        _C.DT_FILETIME,
    }
)
TIMES = frozenset({_C.DT_DBTIME, _C.DT_DBTIME2})

TYPE_PARAMETERS: dict[DataTypeCode, tuple[str, ...]] = {
    _C.DT_STR: ("length", "code_page"),
    _C.DT_WSTR: ("length",),
    _C.DT_BYTES: ("length",),
    _C.DT_TEXT: ("code_page",),
    _C.DT_NUMERIC: ("precision", "scale"),
    _C.DT_DECIMAL: ("scale",),
    _C.DT_DBTIME2: ("scale",),
    _C.DT_DBTIMESTAMP2: ("scale",),
    _C.DT_DBTIMESTAMPOFFSET: ("scale",),
}
"""The fields of :class:`ColumnType` that a type has, in the order in which a cast writes them."""

MAX_WSTR_LENGTH = 4000
"""The longest DT_WSTR, in UTF-16 units."""

MAX_BYTES_LENGTH = 8000
"""The longest DT_STR and DT_BYTES, in bytes."""

MAX_PRECISION = 38
"""The most digits of DT_NUMERIC."""

MAX_DECIMAL_SCALE = 28
"""The most digits after the point of DT_DECIMAL."""

MAX_SECONDS_SCALE = 7
"""The most digits after the point of the seconds of DT_DBTIME2, DT_DBTIMESTAMP2 and DT_DBTIMESTAMPOFFSET."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A data type with its metadata.

    :param code: the data type.
    :param length: UTF-16 units of DT_WSTR, bytes of DT_STR and DT_BYTES. Default: 0, as of all other types.
    :param precision: digits of DT_NUMERIC. Default: 0, as of all other types.
    :param scale: digits after the point of DT_NUMERIC and DT_DECIMAL, or of the seconds of DT_DBTIME2, DT_DBTIMESTAMP2
        and DT_DBTIMESTAMPOFFSET. Default: 0.
    :param code_page: the code page of DT_STR and DT_TEXT. Default: 0, as of all other types.
    """

    code: DataTypeCode
    length: int = 0
    precision: int = 0
    scale: int = 0
    code_page: int = 0

    def __str__(self) -> str:
        """The type as a cast writes it, such as ``DT_STR,10,1252``."""
        parameters = (getattr(self, name) for name in TYPE_PARAMETERS.get(self.code, ()))
        return ",".join([self.code.name, *map(str, parameters)])

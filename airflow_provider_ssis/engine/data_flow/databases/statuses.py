"""The status of a value that a provider read or wrote, and the row error codes of the components."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Statuses = npt.NDArray[np.uint8]
"""The status of each value of a column."""


class ValueStatus(IntEnum):
    """The status of a value."""

    OK = 0
    CONVERSION = 1
    TRUNCATED = 2
    SIGN = 3
    OVERFLOW = 4
    NULL = 5
    INTEGRITY = 6
    PERMISSION = 7
    UNKNOWN = 8


_S = ValueStatus
Codes = Mapping[ValueStatus, int]
"""The row error code of each status."""

SOURCE_CODES: Codes = {
    _S.CONVERSION: 0xC0209072,
    _S.TRUNCATED: 0xC0209073,
    _S.SIGN: 0xC0209074,
    _S.OVERFLOW: 0xC0209075,
    _S.UNKNOWN: 0xC0209071,
}
"""DTS_E_OLEDBSOURCEADAPTERSTATIC_*."""

DESTINATION_CODES: Codes = {
    _S.NULL: 0xC0209076,
    _S.CONVERSION: 0xC0209077,
    _S.TRUNCATED: 0xC0209078,
    _S.SIGN: 0xC0209079,
    _S.OVERFLOW: 0xC020907A,
    _S.UNKNOWN: 0xC020907B,
    _S.PERMISSION: 0xC020907C,
    _S.INTEGRITY: 0xC020907D,
}
"""DTS_E_OLEDBDESTINATIONADAPTERSTATIC_*."""

COMMAND_CODES: Codes = {
    _S.CONVERSION: 0xC0209069,
    _S.NULL: 0xC020906A,
    _S.TRUNCATED: 0xC020906B,
    _S.SIGN: 0xC020906C,
    _S.OVERFLOW: 0xC020906D,
    _S.UNKNOWN: 0xC020906E,
    _S.PERMISSION: 0xC020906F,
    _S.INTEGRITY: 0xC0209070,
}
"""DTS_E_COMMANDDESTINATIONADAPTERSTATIC_*."""


def row_codes(statuses: Statuses, codes: Codes, *, truncated: bool) -> npt.NDArray[np.uint32]:
    """Return the row error codes of a column: those of its truncations, or those of its other errors.

    :param statuses: the status of each value.
    :param codes: the codes of the component.
    :param truncated: whether to return the truncations.
    """
    table = np.zeros(len(ValueStatus), np.uint32)
    for status, code in codes.items():
        if (status is _S.TRUNCATED) == truncated:
            table[status] = code
    found: npt.NDArray[np.uint32] = table[statuses]
    return found

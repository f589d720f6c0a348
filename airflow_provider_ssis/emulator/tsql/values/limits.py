"""Limits on the size of values that queries compute; values that clients send or tables hold may be larger."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.values.errors import out_of_memory

LARGEST_COMPUTED: Final = 32 * 1024 * 1024
"""Characters or bytes of the largest value that a function or operator may return."""

MOST_COMPUTED: Final = 256 * 1024 * 1024
"""Characters and bytes of large values that the functions of one query may return."""

SMALL: Final = 8000
"""Characters or bytes of a value that is not counted: the longest of a type without ``(max)``."""


def check_size(size: int) -> None:
    """Check the size of a value before it is computed.

    :param size: in characters or bytes.
    :raises SqlError: 701, it is too large.
    """
    if size > LARGEST_COMPUTED:
        raise out_of_memory()

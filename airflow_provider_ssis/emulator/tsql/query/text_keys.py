"""The keys of text in DuckDB: functions that compute those of all strings of a batch at once.

``text_order.py`` computes the same keys of one string.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from duckdb.func import ARROW

from airflow_provider_ssis.emulator.tsql.values.text_order import (
    ASCII_OF_CODE_PAGE,
    ASCII_OF_UNICODE,
    ASCII_PLACES,
    SEPARATOR,
    UNWEIGHTED,
    code_page_key,
    unicode_key,
)

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from numpy.typing import NDArray

UNICODE_KEY: Final = "tsql_unicode_key"
CODE_PAGE_KEY: Final = "tsql_code_page_key"
"""The names of the functions in DuckDB. They take text without trailing blanks."""

_SEPARATORS: Final = chr(SEPARATOR) * 2
"""Between the weights and the text of an ASCII string: it has no accents."""


def install(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to DuckDB."""
    for name, function in ((UNICODE_KEY, _unicode_keys), (CODE_PAGE_KEY, _code_page_keys)):
        connection.create_function(name, function, ["VARCHAR"], "VARCHAR", type=ARROW)


# DuckDB evaluates the annotations of these two.
def _unicode_keys(texts: Any) -> Any:
    import pyarrow.compute as pc

    offsets, content = _buffers(texts)
    weights = content.translate(ASCII_OF_UNICODE)
    keys = _strings(offsets, weights)
    if SEPARATOR in weights:
        is_kept = np.frombuffer(weights, np.uint8) > SEPARATOR
        starts = np.concatenate(([0], np.cumsum(is_kept, dtype=np.int32)))[offsets]
        keys = _strings(starts, weights.translate(None, UNWEIGHTED))
        places = _strings(offsets, content.translate(ASCII_PLACES))
        joined = pc.binary_join_element_wise(keys, places, _SEPARATORS)
        keys = pc.if_else(np.diff(starts) != np.diff(offsets), joined, keys)
    return _corrected(keys, offsets, content, weights, unicode_key)


def _code_page_keys(texts: Any) -> Any:
    offsets, content = _buffers(texts)
    weights = content.translate(ASCII_OF_CODE_PAGE)
    return _corrected(_strings(offsets, weights), offsets, content, weights, code_page_key)


def _corrected(
    keys: pa.Array, offsets: NDArray[np.int32], content: bytes, weights: bytes, key: Callable[[str], str]
) -> pa.Array:
    """The keys, of which those of strings with bytes without a weight are computed one by one."""
    if 0 not in weights:
        return keys
    import pyarrow as pa
    import pyarrow.compute as pc

    places = np.flatnonzero(np.frombuffer(weights, np.uint8) == 0)
    rows = np.unique(np.searchsorted(offsets, places, side="right") - 1)
    found = [key(content[offsets[row] : offsets[row + 1]].decode()) for row in rows.tolist()]
    mask = np.zeros(len(keys), np.bool_)
    mask[rows] = True
    return pc.replace_with_mask(keys, pa.array(mask), pa.array(found))


def _buffers(texts: pa.ChunkedArray) -> tuple[NDArray[np.int32], bytes]:
    """Where each string begins, with the end of the last one, and the bytes of all."""
    array = texts.combine_chunks()
    _, starts, content = array.buffers()
    offsets = np.frombuffer(starts, np.int32)[array.offset : array.offset + len(array) + 1]
    data = np.frombuffer(content or b"", np.uint8)[offsets[0] : offsets[-1]]
    return offsets - offsets[0], data.tobytes()


def _strings(offsets: NDArray[np.int32], content: bytes) -> pa.Array:
    import pyarrow as pa

    buffers = [None, pa.py_buffer(offsets.astype(np.int32, copy=False)), pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)

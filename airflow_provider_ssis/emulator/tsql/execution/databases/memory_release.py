"""Frees the memory that DuckDB and the C library keep after queries have ended."""

from __future__ import annotations

import ctypes
import logging
from concurrent.futures import Executor
from typing import Final

import duckdb

log = logging.getLogger(__name__)

_REQUESTS: Final = 1000
"""Requests after which memory is freed again."""
_LEAST: Final = 2_000
"""Bytes of tables in memory that DuckDB must have for it: they stay, and the limit that is set must be below."""


class MemoryRelease:
    """Frees memory after some number of requests.

    DuckDB has a queue of the memory blocks that it can evict when memory runs short. The entry of a block that a query
    has freed holds some hundred bytes until DuckDB cleans the queue, which it does after 32,768 blocks. There are
    several queues, so the memory of a server would grow for many thousands of joins and sorts.

    DuckDB also goes through the whole queue when a memory limit is set that is lower than the memory in use. It then
    refuses the limit and keeps the old one, also meanwhile: queries that run at the same time do not notice.

    :param connection: a connection to the DuckDB instance.
    :param pool: the threads of the server.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, pool: Executor) -> None:
        self._connection = connection
        self._pool = pool
        self._requests = 0

    def count_request(self) -> None:
        """Count a request that has ended; free memory in a thread when it is time."""
        self._requests += 1
        if self._requests >= _REQUESTS:
            self._requests = 0
            self._pool.submit(self.release)

    def release(self) -> None:
        """Free memory now."""
        cursor = self._connection.cursor()
        try:
            if _kept(cursor) > _LEAST:
                limit = cursor.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
                cursor.execute("SET memory_limit = '1KB'")
                cursor.execute(f"SET memory_limit = '{limit}'")  # Not reached: more than that is in use.
        except duckdb.OutOfMemoryException:
            pass  # The queues are clean now.
        except duckdb.Error as error:
            log.warning("freeing memory failed: %s", error)
        finally:
            cursor.close()
        if _TRIM is not None:
            _TRIM(0)


def _kept(cursor: duckdb.DuckDBPyConnection) -> int:
    """Bytes that DuckDB cannot evict: others are blocks of files, and those of queries that may end at any time.

    DuckDB adds up what its threads have counted when it is read. Otherwise it may take a low limit for a high one.
    """
    found = cursor.execute(
        "SELECT sum(memory_usage_bytes) FROM duckdb_memory() WHERE tag = 'IN_MEMORY_TABLE'"
    ).fetchall()
    return int(found[0][0] or 0)


_TRIM: Final = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""Returns free memory to the operating system: a function of glibc."""

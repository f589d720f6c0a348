"""Writing rows to temporary files when they exceed the memory of a component."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_ssis.engine.errors import TaskFailure

CANNOT_SPILL = 0xC0047048
"""DTS_E_CANTCREATESPOOLFILE."""


@contextmanager
def spilling(folder: str | Path | None, what: str) -> Iterator[None]:
    """Write to temporary files while the block lasts.

    :param folder: where they are; None for the system's folder of temporary files.
    :param what: what is written: ``rows that exceed the memory``.
    :raises TaskFailure: the disk is full, or the folder cannot be written; 0xC0047048.
    """
    try:
        yield
    except OSError as error:
        where = "the folder of temporary files" if folder is None else folder
        reason = str(error.strerror or error).rstrip(".")
        raise TaskFailure(
            f"Cannot write {what} to {where}: {reason}. Free space on this disk, or choose another temporary folder.",
            CANNOT_SPILL,
        ) from error

"""Airflow inside a command of ours: its connections are readable, and its output stays out of the command's output."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

DEFAULT_CONN_ID = "ssis_default"
"""The connection of Airflow if none is given: for every command of ``airflow ssis``, and for ``doctor``."""
_ADVICE = (
    "Check the id ('airflow connections list'). A machine without access to the metadata database knows only the "
    "connections in environment variables and secrets backends. Airflow says the same if a secrets backend fails, or "
    "if it cannot read the value, or cannot decrypt it with [core] fernet_key. Use --uri for another connection."
)


class UnreadableConnection(Exception):
    """A connection cannot be read. The message shows nothing of its value."""


def hook_of(conn_id: str) -> SsisCatalogHook:
    """The hook of an Airflow connection, which is loaded already.

    :param conn_id: the connection's id.
    :raises ImportError: Airflow or the driver manager is missing; the message says what to install.
    :raises UnreadableConnection: the connection cannot be read.
    """
    # Airflow 3 lets a process read connections from the metadata database only if it declares, before Airflow is
    # imported, that it is not a task. Airflow's own commands do the same.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    from airflow_provider_ssis.catalog.errors import ConnectError
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

    hook = SsisCatalogHook(ssis_conn_id=conn_id)
    try:
        # Airflow logs exceptions about a value that it cannot read, with parts of it.
        with _without_logs():
            hook.connection  # noqa: B018 loaded now, to report a missing connection separately
    except ConnectError as error:
        raise UnreadableConnection(str(error)) from None
    except Exception as error:  # noqa: BLE001 Airflow's own, which differ between its versions
        raise UnreadableConnection(f"the connection {conn_id!r} cannot be read: {error}. {_ADVICE}") from None
    return hook


@contextmanager
def output_to_stderr() -> Iterator[None]:
    """Let everything that is printed go to standard error, so that it does not mix with JSON."""
    output, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout = output


@contextmanager
def _without_logs() -> Iterator[None]:
    """No log line and no output of anything that Airflow calls."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    output, errors = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 a device
        # Airflow 3 logs through structlog, which writes to the streams itself.
        sys.stdout = sys.stderr = nowhere
        try:
            yield
        finally:
            sys.stdout, sys.stderr = output, errors
            logging.disable(before)

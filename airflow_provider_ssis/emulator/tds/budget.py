"""Bounds on the memory that requests of clients take before they are answered."""

from __future__ import annotations

from airflow_provider_ssis.emulator.tds.packets import ProtocolError


class MemoryBudget:
    """The bytes of requests that a server holds at once, over all connections.

    :param total: bytes that all requests together may have.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes held now."""
        return self._used

    def take(self, count: int) -> None:
        """Reserve memory for bytes that arrived.

        :raises ProtocolError: the server holds too many bytes already. Nothing was reserved.
        """
        if self._used + count > self._total:
            raise ProtocolError(f"the requests of all clients have more than {self._total} bytes together")
        self._used += count

    def release(self, count: int) -> None:
        """Release bytes that :meth:`take` reserved."""
        self._used -= count

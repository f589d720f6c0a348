"""The simulated workers of Scale Out: which of them runs an execution."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that is enabled.

    :param machine_name: the machine on which it runs packages.
    """

    id: uuid.UUID
    machine_name: str


class WorkerPool:
    """The enabled workers, and how many executions each of them runs. Used on one event loop."""

    def __init__(self) -> None:
        self._workers: dict[uuid.UUID, Worker] = {}
        self._running: Counter[uuid.UUID] = Counter()
        self._changed = asyncio.Event()

    def set(self, workers: Iterable[Worker]) -> None:
        """Replace the workers. Executions on the former ones continue."""
        self._workers = {worker.id: worker for worker in workers}
        self.choose_again()

    def choose_again(self) -> None:
        """Let executions that wait for a worker look whether one may run them now."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    @asynccontextmanager
    async def worker(
        self, allowed: Collection[uuid.UUID] | None, stopped: asyncio.Event
    ) -> AsyncIterator[Worker | None]:
        """The worker for an execution: of those that are allowed, the one that runs the fewest.

        Waits until one of them is enabled. None if the execution is stopped before.

        :param allowed: their ids, read again after :meth:`choose_again`; None for all.
        :param stopped: set when the execution is stopped.
        """
        while not (able := [each for each in self._workers.values() if allowed is None or each.id in allowed]):
            if stopped.is_set():
                yield None
                return
            await _first_of(self._changed, stopped)
        chosen = min(able, key=lambda worker: self._running[worker.id])
        self._running[chosen.id] += 1
        try:
            yield chosen
        finally:
            self._running[chosen.id] -= 1


async def _first_of(*events: asyncio.Event) -> None:
    """Wait until one of some events is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()

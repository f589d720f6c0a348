"""Following the messages of a long run: each read once, beside reading all of them at each poll."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.session import decode_datetimeoffset
from benchmarks.airflow_home import ODBC, connect_airflow
from benchmarks.results import Goal, Report, cost
from benchmarks.servers import CatalogService
from benchmarks.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_ssis.catalog.client import Catalog

NAME = "messages"
_LEAST = 10.0


@dataclass(frozen=True, slots=True)
class Size:
    """What to measure.

    :param messages: messages in all.
    :param looks: looks in which they come, the same number in each.
    :param peers: names of :data:`PEERS`.
    """

    messages: int
    looks: int
    peers: Sequence[str]


@dataclass(slots=True)
class CountingLog:
    """A task's log that only counts its lines."""

    lines: int = 0

    def info(self, event: Any, /, *args: Any) -> None:
        """Count a line."""
        self.lines += bool(event % args)

    warning = error = info


@dataclass(frozen=True, slots=True)
class Followed:
    """What following took.

    :param seconds: of all looks together.
    :param cpu: processor seconds of the process that follows.
    :param memory: bytes by which the process grew at most.
    """

    seconds: float
    cpu: float
    memory: int


class OurFollower:
    """Our follower, on one connection."""

    def __init__(self, execution_id: int, log: CountingLog) -> None:
        from airflow_provider_ssis.executions.message_log import MessageForwarder
        from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

        self._follower = MessageForwarder(execution_id, log)
        self._catalog: Catalog = SsisCatalogHook().open_catalog()

    def look(self) -> None:
        """Log what is new."""
        self._follower.forward(self._catalog)


class ReadingAnew:
    """Reads all messages at each look, by Airflow's own hook, and logs those that it has not logged."""

    columns = "*"

    def __init__(self, execution_id: int, log: CountingLog) -> None:
        from airflow.providers.odbc.hooks.odbc import OdbcHook

        from airflow_provider_ssis.odbc.drivers import find_driver

        self._execution_id = execution_id
        self._log = log
        self._hook = OdbcHook(odbc_conn_id=ODBC, driver=find_driver().name)
        self._last_id = 0

    def look(self) -> None:
        """Log what is new."""
        with self._hook.get_conn() as connection:
            # A time with an offset, for which pyodbc has no decoder.
            connection.add_output_converter(-155, decode_datetimeoffset)
            cursor = connection.cursor()
            cursor.execute(
                f"SELECT {self.columns} FROM catalog.event_messages WHERE operation_id = ?"  # noqa: S608 a constant of the class
                " ORDER BY event_message_id",
                self._execution_id,
            )
            records = cursor.fetchall()
        for record in records:
            if record.event_message_id > self._last_id:
                self._log.info("[%s] %s", record.execution_path, record.message)
                self._last_id = record.event_message_id


class ReadingLittleAnew(ReadingAnew):
    """Reads only what a line of a log needs."""

    columns = "event_message_id, message_type, message, execution_path"


@dataclass(slots=True)
class FollowerService:
    """A follower in a process of its own.

    :param make: :class:`OurFollower` or :class:`ReadingAnew`.
    """

    make: Callable[[int, CountingLog], OurFollower | ReadingAnew]
    _log: CountingLog = field(default_factory=CountingLog)
    _follower: OurFollower | ReadingAnew | None = None
    _seconds: float = 0.0
    _cpu: float = 0.0
    _memory: int = 0

    async def start(self) -> None:
        """Nothing to get ready yet."""

    async def stop(self) -> None:
        """Nothing to clean up: the connection ends with the process."""

    async def follow(self, execution_id: int) -> None:
        """Begin to follow an execution."""
        self._follower = self.make(execution_id, self._log)
        self._follower.look()
        self._memory = _peak_memory()

    async def look(self) -> None:
        """Look once."""
        if self._follower is None:
            raise RuntimeError("nothing is followed")
        began, cpu = time.perf_counter(), time.process_time()
        self._follower.look()
        self._seconds += time.perf_counter() - began
        self._cpu += time.process_time() - cpu

    async def followed(self) -> tuple[int, Followed]:
        """How many lines were logged, and what that took."""
        return self._log.lines, Followed(self._seconds, self._cpu, _peak_memory() - self._memory)


PEERS = {"all read at each poll": ReadingAnew, "the same, four columns only": ReadingLittleAnew}

FULL = Size(messages=100_000, looks=40, peers=tuple(PEERS))
SMALLEST = Size(messages=400, looks=4, peers=tuple(PEERS)[:1])


def run(size: Size) -> Report:
    """Measure."""
    ours = _measure(size, OurFollower)
    case = f"{size.messages:,} messages in {size.looks} looks"
    results = []
    for name in size.peers:
        peer = _measure(size, PEERS[name])
        results += [
            cost(NAME, f"{case}: time", "s", ours=ours.seconds, peer=peer.seconds, peer_name=name),
            cost(NAME, f"{case}: processor", "s", ours=ours.cpu, peer=peer.cpu, peer_name=name),
            cost(NAME, f"{case}: memory", "MiB", ours=ours.memory / 2**20, peer=peer.memory / 2**20, peer_name=name),
        ]
    factor = results[0].ratio or 0.0
    return Report(
        "Following messages",
        results,
        goals=[Goal(f"at least 10 times faster than reading the same anew: {factor:.1f} times", factor >= _LEAST)],
        note="The factor grows with the looks: who reads anew reads each message at every look that follows it.",
    )


def _measure(size: Size, make: type[OurFollower | ReadingAnew]) -> Followed:
    with Worker(CatalogService) as server:
        connect_airflow(server.started)
        (execution_id,) = server.call("store_executions", 1, OperationStatus.RUNNING, 60.0)
        with Worker(FollowerService, make) as follower:
            follower.call("follow", execution_id)
            for _ in range(size.looks):
                server.call("write_messages", execution_id, size.messages // size.looks)
                follower.call("look")
            lines, followed = follower.call("followed")
    if lines != size.messages:
        raise AssertionError(f"{lines} messages were logged of {size.messages}")
    result: Followed = followed
    return result


def _peak_memory() -> int:
    # Linux counts in KiB, macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

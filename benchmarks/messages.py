"""Following the messages of a long run: reading each once, compared with reading all at each poll."""

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

    :param messages: the number of messages.
    :param polls: the number of polls; each finds the same number of new messages.
    :param peers: names of :data:`PEERS`.
    """

    messages: int
    polls: int
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
    """The cost of following.

    :param seconds: the duration of all polls together.
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

    def poll(self) -> None:
        """Log the new messages."""
        self._follower.forward(self._catalog)


class Rereading:
    """Reads all messages at each poll, with Airflow's own hook, and logs the new ones."""

    columns = "*"

    def __init__(self, execution_id: int, log: CountingLog) -> None:
        from airflow.providers.odbc.hooks.odbc import OdbcHook

        from airflow_provider_ssis.odbc.drivers import find_driver

        self._execution_id = execution_id
        self._log = log
        self._hook = OdbcHook(odbc_conn_id=ODBC, driver=find_driver().name)
        self._last_id = 0

    def poll(self) -> None:
        """Log the new messages."""
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


class RereadingFewColumns(Rereading):
    """Reads only the columns that a log line needs."""

    columns = "event_message_id, message_type, message, execution_path"


@dataclass(slots=True)
class FollowerService:
    """A follower in a separate process.

    :param make: :class:`OurFollower` or :class:`Rereading`.
    """

    make: Callable[[int, CountingLog], OurFollower | Rereading]
    _log: CountingLog = field(default_factory=CountingLog)
    _follower: OurFollower | Rereading | None = None
    _seconds: float = 0.0
    _cpu: float = 0.0
    _memory: int = 0

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing: the connection ends with the process."""

    async def follow(self, execution_id: int) -> None:
        """Start to follow an execution."""
        self._follower = self.make(execution_id, self._log)
        self._follower.poll()
        self._memory = _peak_memory()

    async def poll(self) -> None:
        """Poll once."""
        if self._follower is None:
            raise RuntimeError("no execution is followed")
        began, cpu = time.perf_counter(), time.process_time()
        self._follower.poll()
        self._seconds += time.perf_counter() - began
        self._cpu += time.process_time() - cpu

    async def followed(self) -> tuple[int, Followed]:
        """The number of logged lines, and the cost."""
        return self._log.lines, Followed(self._seconds, self._cpu, _peak_memory() - self._memory)


PEERS = {"all read at each poll": Rereading, "the same, four columns only": RereadingFewColumns}

FULL = Size(messages=100_000, polls=40, peers=tuple(PEERS))
SMALLEST = Size(messages=400, polls=4, peers=tuple(PEERS)[:1])


def run(size: Size) -> Report:
    """Measure."""
    ours = _measure(size, OurFollower)
    case = f"{size.messages:,} messages in {size.polls} polls"
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
        goals=[Goal(f"at least 10 times faster than reading all again: {factor:.1f} times", factor >= _LEAST)],
        note="The factor grows with the number of polls: the peer reads each message again at every later poll.",
    )


def _measure(size: Size, make: type[OurFollower | Rereading]) -> Followed:
    with Worker(CatalogService) as server:
        connect_airflow(server.started)
        (execution_id,) = server.call("store_executions", 1, OperationStatus.RUNNING, 60.0)
        with Worker(FollowerService, make) as follower:
            follower.call("follow", execution_id)
            for _ in range(size.polls):
                server.call("write_messages", execution_id, size.messages // size.polls)
                follower.call("poll")
            lines, followed = follower.call("followed")
    if lines != size.messages:
        raise AssertionError(f"{lines} messages were logged of {size.messages}")
    result: Followed = followed
    return result


def _peak_memory() -> int:
    # Linux counts in KiB, macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

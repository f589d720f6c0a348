"""The shared look at the catalog, with a catalog that answers by script."""

from __future__ import annotations

import gc
import queue
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from airflow_provider_ssis.catalog.catalog import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import CatalogError, ConnectionLost
from airflow_provider_ssis.catalog.models import EventMessage, ExecutionState
from airflow_provider_ssis.executions.outage import Outage
from airflow_provider_ssis.executions.watching import Deadline, Verdict, Watch
from airflow_provider_ssis.triggers import poller as poller_module
from airflow_provider_ssis.triggers.poller import CHUNK, Poller, Subscription, Update
from tests.executions.scripted import event

SECONDS = 30


@dataclass
class Server:
    """What a catalog says to the poller.

    :param refuse: raises instead of an answer, given the executions asked for.
    """

    status: OperationStatus = OperationStatus.SUCCEEDED
    refuse: Callable[[set[int]], None] = lambda _: None
    messages: list[EventMessage] = field(default_factory=list)
    opened: int = 0
    closed: int = 0
    asked: list[set[int]] = field(default_factory=list)
    largest_read: int = 0

    def open_catalog(self) -> Catalog:
        self.opened += 1
        return cast("Catalog", self)

    def close(self) -> None:
        self.closed += 1

    def execution_states(self, execution_ids: Collection[int]) -> list[ExecutionState]:
        self.asked.append(set(execution_ids))
        self.refuse(set(execution_ids))
        return [ExecutionState(execution_id=each, status=self.status, age=1) for each in execution_ids]

    def event_messages_of(self, positions: Mapping[int, int], limit: int) -> list[EventMessage]:
        found = [
            each
            for each in self.messages
            if each.operation_id in positions and (each.event_message_id or 0) > positions[each.operation_id]
        ][:limit]
        self.largest_read = max(self.largest_read, len(found))
        return found


def watched(server: Server, execution_ids: Collection[int], *, after: int | None = None) -> dict[int, list[Update]]:
    """All updates until each watch has its verdict."""
    poller = Poller(server.open_catalog, name="test-poller")
    told: queue.Queue[tuple[int, Update]] = queue.Queue()
    updates: dict[int, list[Update]] = {each: [] for each in execution_ids}
    with ExitStack() as subscribed:
        for execution_id in execution_ids:
            subscription = Subscription(
                watch=Watch(execution_id, 0.05, 0.05, Deadline(None)),
                outage=Outage(SECONDS),
                tell=lambda update, execution_id=execution_id: told.put((execution_id, update)),  # type: ignore[misc]  # a default binds it early
                after=after,
            )
            poller.subscribe(subscription)
            subscribed.callback(poller.unsubscribe, subscription)
        while not all(seen and seen[-1].verdict for seen in updates.values()):
            execution_id, update = told.get(timeout=SECONDS)
            updates[execution_id].append(update)
    return updates


def test_an_execution_that_cannot_be_asked_for_does_not_fail_the_others() -> None:
    def refuse(execution_ids: set[int]) -> None:
        if 13 in execution_ids:
            raise CatalogError("This one cannot be read.")

    server = Server(refuse=refuse)
    updates = watched(server, range(1, 65))
    verdicts = {execution_id: seen[-1].verdict for execution_id, seen in updates.items()}
    assert verdicts.pop(13) is Verdict.OUT_OF_SIGHT
    assert set(verdicts.values()) == {Verdict.OVER}


def test_an_error_of_the_connection_is_not_asked_again_for_each() -> None:
    failures = iter([ConnectionLost("gone")])

    def refuse(_: set[int]) -> None:
        if (error := next(failures, None)) is not None:
            raise error

    server = Server(refuse=refuse)
    updates = watched(server, range(1, 65))
    assert {seen[-1].verdict for seen in updates.values()} == {Verdict.OVER}
    assert server.opened == 2
    # Some subscribe only while the first looks are being taken.
    assert len(server.asked) < 32


def test_an_unforeseen_exception_is_survived() -> None:
    failures = iter([ZeroDivisionError("a fault of our own")])

    def refuse(_: set[int]) -> None:
        if (error := next(failures, None)) is not None:
            raise error

    updates = watched(Server(refuse=refuse), [1, 2])
    assert {seen[-1].verdict for seen in updates.values()} == {Verdict.OVER}
    # Who subscribed after the first look has seen nothing of it.
    assert "a fault of our own" in {seen[0].outage for seen in updates.values()}


def test_messages_are_read_in_chunks_and_all_come_before_the_end() -> None:
    count = 25 * CHUNK + 1
    server = Server(messages=[event(number) for number in range(1, count + 1)])
    seen = watched(server, [42], after=0)[42]
    numbers = [message.event_message_id for update in seen for message in update.messages]
    assert numbers == list(range(1, count + 1))
    assert server.largest_read == CHUNK
    assert seen[-1].verdict is Verdict.OVER


def test_messages_of_an_execution_go_only_to_who_follows_it() -> None:
    server = Server(messages=[event(1), event(2, operation_id=43), event(3)])
    updates = watched(server, [42, 43], after=0)
    assert [message.event_message_id for update in updates[42] for message in update.messages] == [1, 3]
    assert [message.event_message_id for update in updates[43] for message in update.messages] == [2]


@pytest.mark.parametrize(("subscribers", "gc_freeze_at", "frozen"), [(19, 20, False), (20, 20, True), (40, 0, False)])
def test_garbage_collection_leaves_the_process_alone_once_many_wait(
    subscribers: int, gc_freeze_at: int, frozen: bool
) -> None:
    poller_module._freeze_once.cache_clear()
    gc.unfreeze()
    poller = Poller(Server(OperationStatus.RUNNING).open_catalog, name="test-poller", gc_freeze_at=gc_freeze_at)
    waiting = [
        Subscription(watch=Watch(execution_id, 60, 60, Deadline(None)), outage=Outage(SECONDS), tell=lambda _: None)
        for execution_id in range(subscribers)
    ]
    try:
        for subscription in waiting:
            poller.subscribe(subscription)
        assert (gc.get_freeze_count() > 0) is frozen
    finally:
        for subscription in waiting:
            poller.unsubscribe(subscription)
        gc.unfreeze()
        poller_module._freeze_once.cache_clear()


# --- the thread -------------------------------------------------------------------------------------------------------


def told_to(told: queue.Queue[Update], execution_id: int = 42) -> Subscription:
    """Who waits for an execution and puts what is told into a queue."""
    return Subscription(watch=Watch(execution_id, 0.05, 0.05, Deadline(None)), outage=Outage(SECONDS), tell=told.put)


def verdict_in(told: queue.Queue[Update]) -> Verdict:
    """The verdict, when it comes."""
    while (verdict := told.get(timeout=SECONDS).verdict) is None:
        pass
    return verdict


def test_who_subscribes_while_the_thread_ends_gets_a_connection_that_is_not_being_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(poller_module, "_IDLE_SECONDS", 0.01)
    server = Server()
    poller = Poller(server.open_catalog, name="test-poller")
    first: queue.Queue[Update] = queue.Queue()
    second: queue.Queue[Update] = queue.Queue()
    seen: queue.Queue[tuple[Verdict, int]] = queue.Queue()

    class Changed(threading.Condition):
        arrived = False

        def __exit__(self, *args: Any) -> None:
            super().__exit__(*args)
            if poller._thread is None and not self.arrived:
                # On the old thread, between its last look at the subscribers and whatever it does after.
                self.arrived = True
                poller.subscribe(told_to(second, 43))
                seen.put((verdict_in(second), server.opened))

    poller._changed = Changed()
    poller.subscribe(told_to(first))
    assert verdict_in(first) is Verdict.OVER
    assert seen.get(timeout=SECONDS) == (Verdict.OVER, 2)


def test_a_thread_that_cannot_be_started_once_is_started_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    poller = Poller(Server().open_catalog, name="test-poller")
    refused: queue.Queue[Update] = queue.Queue()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", cannot_start)
        with pytest.raises(RuntimeError, match="can't start"):
            poller.subscribe(told_to(refused))
    told: queue.Queue[Update] = queue.Queue()
    poller.subscribe(told_to(told, 43))
    assert verdict_in(told) is Verdict.OVER
    assert refused.empty()


def cannot_start(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_replaced() -> None:
    poller = Poller(Server().open_catalog, name="test-poller")
    threads: queue.Queue[threading.Thread] = queue.Queue()

    def die(_: Update) -> None:
        threads.put(threading.current_thread())
        raise SystemExit

    deadly = told_to(queue.Queue())
    deadly.tell = die
    poller.subscribe(deadly)
    threads.get(timeout=SECONDS).join(SECONDS)
    told: queue.Queue[Update] = queue.Queue()
    poller.subscribe(told_to(told, 43))
    assert verdict_in(told) is Verdict.OVER

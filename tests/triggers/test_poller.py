"""The shared look at the catalog, with a catalog that answers by script."""

from __future__ import annotations

import gc
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    ConnectionLost,
    PermissionDenied,
    StatementTimeout,
    TransientError,
)
from airflow_provider_ssis.catalog.models import EventMessage, ExecutionState
from airflow_provider_ssis.catalog.requests import PackageWatch
from airflow_provider_ssis.executions.deadline import Deadline
from airflow_provider_ssis.executions.outage import OutageTolerance
from airflow_provider_ssis.executions.polling import ExecutionWait, PackageWait, PollSchedule, WaitResult
from airflow_provider_ssis.triggers import poller as poller_module
from airflow_provider_ssis.triggers.message_reader import CHUNK
from airflow_provider_ssis.triggers.poller import MESSAGES_GRACE, Poller, Subscription, Update
from airflow_provider_ssis.triggers.poller_connection import PollerConnection
from tests.support.scripted_catalog import event

pytestmark = pytest.mark.usefixtures("quick_backoff")

SECONDS = 30
FOREVER = Deadline(None)


@dataclass
class Server:
    """What a catalog says to the poller.

    :param refuse: raises instead of an answer, given the executions asked for.
    :param refuse_messages: the same for their messages.
    :param holds_back: answers only when all have subscribed.
    :param all_there: set when they have.
    """

    status: OperationStatus = OperationStatus.SUCCEEDED
    refuse: Callable[[set[int]], None] = lambda _: None
    refuse_messages: Callable[[set[int]], None] = lambda _: None
    messages: list[EventMessage] = field(default_factory=list)
    holds_back: bool = False
    all_there: threading.Event = field(default_factory=threading.Event)
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
        if self.holds_back:
            self.all_there.wait(SECONDS)
        self.asked.append(set(execution_ids))
        self.refuse(set(execution_ids))
        return [ExecutionState(execution_id=each, status=self.status, age=1) for each in execution_ids]

    def successes(self, watches: Collection[PackageWatch]) -> dict[PackageWatch, int]:
        if self.holds_back:
            self.all_there.wait(SECONDS)
        numbers = {watch: int(watch.package.removesuffix(".dtsx")) for watch in watches}
        self.asked.append(set(numbers.values()))
        self.refuse(set(numbers.values()))
        return numbers

    def event_messages_of(self, positions: Mapping[int, int], limit: int) -> list[EventMessage]:
        self.refuse_messages(set(positions))
        found = [
            each
            for each in self.messages
            if each.operation_id in positions and (each.event_message_id or 0) > positions[each.operation_id]
        ][:limit]
        self.largest_read = max(self.largest_read, len(found))
        return found


def watched(
    server: Server,
    execution_ids: Collection[int],
    *,
    after: int | None = None,
    silent: Collection[int] = (),
    later: Collection[int] = (),
    deadline: Deadline = FOREVER,
    messages_grace: float = MESSAGES_GRACE,
    wait: Callable[[int, PollSchedule, Deadline], ExecutionWait | PackageWait] = ExecutionWait,
) -> dict[int, list[Update]]:
    """All updates until each watch has its result, by execution; in the order in which the results came.

    :param silent: executions whose messages are not followed.
    :param later: executions that are not due until another one has had an update.
    :param wait: what a subscriber waits for. Default: the end of the execution.
    """
    poller = Poller(server.open_catalog, name="test-poller", messages_grace=messages_grace)
    received: queue.Queue[tuple[int, Update]] = queue.Queue()
    updates: dict[int, list[Update]] = {each: [] for each in execution_ids}
    waiting: list[Subscription] = []
    with ExitStack() as subscribed:
        for execution_id in execution_ids:
            subscription = Subscription(
                wait=wait(execution_id, PollSchedule(0.05, 0.05), deadline),
                tolerance=OutageTolerance(SECONDS),
                send=lambda update, execution_id=execution_id: received.put((execution_id, update)),  # type: ignore[misc]  # a default binds it early
                last_message_id=None if execution_id in silent else after,
                due=time.monotonic() + 2 * SECONDS if execution_id in later else 0.0,
            )
            poller.subscribe(subscription)
            subscribed.callback(poller.unsubscribe, subscription)
            if execution_id in later:
                waiting.append(subscription)
        server.all_there.set()
        while not all(seen and seen[-1].result for seen in updates.values()):
            execution_id, update = received.get(timeout=SECONDS)
            for subscription in waiting:
                subscription.due = 0.0
                poller.subscribe(subscription)
            waiting.clear()
            updates[execution_id].append(update)
            if update.result is not None:
                updates[execution_id] = updates.pop(execution_id)
    return updates


def results_of(updates: dict[int, list[Update]]) -> dict[int, WaitResult | None]:
    """The result on each execution."""
    return {execution_id: seen[-1].result for execution_id, seen in updates.items()}


def texts_of(seen: Sequence[Update]) -> list[str]:
    """The texts of all messages that were sent."""
    return [message.message for update in seen for message in update.messages]


def test_an_execution_that_cannot_be_asked_for_does_not_fail_the_others() -> None:
    def refuse(execution_ids: set[int]) -> None:
        if 13 in execution_ids:
            raise CatalogError("This one cannot be read.")

    server = Server(refuse=refuse)
    updates = watched(server, range(1, 65))
    results = {execution_id: seen[-1].result for execution_id, seen in updates.items()}
    assert results.pop(13) is WaitResult.UNREACHABLE
    assert set(results.values()) == {WaitResult.TERMINAL}


def package_wait(number: int, schedule: PollSchedule, deadline: Deadline) -> PackageWait:
    """A wait for the success of a package that is named after the execution."""
    watch = PackageWatch("Sales", "Mart", f"{number}.dtsx", datetime(2024, 1, 1, tzinfo=UTC))
    return PackageWait(watch, schedule, deadline)


def test_a_package_that_cannot_be_searched_for_does_not_fail_the_others() -> None:
    def refuse(numbers: set[int]) -> None:
        if 13 in numbers:
            raise CatalogError("This one cannot be read.")

    server = Server(refuse=refuse)
    updates = watched(server, range(1, 65), wait=package_wait)
    ended = {number: (seen[-1].result, seen[-1].execution_id) for number, seen in updates.items()}
    assert ended.pop(13) == (WaitResult.UNREACHABLE, None)
    assert ended == {number: (WaitResult.TERMINAL, number) for number in range(1, 65) if number != 13}
    assert server.opened == 1


@pytest.mark.slow
@pytest.mark.parametrize("wait", [ExecutionWait, package_wait])
def test_an_unknown_error_of_all_queries_is_an_outage(
    wait: Callable[[int, PollSchedule, Deadline], ExecutionWait | PackageWait],
) -> None:
    server = Server(holds_back=True)

    def refuse(_: set[int]) -> None:
        if len(server.asked) <= 5:
            raise CatalogError("The server is in a bad way.", number=60000)

    server.refuse = refuse
    updates = watched(server, [1, 2, 3], wait=wait)
    assert set(results_of(updates).values()) == {WaitResult.TERMINAL}
    for seen in updates.values():
        assert len([update for update in seen if update.outage]) <= 1
    assert any(update.outage for update in updates[1])


@pytest.mark.parametrize("lasts", [False, True])
def test_a_single_execution_is_asked_again_before_it_counts_as_unreadable(lasts: bool) -> None:
    server = Server()

    def refuse(ids: set[int]) -> None:
        if ids == {2} and (lasts or len(server.asked) == 1):
            raise CatalogError("The server is in a bad way.", number=60000)

    server.refuse = refuse
    answers = PollerConnection(server.open_catalog).states([2], subscribed=lambda: [1, 2, 3])
    assert set(answers.failed) == ({2} if lasts else set())
    assert set(answers.found) == (set() if lasts else {2})


def test_an_unknown_error_of_one_due_execution_is_an_outage_if_the_others_get_it_too() -> None:
    server = Server(holds_back=True)

    def refuse(_: set[int]) -> None:
        # The poll of one, and then of each of the three.
        if len(server.asked) <= 4:
            raise CatalogError("The server is in a bad way.", number=60000)

    server.refuse = refuse
    updates = watched(server, [1, 2, 3], later=[2, 3])
    assert server.asked[0] == {1}
    assert set(results_of(updates).values()) == {WaitResult.TERMINAL}
    assert updates[1][0].outage


def test_a_deadline_ends_an_outage_of_all() -> None:
    server = Server(holds_back=True)

    def refuse(_: set[int]) -> None:
        raise CatalogError("The server is in a bad way.", number=60000)

    server.refuse = refuse
    updates = watched(server, [1, 2, 3], deadline=Deadline.after(0.2))
    assert set(results_of(updates).values()) == {WaitResult.TIMED_OUT}


@pytest.mark.slow
@pytest.mark.parametrize(
    "error", [StatementTimeout("too slow"), TransientError("a deadlock"), ValueError("no type 99")]
)
def test_messages_that_cannot_be_read_keep_back_only_their_own_execution(error: Exception) -> None:
    refusals = 0

    def refuse_messages(execution_ids: set[int]) -> None:
        nonlocal refusals
        if 1 in execution_ids and refusals < 2:
            refusals += 1
            raise error

    messages = [event(1, "one", operation_id=1), event(2, "two", operation_id=2)]
    server = Server(refuse_messages=refuse_messages, messages=messages, holds_back=True)
    updates = watched(server, [1, 2, 3], after=0, silent=[3])
    assert set(results_of(updates).values()) == {WaitResult.TERMINAL}
    assert list(updates)[-1] == 1
    assert [texts_of(updates[execution_id]) for execution_id in (1, 2, 3)] == [["one"], ["two"], []]
    assert len([update for update in updates[1] if update.outage]) == 1
    assert not [update for update in updates[3] if update.outage]


def test_messages_that_may_not_be_read_are_given_up_and_the_execution_is_not() -> None:
    def refuse_messages(execution_ids: set[int]) -> None:
        if 1 in execution_ids:
            raise PermissionDenied("Not for you.", number=229)

    server = Server(refuse_messages=refuse_messages, messages=[event(2, "two", operation_id=2)])
    updates = watched(server, [1, 2], after=0)
    assert set(results_of(updates).values()) == {WaitResult.TERMINAL}
    assert [update.unreadable for update in updates[1] if update.unreadable] == [
        str(PermissionDenied("Not for you.", number=229))
    ]
    assert texts_of(updates[2]) == ["two"]


def test_messages_that_are_out_of_reach_for_long_do_not_keep_back_the_end() -> None:

    def refuse_messages(_: set[int]) -> None:
        raise ConnectionLost("reset")

    updates = watched(Server(refuse_messages=refuse_messages), [1, 2], after=0, messages_grace=0.2)
    assert set(results_of(updates).values()) == {WaitResult.TERMINAL}


def test_an_execution_with_many_messages_does_not_keep_back_the_end_of_another() -> None:
    loud = [event(number, operation_id=42) for number in range(1, 25 * CHUNK)]
    server = Server(messages=[*loud, event(25 * CHUNK, "quiet", operation_id=43)], holds_back=True)
    updates = watched(server, [42, 43], after=0)
    assert list(updates) == [43, 42]
    assert texts_of(updates[43]) == ["quiet"]
    assert len(texts_of(updates[42])) == len(loud)


def test_a_passed_deadline_is_reported_while_there_are_messages_to_read() -> None:
    class Endless(Server):
        def event_messages_of(self, positions: Mapping[int, int], limit: int) -> list[EventMessage]:
            ((execution_id, position),) = positions.items()
            return [event(position + 1 + each, operation_id=execution_id) for each in range(limit)]

    updates = watched(Endless(OperationStatus.RUNNING), [42], after=0, deadline=Deadline.after(0.2))
    assert updates[42][-1].result is WaitResult.TIMED_OUT


def test_an_error_of_the_connection_is_not_asked_again_for_each() -> None:
    failures = iter([ConnectionLost("reset")])

    def refuse(_: set[int]) -> None:
        if (error := next(failures, None)) is not None:
            raise error

    server = Server(refuse=refuse)
    updates = watched(server, range(1, 65))
    assert {seen[-1].result for seen in updates.values()} == {WaitResult.TERMINAL}
    assert server.opened == 2
    # Some subscribe only during the first polls.
    assert len(server.asked) < 32


def test_an_unforeseen_exception_is_survived() -> None:
    failures = iter([ZeroDivisionError("an internal fault")])

    def refuse(_: set[int]) -> None:
        if (error := next(failures, None)) is not None:
            raise error

    updates = watched(Server(refuse=refuse), [1, 2])
    assert {seen[-1].result for seen in updates.values()} == {WaitResult.TERMINAL}
    # Later subscriptions do not see the first poll.
    assert any("an internal fault" in (seen[0].outage or "") for seen in updates.values())


def test_messages_are_read_in_chunks_and_all_come_before_the_end() -> None:
    count = 12 * CHUNK + 1
    server = Server(messages=[event(number) for number in range(1, count + 1)])
    seen = watched(server, [42], after=0)[42]
    numbers = [message.event_message_id for update in seen for message in update.messages]
    assert numbers == list(range(1, count + 1))
    assert server.largest_read == CHUNK
    assert seen[-1].result is WaitResult.TERMINAL


def test_messages_of_an_execution_are_sent_only_to_its_subscribers() -> None:
    server = Server(messages=[event(1), event(2, operation_id=43), event(3)])
    updates = watched(server, [42, 43], after=0)
    assert [message.event_message_id for update in updates[42] for message in update.messages] == [1, 3]
    assert [message.event_message_id for update in updates[43] for message in update.messages] == [2]


@pytest.mark.parametrize(("subscribers", "gc_freeze_at", "frozen"), [(19, 20, False), (20, 20, True), (40, 0, False)])
def test_garbage_collection_leaves_the_process_alone_once_many_wait(
    subscribers: int, gc_freeze_at: int, frozen: bool
) -> None:
    poller_module._freeze_once.cache_clear()
    was_frozen = gc.get_freeze_count() > 0
    gc.unfreeze()
    poller = Poller(Server(OperationStatus.RUNNING).open_catalog, name="test-poller", gc_freeze_at=gc_freeze_at)
    waiting = [
        Subscription(
            wait=ExecutionWait(execution_id, PollSchedule(60, 60), Deadline(None)),
            tolerance=OutageTolerance(SECONDS),
            send=lambda _: None,
        )
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
        if was_frozen:
            gc.freeze()


# --- the thread -------------------------------------------------------------------------------------------------------


def subscription_to(received: queue.Queue[Update], execution_id: int = 42) -> Subscription:
    """A subscription that puts the updates of an execution into a queue."""
    return Subscription(
        wait=ExecutionWait(execution_id, PollSchedule(0.05, 0.05), Deadline(None)),
        tolerance=OutageTolerance(SECONDS),
        send=received.put,
    )


def result_in(received: queue.Queue[Update]) -> WaitResult:
    """The result, when it comes."""
    while (result := received.get(timeout=SECONDS).result) is None:
        pass
    return result


def test_who_subscribes_while_the_thread_ends_gets_a_connection_that_is_not_being_closed() -> None:
    server = Server()
    poller = Poller(server.open_catalog, name="test-poller", idle_seconds=0.01)
    first: queue.Queue[Update] = queue.Queue()
    second: queue.Queue[Update] = queue.Queue()
    seen: queue.Queue[tuple[WaitResult, int]] = queue.Queue()

    class Changed(threading.Condition):
        arrived = False

        def __exit__(self, *args: Any) -> None:
            super().__exit__(*args)
            if poller._thread is None and not self.arrived:
                # On the old thread, after it has read the subscribers for the last time.
                self.arrived = True
                poller.subscribe(subscription_to(second, 43))
                seen.put((result_in(second), server.opened))

    poller._changed = Changed()
    poller.subscribe(subscription_to(first))
    assert result_in(first) is WaitResult.TERMINAL
    assert seen.get(timeout=SECONDS) == (WaitResult.TERMINAL, 2)


def test_a_thread_that_cannot_be_started_once_is_started_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    poller = Poller(Server().open_catalog, name="test-poller")
    refused: queue.Queue[Update] = queue.Queue()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", cannot_start)
        with pytest.raises(RuntimeError, match="can't start"):
            poller.subscribe(subscription_to(refused))
    received: queue.Queue[Update] = queue.Queue()
    poller.subscribe(subscription_to(received, 43))
    assert result_in(received) is WaitResult.TERMINAL
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

    deadly = subscription_to(queue.Queue())
    deadly.send = die
    poller.subscribe(deadly)
    threads.get(timeout=SECONDS).join(SECONDS)
    received: queue.Queue[Update] = queue.Queue()
    poller.subscribe(subscription_to(received, 43))
    assert result_in(received) is WaitResult.TERMINAL

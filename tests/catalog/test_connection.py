"""Errors and broken connections of a session, with a driver that fails on command and a clock that waits for no one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    ConnectionLost,
    FolderNotFound,
    ServerUnreachable,
    TransientError,
)
from airflow_provider_ssis.catalog.retries import NO_RETRY, RetryPolicy
from airflow_provider_ssis.catalog.session import CatalogSession, Repeat, decode_datetimeoffset
from airflow_provider_ssis.catalog.sql.statements import ERROR_NUMBER, Batch

paramstyle = "pyformat"


class Error(Exception):
    """What this driver raises."""


FOR_A_MINUTE = RetryPolicy(timeout=60, first_delay=1, longest_delay=8)
LOST = ConnectionResetError(104, "Connection reset by peer")
Answer = Exception | Sequence[tuple[str, Any]]


def error_row(number: int) -> Answer:
    """The row with which a guarded batch reports an error."""
    return [
        (ERROR_NUMBER, number),
        ("error_severity", 16),
        ("error_state", 1),
        ("error_procedure", "create_folder"),
        ("error_line", 12),
        ("error_message", "It did not work."),
        ("step", 3),
    ]


class ScriptedCursor:
    """Gives the answers of its connection, one for each statement."""

    def __init__(self, connection: ScriptedConnection) -> None:
        self._connection = connection
        self._row: tuple[Any, ...] = ()
        self.description: list[tuple[str]] | None = None

    def execute(self, sql: str, values: Sequence[Any]) -> None:
        self._connection.statements.append(sql)
        answer = self._connection.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        self.description = [(name,) for name, _ in answer] or None
        self._row = tuple(value for _, value in answer)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return [self._row]

    def nextset(self) -> None:
        return None

    def close(self) -> None:
        return None


class ScriptedConnection:
    """A connection whose answers are known beforehand."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.statements: list[str] = []
        self.autocommit = False
        self.closed = False

    def cursor(self) -> ScriptedCursor:
        return ScriptedCursor(self)

    def close(self) -> None:
        self.closed = True


DONE: Answer = [("answer", 42)]
BATCH = Batch("SELECT ? AS answer -- 100%", ("x",))


class SteppedClock:
    """Time that passes only while something waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def session(
    connection: ScriptedConnection,
    reconnect: Callable[[], ScriptedConnection] | None = None,
    clock: SteppedClock | None = None,
) -> CatalogSession:
    return CatalogSession(connection, reconnect=reconnect, retry=FOR_A_MINUTE, clock=clock or SteppedClock())


def test_the_connection_is_put_into_autocommit_mode() -> None:
    connection = ScriptedConnection()
    session(connection)
    assert connection.autocommit is True


def test_markers_are_written_as_the_driver_wants_them() -> None:
    connection = ScriptedConnection(DONE)
    assert session(connection).run(BATCH, doing="Asking")[0].rows == ((42,),)
    assert connection.statements == ["SELECT %s AS answer -- 100%%"]


def test_the_row_of_an_error_becomes_an_exception_with_all_its_values() -> None:
    with pytest.raises(FolderNotFound) as caught:
        session(ScriptedConnection(error_row(27104), DONE)).run(BATCH, doing="Making the folder 'X'")
    error = caught.value
    assert (error.number, error.severity, error.state) == (27104, 16, 1)
    assert (error.procedure, error.line) == ("create_folder", 12)
    assert str(error).startswith("Making the folder 'X' failed: It did not work (login '42')")


def test_no_exception_of_the_driver_is_chained() -> None:
    with pytest.raises(CatalogError) as caught:
        session(ScriptedConnection(Error("odd"))).run(BATCH, doing="Asking")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_the_error_row_reaches_the_function_that_explains_it() -> None:
    def explain(error: CatalogError, row: Any) -> CatalogError:
        return CatalogError(f"step {row['step']}: {error.message}")

    with pytest.raises(CatalogError, match=r"^step 3: Asking failed"):
        session(ScriptedConnection(error_row(50000))).run(BATCH, doing="Asking", explain=explain)


@pytest.mark.parametrize("number", [1205, 1222, 27195, 27118])
def test_a_busy_catalog_is_asked_again(number: int) -> None:
    connection = ScriptedConnection(error_row(number), error_row(number), DONE)
    session(connection).run(BATCH, doing="Asking", repeat=Repeat.IF_REFUSED)
    assert len(connection.statements) == 3


def test_a_call_is_repeated_for_the_configured_time_however_often_that_is() -> None:
    connection = ScriptedConnection(*[error_row(1205)] * 1000)
    clock = SteppedClock()
    with pytest.raises(TransientError):
        session(connection, clock=clock).run(BATCH, doing="Asking")
    assert clock.now == FOR_A_MINUTE.timeout
    # At least every 8 seconds, and not without a pause.
    assert 8 <= len(connection.statements) <= 20


def test_without_a_retry_time_there_is_one_call() -> None:
    connection = ScriptedConnection(error_row(1205), DONE)
    with pytest.raises(TransientError):
        CatalogSession(connection, retry=NO_RETRY).run(BATCH, doing="Asking")
    assert len(connection.statements) == 1


def test_what_must_not_be_repeated_is_not() -> None:
    connection = ScriptedConnection(error_row(1205), DONE)
    with pytest.raises(TransientError):
        session(connection).run(BATCH, doing="Starting", repeat=Repeat.NEVER)
    assert len(connection.statements) == 1


def test_other_errors_are_final() -> None:
    connection = ScriptedConnection(error_row(27104), DONE)
    with pytest.raises(FolderNotFound):
        session(connection).run(BATCH, doing="Asking")
    assert connection.statements == ["SELECT %s AS answer -- 100%%", "SELECT SUSER_SNAME() AS login_name;"]


def test_a_broken_connection_is_replaced() -> None:
    first, second = ScriptedConnection(LOST), ScriptedConnection(DONE, DONE)
    reconnected = session(first, lambda: second)
    reconnected.run(BATCH, doing="Asking")
    reconnected.run(BATCH, doing="Asking again")
    assert first.closed
    assert second.autocommit is True
    assert len(second.statements) == 2


def test_a_call_whose_answer_was_lost_is_repeated_only_where_that_does_no_harm() -> None:
    second = ScriptedConnection(DONE)
    with pytest.raises(ConnectionLost):
        session(ScriptedConnection(LOST), lambda: second).run(BATCH, doing="Making", repeat=Repeat.IF_REFUSED)
    assert second.statements == []


def test_without_a_way_to_reconnect_a_broken_connection_is_an_error() -> None:
    broken = session(ScriptedConnection(LOST, DONE))
    with pytest.raises(ConnectionLost):
        broken.run(BATCH, doing="Asking")
    with pytest.raises(ConnectionLost, match="closed"):
        broken.run(BATCH, doing="Asking")


def test_a_server_that_is_away_for_a_moment_is_waited_for() -> None:
    answers: list[Exception | ScriptedConnection] = [ServerUnreachable("away"), ScriptedConnection(DONE)]

    def reconnect() -> ScriptedConnection:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert session(ScriptedConnection(LOST), reconnect).run(BATCH, doing="Asking")[0].rows == ((42,),)


def test_delays_grow_to_a_limit_and_differ() -> None:
    policy = RetryPolicy(first_delay=1, longest_delay=4)
    for attempt, longest in enumerate([1, 2, 4, 4, 4], start=1):
        delays = {policy.delay(attempt) for _ in range(20)}
        assert len(delays) > 1
        assert all(longest / 2 <= delay <= longest for delay in delays)


def test_a_datetimeoffset_is_decoded_to_the_microsecond() -> None:
    data = bytes.fromhex("e807 0200 1d00 0d00 2d00 1e00 15cd5b07 0500 1e00".replace(" ", ""))
    assert decode_datetimeoffset(data) == datetime(
        2024, 2, 29, 13, 45, 30, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30))
    )
    assert decode_datetimeoffset(None) is None

"""The delay of refused logins, on a clock that the test moves."""

from __future__ import annotations

import asyncio

from airflow_provider_ssis.emulator.tds.throttle import LoginThrottle


class Clock:
    """A clock that a sleep moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def throttle(self) -> LoginThrottle:
        return LoginThrottle(lambda: self.now, self.sleep)


async def refuse(throttle: LoginThrottle, times: int, address: str = "10.0.0.1") -> None:
    for _ in range(times):
        async with throttle.attempt(address):
            await throttle.delay_refusal(address)


def test_the_delay_doubles_after_three_wrong_passwords_up_to_five_seconds() -> None:
    clock = Clock()
    asyncio.run(refuse(clock.throttle(), 12))
    assert [round(seconds, 3) for seconds in clock.slept] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_addresses_are_counted_separately() -> None:
    clock = Clock()

    async def scenario() -> None:
        throttle = clock.throttle()
        await refuse(throttle, 20)
        clock.slept.clear()
        await refuse(throttle, 3, "10.0.0.2")

    asyncio.run(scenario())
    assert clock.slept == []


def test_an_address_without_wrong_passwords_for_a_minute_starts_again() -> None:
    clock = Clock()

    async def scenario() -> None:
        throttle = clock.throttle()
        await refuse(throttle, 20)
        clock.now += 61
        clock.slept.clear()
        await refuse(throttle, 3)

    asyncio.run(scenario())
    assert clock.slept == []


def test_guesses_on_many_connections_are_no_faster_than_on_one() -> None:
    due: list[float] = []

    async def scenario() -> None:
        async def note(seconds: float) -> None:
            due.append(seconds)
            await asyncio.sleep(0)

        throttle = LoginThrottle(lambda: 1000.0, note)
        await asyncio.gather(*(refuse(throttle, 1) for _ in range(10)))

    asyncio.run(scenario())
    # The clock stands still, so each refusal is due later than the one before it.
    assert [round(seconds, 3) for seconds in due] == [0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 11.3]


def test_an_address_with_wrong_passwords_has_few_logins_checked_at_once() -> None:
    async def scenario() -> int:
        throttle = LoginThrottle()
        await refuse(throttle, 1)
        going_on: list[None] = []
        end = asyncio.Event()

        async def attempt() -> None:
            async with throttle.attempt("10.0.0.1"):
                going_on.append(None)
                await end.wait()

        tasks = [asyncio.create_task(attempt()) for _ in range(50)]
        for _ in range(10):
            await asyncio.sleep(0)
        count = len(going_on)
        end.set()
        await asyncio.gather(*tasks)
        return count

    assert asyncio.run(scenario()) == 6

"""Runs a function in a new thread, so that the event loop is not blocked."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(name: str, function: Callable[[], T]) -> T:
    """Return the result of a function, or raise its exception.

    The thread does not keep the process alive: a task that does not end when it is cancelled must not hang the program.

    :param name: of the thread, for debuggers.
    :param function: the function.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def deliver(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # without an error there is a result

    def work() -> None:
        result, caught = None, None
        try:
            result = context.run(function)
        except BaseException as error:  # noqa: BLE001 it is raised again on the event loop
            caught = error
        with contextlib.suppress(RuntimeError):  # the run ended without waiting for this thread
            loop.call_soon_threadsafe(deliver, result, caught)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await future

"""The one way in which tests wait for something that another thread, process or server does."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 120.0
"""The default timeout. It only ends a test that fails anyway, so it is long enough for a busy machine."""
_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.2


def wait_until(
    condition: Callable[[], object],
    what: str = "the condition is true",
    *,
    seconds: float = SECONDS,
    longest_pause: float = _LONGEST_PAUSE,
) -> None:
    """Poll a condition until it is true: often at first, then every ``longest_pause`` seconds.

    :param what: the condition in words, for the error.
    :param seconds: the timeout. Default: :data:`SECONDS`.
    :param longest_pause: seconds between two polls. Default: 0.2.
    :raises TimeoutError: the condition did not become true in time.
    """
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Timed out after {seconds:g} s waiting until {what}.")
        time.sleep(pause)
        pause = min(2 * pause, longest_pause)

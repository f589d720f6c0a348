"""Signals that end a command."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import click


@dataclass
class Interruption:
    """Whether a signal has arrived.

    A signal during a call of an ODBC driver fails the call, and ``KeyboardInterrupt`` can be lost in that error. So an
    error counts as an interruption if a signal has arrived.
    """

    requested: bool = False

    def check(self) -> None:
        """Raise ``KeyboardInterrupt`` if a signal has arrived."""
        if self.requested:
            raise KeyboardInterrupt


@contextmanager
def interruptible(*numbers: signal.Signals) -> Iterator[Interruption]:
    """Let signals raise ``KeyboardInterrupt``, and remember that they arrived.

    An error that ends the block after a signal becomes ``KeyboardInterrupt``, too.

    :param numbers: the signals: SIGINT (Ctrl+C), SIGTERM, which CI systems send.
    """
    interruption = Interruption()

    def interrupt(number: int, frame: FrameType | None) -> None:
        interruption.requested = True
        raise KeyboardInterrupt

    # Python delivers signals to the main thread only, and refuses handlers elsewhere.
    heard = numbers if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield interruption
    except Exception:  # of any library: a signal during its call may have caused it
        if interruption.requested:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def saying_if_interrupted(text: str) -> Iterator[None]:
    """Print a sentence on standard error if Ctrl+C ends the block.

    :param text: what is known then, and how to find out more.
    """
    try:
        with interruptible(signal.SIGINT):
            yield
    except KeyboardInterrupt:
        click.echo(text, err=True)
        raise

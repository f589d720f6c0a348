"""Actions that a test adds to executables of a run: take time, write messages, fail, or end the process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Injection:
    r"""Actions of an executable before its work, or instead of it.

    :param package: the file name of its package.
    :param path: its path: ``\Package\Load``.
    :param seconds: how long it waits first. Default: 0.
    :param messages: its first messages: ``information``, ``warning`` or ``error``, with text and code. Default:
        nothing.
    :param errors: the texts and codes of the errors with which it fails; without one, it does its work. Default: none.
    :param ends_process: whether the process of the run ends at once, as if it was killed. Default: False.
    """

    package: str
    path: str
    seconds: float = 0.0
    messages: tuple[tuple[str, str, int], ...] = ()
    errors: tuple[tuple[str, int], ...] = ()
    ends_process: bool = False

"""What a test wants executables of a run to do: take time, write messages, fail, or end the process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Injection:
    r"""What an executable does before its work, or in its place.

    :param package: the file name of its package.
    :param path: its path: ``\Package\Load``.
    :param seconds: how long it waits first. Default: 0.
    :param messages: what it says first: ``information``, ``warning`` or ``error``, with text and code. Default:
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

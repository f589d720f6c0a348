"""Errors about SSIS files. Each message names the file, the line where there is one, the problem, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_VERBS = frozenset("cannot contains declares does has is lists names occurs overlaps refers unpacks uses".split())
"""How a problem begins whose subject is the part."""


class ProjectError(Exception):
    """An SSIS file or project folder cannot be used.

    :param problem: what is wrong, without a full stop. A text that begins with a verb, such as ``is encrypted``, is
        about the part.
    :param part: the file, or the part of the archive: ``@Project.manifest``, ``Load.dtsx``, ...
    :param line: the line in that part, counted from 1. Default: None, the problem has no line.
    :param advice: what to do about it, as a sentence without a full stop.

    ``source`` is the path of the project file or project folder; :func:`located_in` sets it.
    """

    def __init__(self, problem: str, *, part: str | None = None, line: int | None = None, advice: str = "") -> None:
        self.problem = problem
        self.part = part
        self.line = line
        self.advice = advice
        self.source: str | None = None
        verb = problem.partition(" ")[0] in _VERBS
        if part is None:
            text = problem
        elif line is None:
            text = f"{part} {problem}" if verb else f"{part}: {problem}"
        else:
            text = f"{part}, line {line}, {problem}" if verb else f"{part}, line {line}: {problem}"
        super().__init__(f"{text}. {advice}" if advice else text)

    def __str__(self) -> str:
        text = super().__str__()
        return text if self.source is None or self.source in text else f"{self.source}: {text}"


class InvalidArchiveError(ProjectError):
    """The file is not a readable zip archive, or not the archive of an SSIS project."""


class LimitExceededError(ProjectError):
    """A file exceeds a limit on size, nesting depth, number of elements or compression ratio."""


class InvalidPartError(ProjectError):
    """A part is not well-formed XML, or its content is not valid for a part of its kind."""


class ProtectedError(ProjectError):
    """The protection level encrypts something that is needed, and the key or password is not available."""


class WrongPasswordError(ProtectedError):
    """The given password does not decrypt the file."""


class BuildError(ProjectError):
    """The source cannot be built into a project file."""


@contextmanager
def located_in(source: object) -> Iterator[None]:
    """Add the path of the project to each :class:`ProjectError` that the block raises without a path.

    The readers get bytes and part names only, so their errors cannot contain the path.

    :param source: the path of the project file or project folder; None adds nothing.
    """
    try:
        yield
    except ProjectError as error:
        if source is not None:
            error.source = error.source or str(source)
        raise

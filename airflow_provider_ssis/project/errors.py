"""What can be wrong with SSIS files, as exceptions: one family, and every message says where, what and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class ProjectError(Exception):
    """An SSIS file or project folder cannot be used.

    :param problem: what is wrong, as a clause that follows the name of the part.
    :param part: the file or part of the archive that is wrong: ``@Project.manifest``, ``Load.dtsx``, ...
    :param line: the line in that part, from 1; None where there is none.
    :param advice: what to do about it, as a sentence.

    ``source`` is the path of the project's file or folder, where whoever read it knows one: see :func:`naming`.
    """

    def __init__(self, problem: str, *, part: str | None = None, line: int | None = None, advice: str = "") -> None:
        self.problem = problem
        self.part = part
        self.line = line
        self.advice = advice
        self.source: str | None = None
        where = "" if part is None else part if line is None else f"{part}, line {line}"
        text = f"{where}: {problem}" if where else problem
        super().__init__(f"{text}. {advice}" if advice else text)

    def __str__(self) -> str:
        text = super().__str__()
        return text if self.source is None or self.source in text else f"{self.source}: {text}"


class InvalidArchiveError(ProjectError):
    """The file is no readable zip archive, or not one of an SSIS project."""


class LimitExceededError(ProjectError):
    """A file is larger, deeper or more compressed than the limits allow."""


class InvalidPartError(ProjectError):
    """A part is not well-formed XML, or does not hold what such a part must hold."""


class ProtectedError(ProjectError):
    """Encrypted values are in the way: the protection level needs a key or password that is not there."""


class BuildError(ProjectError):
    """The folder holds nothing that could be built into a project file."""


@contextmanager
def naming(source: object) -> Iterator[None]:
    """Let the errors raised inside name the project's file or folder: what reads its bytes cannot know it.

    :param source: its path.
    """
    try:
        yield
    except ProjectError as error:
        error.source = str(source)
        raise

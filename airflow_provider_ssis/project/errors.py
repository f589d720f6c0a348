"""What can be wrong with SSIS files, as exceptions: one family, and every message says where, what and what to do."""

from __future__ import annotations


class ProjectError(Exception):
    """An SSIS file or project folder cannot be used.

    :param problem: what is wrong, as a clause that follows the name of the part.
    :param part: the file or part of the archive that is wrong: ``@Project.manifest``, ``Load.dtsx``, ...
    :param line: the line in that part, from 1; None where there is none.
    :param advice: what to do about it, as a sentence.
    """

    def __init__(self, problem: str, *, part: str | None = None, line: int | None = None, advice: str = "") -> None:
        self.problem = problem
        self.part = part
        self.line = line
        self.advice = advice
        where = "" if part is None else part if line is None else f"{part}, line {line}"
        text = f"{where}: {problem}" if where else problem
        super().__init__(f"{text}. {advice}" if advice else text)


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

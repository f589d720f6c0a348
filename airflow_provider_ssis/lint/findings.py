"""Findings: violations of rules, with their severity and place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from pathlib import PurePosixPath


class Severity(IntEnum):
    """How serious a finding is."""

    INFO = 0
    WARNING = 1
    ERROR = 2

    @property
    def label(self) -> str:
        """The name in lower case: ``error``."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is.

    :param file: the name of the file.
    :param line: the line, from 1; None if it is the whole file.
    :param path: the path of the object: ``\\Package\\Load``, ``Project::Region``.
    :param folder: the folder of the file, as seen from the working directory. Default: that directory.
    """

    file: str
    line: int | None = None
    path: str = ""
    folder: str = ""

    @property
    def location(self) -> str:
        """The path of the file from the working directory."""
        return PurePosixPath(self.folder, self.file).as_posix()


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation of a rule.

    :param rule: the id of the rule.
    :param name: the name of the rule.
    :param severity: how serious it is.
    :param message: what is wrong.
    :param fix: what to do.
    """

    rule: str
    name: str
    severity: Severity
    place: Place
    message: str
    fix: str

    @property
    def fingerprint(self) -> str:
        """Identifies the finding in a baseline: lines move, so it depends on rule, file, object and message only."""
        text = f"{self.rule}\x00{self.place.file}\x00{self.place.path}\x00{self.message}"
        return hashlib.sha256(text.encode()).hexdigest()[:24]

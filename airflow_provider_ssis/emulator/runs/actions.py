"""What a script makes a run do, and which runs and executables it is for."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from airflow_provider_ssis.catalog.codes import MessageType, OperationStatus
from airflow_provider_ssis.project.models import Executable, ExecutableKind


@dataclass(frozen=True, slots=True)
class Target:
    """What a script is for. What it does not name fits all.

    Names are compared without case; ``*`` stands for any characters and ``?`` for any one.

    :param package: the package that is run, or one that it runs; with ``.dtsx``.
    :param executable: name or package path of an executable; None stands for the package itself.
    """

    folder: str | None = None
    project: str | None = None
    package: str | None = None
    executable: str | None = None

    def fits_run(self, folder: str, project: str, packages: Collection[str]) -> bool:
        """Whether it is for a run of these packages: the one to run, and those that it runs."""
        return (
            _fits(self.folder, folder)
            and _fits(self.project, project)
            and any(_fits(self.package, package) for package in packages)
        )

    def fits(self, executable: Executable, package: str, entry_package: str) -> bool:
        """Whether it is for this executable of a package, in a run of the entry package."""
        if self.executable is None:
            wanted = entry_package if self.package is None else self.package
            return executable.kind is ExecutableKind.PACKAGE and _fits(wanted, package)
        if not _fits(self.executable, executable.name) and not _fits(self.executable, executable.path):
            return False
        return _fits(self.package, package) or _fits(self.package, entry_package)


def _fits(pattern: str | None, name: str) -> bool:
    return pattern is None or pattern.lower() == name.lower() or _regex(pattern).fullmatch(name) is not None


@lru_cache(maxsize=256)
def _regex(pattern: str) -> re.Pattern[str]:
    text = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(text, re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fail:
    """The executable raises these errors and fails.

    :param code: signed, as the catalog shows it.
    :param component: the component of a data flow that raises them; None for the last one.
    """

    messages: tuple[str, ...]
    code: int
    component: str | None = None


@dataclass(frozen=True, slots=True)
class Take:
    """The executable takes time."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Crash:
    """The process that runs the package dies at the executable."""


@dataclass(frozen=True, slots=True)
class Write:
    """The executable writes messages."""

    message: str
    message_type: MessageType
    code: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Hang:
    """The run stays pending before it begins; ``math.inf`` seconds stand for until it is released."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The run ends in this status, whatever its executables did."""

    status: OperationStatus


Action = Fail | Take | Crash | Write | Hang | Finish


@dataclass(frozen=True, slots=True)
class Script:
    """One instruction.

    :param times: the number of runs that it is still for; None for all.
    """

    target: Target
    action: Action
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one executable shall do, in this order: write, take its time, crash or fail.

    :param seconds: None where no script says how long.
    """

    writes: tuple[Write, ...] = ()
    seconds: float | None = None
    crashes: bool = False
    failures: tuple[Fail, ...] = ()


_NO_SCRIPT: Final = Outcome()


@dataclass(frozen=True, slots=True)
class RunScript:
    """What one run shall follow."""

    scripts: tuple[Script, ...] = ()

    @property
    def pending_seconds(self) -> float:
        """How long the run stays pending; ``math.inf`` until it is released."""
        return max((script.action.seconds for script in self.scripts if isinstance(script.action, Hang)), default=0.0)

    @property
    def final_status(self) -> OperationStatus | None:
        """The status in which the run ends; None for the one that its executables bring about."""
        statuses = [script.action.status for script in self.scripts if isinstance(script.action, Finish)]
        return statuses[-1] if statuses else None

    def outcome(self, executable: Executable, package: str, entry_package: str) -> Outcome:
        """What an executable of a package shall do; of two times that it shall take, the one scripted later counts."""
        if not self.scripts:
            return _NO_SCRIPT
        actions = [script.action for script in self.scripts if script.target.fits(executable, package, entry_package)]
        times = [action.seconds for action in actions if isinstance(action, Take)]
        return Outcome(
            writes=tuple(action for action in actions if isinstance(action, Write)),
            seconds=times[-1] if times else None,
            crashes=any(isinstance(action, Crash) for action in actions),
            failures=tuple(action for action in actions if isinstance(action, Fail)),
        )

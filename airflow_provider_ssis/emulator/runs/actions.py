"""The instructions of scripts, and the runs and executables to which they apply."""

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
    """The runs and executables to which a script applies. A field that is None matches all.

    Names are compared without case; ``*`` matches any characters and ``?`` any one character.

    :param package: the package of the run, or a child package; with ``.dtsx``.
    :param executable: name or package path of an executable; None is the package itself.
    """

    folder: str | None = None
    project: str | None = None
    package: str | None = None
    executable: str | None = None

    def fits_run(self, folder: str, project: str, packages: Collection[str]) -> bool:
        """Whether it applies to a run of these packages: the package of the run, and its child packages."""
        return (
            _fits(self.folder, folder)
            and _fits(self.project, project)
            and any(_fits(self.package, package) for package in packages)
        )

    def fits(self, executable: Executable, package: str, entry_package: str) -> bool:
        """Whether it applies to this executable of a package, in a run of the entry package."""
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
    """The run stays pending for some seconds; ``math.inf``: until it is released."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The run ends in this status, regardless of its executables."""

    status: OperationStatus


Action = Fail | Take | Crash | Write | Hang | Finish


@dataclass(frozen=True, slots=True)
class Script:
    """One instruction.

    :param times: the number of runs to which it still applies; None for all.
    """

    target: Target
    action: Action
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The instructions for one executable, in this order: write, take time, crash or fail.

    :param seconds: None if no script gives a duration.
    """

    writes: tuple[Write, ...] = ()
    seconds: float | None = None
    crashes: bool = False
    failures: tuple[Fail, ...] = ()


_NO_SCRIPT: Final = Outcome()


@dataclass(frozen=True, slots=True)
class RunScript:
    """The scripts of one run."""

    scripts: tuple[Script, ...] = ()

    @property
    def pending_seconds(self) -> float:
        """Seconds for which the run stays pending; ``math.inf``: until it is released."""
        return max((script.action.seconds for script in self.scripts if isinstance(script.action, Hang)), default=0.0)

    @property
    def final_status(self) -> OperationStatus | None:
        """The status in which the run ends; None for the result of its executables."""
        statuses = [script.action.status for script in self.scripts if isinstance(script.action, Finish)]
        return statuses[-1] if statuses else None

    def outcome(self, executable: Executable, package: str, entry_package: str) -> Outcome:
        """The instructions for an executable of a package; of two durations, that of the later script applies."""
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

"""How the work of tasks is done: really, or simulated."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.events import Result
from airflow_provider_ssis.project.package.containers import ContainerData


@dataclass(slots=True)
class Work:
    """A task, or a loop, that is about to run.

    :param frame: its place in the run.
    :param data: its stored data, with the values of its property expressions.
    :param task: an object that the executor keeps from the validation for the run. Default: nothing.
    """

    frame: Frame
    data: ContainerData
    task: Any = None


class Executor(Protocol):
    """Does the work of tasks. The walk calls it on the event loop of the run."""

    is_parallel: bool
    """Whether executables run at the same time; otherwise one after the other, in the order of the package."""

    async def starting(self, frame: Frame) -> None:
        """Wait until an executable may start, before its first event.

        :raises Cancelled: the run was cancelled.
        """

    async def begin(self, frame: Frame) -> None:
        """Prepare for an executable that starts: begin its transaction.

        :raises TaskFailure: it fails before anything in it runs.
        :raises Cancelled: the run was cancelled.
        """

    async def end(self, frame: Frame, result: Result) -> None:
        """Finish an executable that was begun: end its transaction.

        :param result: its result.
        :raises TaskFailure: the executable fails in the end.
        :raises Cancelled: the run was cancelled.
        """

    async def validate(self, work: Work) -> None:
        """Check a task or loop before it runs.

        :raises TaskFailure: it cannot run.
        """

    async def run(self, work: Work) -> Any:
        """Do the work of a task.

        :returns: its execution value; None for none.
        :raises TaskFailure: it failed.
        :raises Cancelled: the run was cancelled.
        """

    async def begins_turn(self, work: Work, turn: int) -> bool:
        """Return whether an iteration of a For loop takes place whose condition is true.

        :param turn: its number, from 1.
        :raises Cancelled: the run was cancelled.
        """

    def turns(self, work: Work) -> AsyncGenerator[Sequence[Any]]:
        """Return the values of the iterations of a Foreach loop.

        :raises TaskFailure: there are none, and the loop fails.
        :raises Cancelled: the run was cancelled.
        """

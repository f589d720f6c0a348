"""How a Foreach loop gets the values of its iterations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.loops import Enumerator

DataT = TypeVar("DataT", bound=Enumerator)


class ForeachEnumerator(ABC, Generic[DataT]):
    """A type of enumerator.

    :param data: its stored data, after its property expressions.
    :param where: the path of the loop.
    """

    def __init__(self, data: DataT, where: str) -> None:
        self.data = data
        self.where = where

    def refusals(self) -> Iterator[Refusal]:
        """Yield the unsupported properties of this enumerator. Nothing is opened."""
        return iter(())

    def validate(self, context: TaskContext) -> None:
        """Check the enumerator before the loop runs.

        :param context: that of the loop.
        :raises TaskFailure: the loop cannot run.
        """

    @abstractmethod
    def turns(self, context: TaskContext) -> Iterable[Sequence[Any]]:
        """Return the values of each iteration, by the number that a variable mapping refers to (ValueIndex).

        The iterable is read while the loop runs, one iteration at a time, in a thread, and closed if the loop ends
        before it.

        :param context: that of the loop, which reads variables and raises warnings.
        :raises TaskFailure: there are no values; the loop fails.
        """

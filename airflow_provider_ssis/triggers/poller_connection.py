"""The poller's connection to the catalog, and its queries."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from airflow_provider_ssis.catalog.errors import CatalogError, ConnectError, StatementTimeout, TransientError

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import ExecutionState
    from airflow_provider_ssis.catalog.requests import PackageWatch

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

log = logging.getLogger(__name__)

_SAMPLE_SIZE = 8
"""Keys that are queried one by one to find out whether an error affects all: few, for a server in trouble."""


class AllQueriesFail(Exception):
    """Each query fails with the same error, so the cause is not one execution or package.

    :param error: the error.
    """

    def __init__(self, error: CatalogError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Answers(Generic[Key, Value]):
    """The result of a query for many keys: executions, or packages.

    :param found: what the catalog shows, by key.
    :param failed: the keys whose query failed, with the error.
    """

    found: dict[Key, Value]
    failed: dict[Key, CatalogError]


class PollerConnection:
    """A connection to the catalog, for use in one thread.

    :param open_catalog: opens a client.
    """

    def __init__(self, open_catalog: Callable[[], Catalog]) -> None:
        self._open_catalog = open_catalog
        self._catalog: Catalog | None = None

    @property
    def catalog(self) -> Catalog:
        """The client; opened if it is not open."""
        if self._catalog is None:
            self._catalog = self._open_catalog()
        return self._catalog

    @property
    def is_open(self) -> bool:
        """Whether there is a connection now."""
        return self._catalog is not None

    def close(self) -> None:
        """Close the connection. The next use opens another one."""
        catalog, self._catalog = self._catalog, None
        if catalog is not None:
            try:
                catalog.close()
            except Exception as error:  # noqa: BLE001 any error of a driver; the connection is not used again
                log.debug("Closing the connection failed: %s", error)

    def states(
        self, execution_ids: Collection[int], *, subscribed: Callable[[], Sequence[int]]
    ) -> Answers[int, ExecutionState]:
        """Read the states of executions; see :meth:`_ask`."""
        return self._ask(
            execution_ids,
            lambda group: {state.execution_id: state for state in self.catalog.execution_states(group)},
            subscribed,
        )

    def successes(
        self, watches: Collection[PackageWatch], *, subscribed: Callable[[], Sequence[PackageWatch]]
    ) -> Answers[PackageWatch, int]:
        """Read the newest successful executions of packages; see :meth:`_ask`."""
        return self._ask(watches, lambda group: self.catalog.successes(group), subscribed)

    def _ask(
        self,
        keys: Collection[Key],
        query: Callable[[Sequence[Key]], Mapping[Key, Value]],
        subscribed: Callable[[], Sequence[Key]],
    ) -> Answers[Key, Value]:
        """Ask with one query. If it fails, with several, so that the error of one key does not fail the others.

        :param keys: what to ask for.
        :param query: asks the catalog.
        :param subscribed: returns all keys that have subscribers, also those that are not queried now.
        :raises AllQueriesFail: each query fails with the same error.
        :raises Exception: the connection failed.
        """
        answers: Answers[Key, Value] = Answers({}, {})
        groups = [list(keys)]
        is_repeated = False
        while groups:
            group = groups.pop()
            try:
                answers.found.update(query(group))
            except CatalogError as error:
                if _is_connection_error(error):
                    raise
                if len(group) == len(keys) and not is_repeated and _affects_all(error, query, subscribed()):
                    raise AllQueriesFail(error) from None
                if len(group) > 1:
                    groups += halves(group)
                elif len(keys) == 1 and len(subscribed()) > 1 and not is_repeated:
                    # The others can be read now, so the error may have ended meanwhile.
                    is_repeated = True
                    groups.append(group)
                else:
                    answers.failed[group[0]] = error
        return answers


def _affects_all(error: CatalogError, query: Callable[[Sequence[Key]], object], subscribed: Sequence[Key]) -> bool:
    sample = random.sample(subscribed, min(_SAMPLE_SIZE, len(subscribed)))
    # With a single key, the error may be its own.
    return len(sample) > 1 and all(_fails_with(error, query, each) for each in sample)


def _fails_with(error: CatalogError, query: Callable[[Sequence[Key]], object], key: Key) -> bool:
    try:
        query([key])
    except CatalogError as other:
        if _is_connection_error(other):
            raise
        return (type(other), other.number) == (type(error), error.number)
    return False


def halves(group: Sequence[Key]) -> list[list[Key]]:
    """Both halves of a group of two or more."""
    middle = len(group) // 2
    return [list(group[:middle]), list(group[middle:])]


def _is_connection_error(error: CatalogError) -> bool:
    """Whether the connection or the server is the cause, not the query."""
    return isinstance(error, (TransientError, ConnectError, StatementTimeout))

"""The poller's connection to the catalog, and its status query."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.errors import CatalogError, ConnectError, StatementTimeout, TransientError

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import ExecutionState

log = logging.getLogger(__name__)

_SAMPLE_SIZE = 8
"""Executions that are queried one by one to find out whether an error affects all: few, for a server in trouble."""


class AllQueriesFail(Exception):
    """Each status query fails with the same error, so the cause is not one execution.

    :param error: the error.
    """

    def __init__(self, error: CatalogError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class States:
    """The result of a status query.

    :param found: the states of the executions that the catalog shows.
    :param failed: the executions whose state could not be read, with the error.
    """

    found: dict[int, ExecutionState]
    failed: dict[int, CatalogError]


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

    def states(self, execution_ids: Collection[int], *, subscribed: Callable[[], Sequence[int]]) -> States:
        """Read the states of executions with one query. If it fails, with several, so that a query that fails for one
        execution does not fail the others.

        :param execution_ids: the executions.
        :param subscribed: returns all executions that have subscribers, also those that are not queried now.
        :raises AllQueriesFail: each query fails with the same error.
        :raises Exception: the connection failed.
        """
        states = States({}, {})
        groups = [list(execution_ids)]
        while groups:
            group = groups.pop()
            try:
                states.found.update((state.execution_id, state) for state in self.catalog.execution_states(group))
            except CatalogError as error:
                if _is_connection_error(error):
                    raise
                if len(group) == len(execution_ids) and self._affects_all(error, subscribed()):
                    raise AllQueriesFail(error) from None
                if len(group) == 1:
                    states.failed[group[0]] = error
                else:
                    groups += halves(group)
        return states

    def _affects_all(self, error: CatalogError, subscribed: Sequence[int]) -> bool:
        sample = random.sample(subscribed, min(_SAMPLE_SIZE, len(subscribed)))
        # With a single execution, the error may be its own.
        return len(sample) > 1 and all(self._fails_with(each, error) for each in sample)

    def _fails_with(self, execution_id: int, error: CatalogError) -> bool:
        try:
            self.catalog.execution_states([execution_id])
        except CatalogError as other:
            if _is_connection_error(other):
                raise
            return (type(other), other.number) == (type(error), error.number)
        return False


def halves(group: Sequence[int]) -> list[list[int]]:
    """Both halves of a group of two or more."""
    middle = len(group) // 2
    return [list(group[:middle]), list(group[middle:])]


def _is_connection_error(error: CatalogError) -> bool:
    """Whether the connection or the server is the cause, not the query."""
    return isinstance(error, (TransientError, ConnectError, StatementTimeout))

"""Where a thread looks at the catalog from: a connection of its own, and how far executions are as seen from there."""

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

_WITNESSES = 8
"""Executions that are asked for one by one to tell whether an error meets all: few, for a server in trouble."""


class MeetsAll(Exception):
    """The catalog refuses every look in the same way, so the error is not about one execution.

    :param error: what each look fails with.
    """

    def __init__(self, error: CatalogError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class States:
    """How far executions are.

    :param found: those that the catalog shows.
    :param failed: those that it refuses to look at, with what it says.
    """

    found: dict[int, ExecutionState]
    failed: dict[int, CatalogError]


class Lookout:
    """A connection to the catalog, for one thread alone.

    :param open_catalog: opens a client.
    """

    def __init__(self, open_catalog: Callable[[], Catalog]) -> None:
        self._open_catalog = open_catalog
        self._catalog: Catalog | None = None

    @property
    def catalog(self) -> Catalog:
        """The client, opened unless it is."""
        if self._catalog is None:
            self._catalog = self._open_catalog()
        return self._catalog

    @property
    def is_open(self) -> bool:
        """Whether there is a connection now."""
        return self._catalog is not None

    def close(self) -> None:
        """Give the connection up; the next use opens another one."""
        catalog, self._catalog = self._catalog, None
        if catalog is not None:
            try:
                catalog.close()
            except Exception as error:  # noqa: BLE001 any driver's; the connection is given up anyway
                log.debug("Closing the connection failed: %s", error)

    def states(self, execution_ids: Collection[int], *, waiting: Callable[[], Sequence[int]]) -> States:
        """Look at executions with one query; with more where it fails, since a look that fails for one must not fail
        the others.

        :param execution_ids: the executions.
        :param waiting: gives all executions that somebody waits for, also those that are not looked at now.
        :raises MeetsAll: every look fails in the same way.
        :raises Exception: whatever concerns the way to the catalog.
        """
        states = States({}, {})
        groups = [list(execution_ids)]
        while groups:
            group = groups.pop()
            try:
                states.found.update((state.execution_id, state) for state in self.catalog.execution_states(group))
            except CatalogError as error:
                if _concerns_the_way(error):
                    raise
                if len(group) == len(execution_ids) and self._meets_all(error, waiting()):
                    raise MeetsAll(error) from None
                if len(group) == 1:
                    states.failed[group[0]] = error
                else:
                    groups += halves(group)
        return states

    def _meets_all(self, error: CatalogError, waiting: Sequence[int]) -> bool:
        witnesses = random.sample(waiting, min(_WITNESSES, len(waiting)))
        # A single one cannot tell whether the error is its own.
        return len(witnesses) > 1 and all(self._fails_alike(each, error) for each in witnesses)

    def _fails_alike(self, execution_id: int, error: CatalogError) -> bool:
        try:
            self.catalog.execution_states([execution_id])
        except CatalogError as other:
            if _concerns_the_way(other):
                raise
            return (type(other), other.number) == (type(error), error.number)
        return False


def halves(group: Sequence[int]) -> list[list[int]]:
    """Both halves of a group of two or more."""
    middle = len(group) // 2
    return [list(group[:middle]), list(group[middle:])]


def _concerns_the_way(error: CatalogError) -> bool:
    """Whether the error is about the way to the catalog rather than about what was asked."""
    return isinstance(error, (TransientError, ConnectError, StatementTimeout))

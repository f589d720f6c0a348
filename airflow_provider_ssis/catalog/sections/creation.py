"""The state of a creation that may take several calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_ssis.catalog.errors import CatalogError, ConnectionLost
from airflow_provider_ssis.catalog.session import Explain
from airflow_provider_ssis.catalog.sql.execution_creation import Incomplete
from airflow_provider_ssis.catalog.sql.statements import Batch, OwnError


class Creation:
    """The creation of one execution. After a transient error, a repetition completes the execution that exists.

    :param batches: makes the batches, given the execution to complete, if there is one.
    :param explain: makes a better exception of an error.
    """

    def __init__(self, batches: Callable[[Incomplete | None], Iterator[Batch]], explain: Explain) -> None:
        self._batches = batches
        self._explain = explain
        self._incomplete: Incomplete | None = None
        self.further: Sequence[Batch] = ()
        """The batches after the first."""

    def first(self) -> Batch:
        """The first batch."""
        first, *self.further = self._batches(self._incomplete)
        return first

    def explain(self, error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
        """Note the execution that an error left incomplete."""
        if row.get("step") is not None:
            self._incomplete = Incomplete(row["execution_id"], row["step"])
        elif isinstance(error, ConnectionLost) or OwnError.OVERTAKEN.is_reported_by(error):
            # After a lost connection, which settings are set is unknown, and a second override of one property does
            # harm.
            self._incomplete = None
        return self._explain(error, row)

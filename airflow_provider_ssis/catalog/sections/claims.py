"""Executions that are somebody's own: found or created, and started, never twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import CatalogError, OtherExecutionActive, TransientError
from airflow_provider_ssis.catalog.models import ClaimedExecution
from airflow_provider_ssis.catalog.sections.executions import Executions
from airflow_provider_ssis.catalog.sql.claiming import OTHER_ID, claim_batches, settings_of_claim, start_batch
from airflow_provider_ssis.catalog.sql.statements import OwnError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from airflow_provider_ssis.catalog.requests import Claim, ExecutionRequest
    from airflow_provider_ssis.catalog.sql.rows import ResultSet


class Claims(Executions):
    """The part of the catalog that gives each claim one execution, however often and by however many it is made."""

    def claim_execution(self, request: ExecutionRequest, claim: Claim) -> ClaimedExecution:
        """Find the claim's execution, or create it with everything that belongs to it.

        One round trip, under a lock that only one client at a time gets. Found is the newest execution of the package
        that the owner's text names, or else the one whose id is known, unless it failed, was stopped or ended
        unexpectedly.

        :param request: what to run and how.
        :param claim: whose it is.
        :return: the execution: status CREATED means that it is to be started.
        :raises OtherExecutionActive: there is none yet, and another one is active that must be over first.
        :raises CatalogError: as :meth:`create_execution` does.
        """
        settings = settings_of_claim(request, claim)
        doing = f"Creating an execution of {request.folder}/{request.project}/{request.package}"
        explain_creation = self._explain_request(request, settings, doing)

        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            return _lock_not_granted(error, doing) or explain_creation(error, row)

        first, *further = claim_batches(request, settings, claim)
        results = self._session.run(first, doing=doing, explain=explain)
        execution_id, status, created = results[-1].rows[0]
        if execution_id is None:
            raise _others_active(results[-2], doing)
        if created:
            self._finish_creation(execution_id, further, doing, explain)
        return ClaimedExecution(int(execution_id), OperationStatus(status), bool(created))

    def start_claimed_execution(self, execution_id: int, claim: Claim) -> OperationStatus:
        """Start an execution that :meth:`claim_execution` gave, once only, whoever else holds the same claim.

        :return: the status right after the start; that of an execution which another holder of the claim has started.
        :raises OtherExecutionActive: another one became active that must be over first; nothing was started.
        :raises CatalogError: as :meth:`start_execution` does.
        """
        results = self._start(start_batch(execution_id, claim), execution_id, is_ours=True)
        others = [result for result in results if result.columns[:1] == (OTHER_ID,) and result.rows]
        if others:
            raise _others_active(others[0], f"Starting the execution {execution_id}")
        return OperationStatus(results[-1].rows[0][0])


def _others_active(result: ResultSet, doing: str) -> OtherExecutionActive:
    others = _others(result.rows)
    names = ", ".join(str(execution_id) for execution_id, _ in others)
    error = OtherExecutionActive(f"{doing} was not done: active already: execution {names}")
    error.others = others
    return error


def _others(rows: Sequence[Sequence[Any]]) -> tuple[tuple[int, bool], ...]:
    return tuple((int(execution_id), bool(of_family)) for execution_id, of_family in rows)


def _lock_not_granted(error: CatalogError, doing: str) -> CatalogError | None:
    if not OwnError.LOCK_NOT_GRANTED.is_told_by(error):
        return None
    return TransientError(f"{doing} failed: somebody else has been at it for a minute", advice="Try again later.")

"""The trigger that waits until a validation has ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog


class SsisValidationTrigger(SsisExecutionTrigger):
    """Wait until a validation has ended, on the poller that all triggers of the connection share.

    Validations have ids of the same sequence as executions, and the same statuses and messages. The arguments are
    those of :class:`~airflow_provider_ssis.triggers.execution.SsisExecutionTrigger`; ``execution_id`` is the
    validation's id.
    """

    noun = "Validation"

    def _stop(self, open_catalog: Callable[[], Catalog]) -> None:
        from airflow_provider_ssis.catalog.errors import CatalogError
        from airflow_provider_ssis.executions.validation import stop_validation

        try:
            with open_catalog() as catalog:
                stop_validation(catalog, self.execution_id, self.log)
        except CatalogError as error:
            self.log.error("Validation %d is not stopped: %s", self.execution_id, error)

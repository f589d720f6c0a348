"""What the sensors share: waiting on a worker or in the triggerer, and outages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseSensorOperator

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.errors import CatalogError, CatalogMissing, LoginFailed
from airflow_provider_ssis.executions.deadline import check_seconds
from airflow_provider_ssis.executions.outage import OutageTolerance
from airflow_provider_ssis.operators.base import SsisWaitingTask
from airflow_provider_ssis.operators.dag_checks import check_name, check_switches


class SsisSensor(SsisWaitingTask, BaseSensorOperator):
    """Base of the sensors.

    :param ssis_conn_id: the connection.
    :param deferrable: wait in the triggerer.
    """

    def __init__(self, *, ssis_conn_id: str, deferrable: bool, **kwargs: Any) -> None:
        # Airflow's own checks name no value.
        for name in ("timeout", "poke_interval"):
            if not isinstance(given := kwargs.get(name), timedelta | None):
                check_seconds(name, given)
        super().__init__(**kwargs)
        if deferrable:
            # The triggerer would never pause.
            check_seconds("poke_interval", self.poke_interval, zero=False)
        self.ssis_conn_id = ssis_conn_id
        check_name("ssis_conn_id", ssis_conn_id)
        self.deferrable = deferrable
        check_switches(self, "deferrable")
        self._tolerance: OutageTolerance | None = None
        self._has_read = False

    @property
    def _poll_interval(self) -> float:
        return self.poke_interval

    def _tolerate(self, error: CatalogError) -> None:
        """Continue to wait after an error.

        :raises CatalogError: the same error, if it is not temporary or the outage has lasted too long.
        """
        if not self._has_read and isinstance(error, LoginFailed | CatalogMissing):
            # It counts as an outage only after a successful login: each attempt could lock the account.
            raise error
        self._tolerance = self._tolerance or OutageTolerance(config.outage_timeout())
        is_first = not self._tolerance.is_active
        self._tolerance.record_failure(error)
        if is_first:
            self.log.warning("The catalog cannot be read; the task goes on waiting: %s", error)

    def _log_recovery(self) -> None:
        self._has_read = True
        if self._tolerance is not None and (lasted := self._tolerance.record_success()) is not None:
            self.log.info("The catalog can be read again, after %.0f s.", lasted)

    def _skip(self, text: str) -> Exception:
        # Airflow replaces the exception's text when the task comes from the triggerer.
        self.log.warning("Skipped: %s", text)
        return AirflowSkipException(text)

"""The base of the sensors: waiting on a worker or in the triggerer, and outages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException, BaseSensorOperator

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.errors import CatalogError, CatalogMissing, LoginFailed
from airflow_provider_ssis.compat import execute_sensor, is_first_poke, reschedule_exception
from airflow_provider_ssis.executions.deadline import DeferralTimes, check_seconds
from airflow_provider_ssis.executions.outage import OutageTolerance
from airflow_provider_ssis.executions.status_log import StatusLog
from airflow_provider_ssis.operators.base import SsisWaitingTask
from airflow_provider_ssis.operators.dag_checks import check_name, check_switches

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


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
        self._status_log: StatusLog | None = None
        self._last_found = ""

    @property
    def _poll_interval(self) -> float:
        return self.poke_interval

    def execute(self, context: Context) -> Any:
        """Wait, on the worker or in the triggerer.

        :param context: the task's context.
        :return: see the class.
        """
        # An earlier try may have run in the same process.
        self._tolerance = self._status_log = None
        with self._skip_on_error():
            return self._execute_deferrable(context) if self.deferrable else self._execute_on_worker(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Continue after the deferral.

        :param next_method: the method to call.
        :param next_kwargs: its arguments.
        :param context: the task's context.
        """
        with self._skip_on_error():
            return super().resume_execution(next_method, next_kwargs, context)

    @contextmanager
    def _skip_on_error(self) -> Iterator[None]:
        """Skip the task in place of an error, with ``never_fail``; with ``soft_fail``, in place of a timeout.

        Airflow's own handling covers only what Airflow calls and, after a deferral, only Airflow's exceptions; before
        3.1 it lacks ``never_fail`` there, and in 3.0 ``soft_fail`` at a timeout.
        """
        try:
            yield
        except AirflowSkipException as skip:
            if skip.__cause__ is not None:
                # Airflow's text does not have the reason.
                self.log.warning("Skipped: %s", skip.__cause__)
            raise
        except reschedule_exception():
            raise
        except Exception as error:
            if self.never_fail or (self.soft_fail and isinstance(error, AirflowSensorTimeout)):
                raise self._skip(str(error)) from error
            raise

    def _execute_on_worker(self, context: Context) -> Any:
        """Wait on the worker, in either mode of the sensor."""
        try:
            return execute_sensor(self, context)
        except AirflowSensorTimeout:
            # Airflow's text does not say what the sensor waited for.
            raise AirflowSensorTimeout(
                f"The sensor's timeout of {self.timeout:g} s has passed. {self._last_found} "
                "The sensor stops no execution."
            ) from None
        except reschedule_exception() as reschedule:
            result = self._wait_on_worker(context) if is_first_poke(context) else None
            if result is not None:
                return result
            raise type(reschedule)(max(reschedule.reschedule_date, DeferralTimes().resume_at())) from None

    def _execute_deferrable(self, context: Context) -> Any:
        """Defer, unless the wait has ended already."""
        raise NotImplementedError  # each sensor defines it

    def _wait_on_worker(self, context: Context) -> dict[str, Any] | None:
        """Wait on the worker for some seconds, before the sensor is rescheduled for the first time.

        :param context: the task's context.
        :return: what the task returns; None if the wait has not ended.
        """
        return None

    def _log_status(self, text: str) -> None:
        """Log the state of the wait: when it changes, and every ten minutes.

        In mode ``reschedule`` each poke is a separate process, so each one logs it.
        """
        self._last_found = text
        self._status_log = self._status_log or StatusLog(self.log)
        self._status_log.report(text)

    def _is_later_poke(self, context: Context) -> bool:
        """Whether a hint has been logged by an earlier poke, which was a separate process."""
        return not self.deferrable and self.reschedule and not is_first_poke(context)

    def _tolerate(self, error: CatalogError) -> None:
        """Continue to wait after an error.

        :raises CatalogError: the same error, if it is not temporary or the outage has lasted too long.
        """
        if not self._has_read and isinstance(error, LoginFailed | CatalogMissing):
            # It counts as an outage only after a successful login: each attempt could lock the account.
            raise error
        self._last_found = f"The catalog cannot be read: {error}"
        self._tolerance = self._tolerance or OutageTolerance(config.outage_timeout())
        is_first = not self._tolerance.is_active
        self._tolerance.record_failure(error)
        if is_first:
            self.log.warning("The catalog cannot be read; the task keeps waiting: %s", error)

    def _log_recovery(self) -> None:
        self._has_read = True
        if self._tolerance is not None and (lasted := self._tolerance.record_success()) is not None:
            self.log.info("The catalog can be read again, after %.0f s.", lasted)

    def _skip(self, text: str) -> Exception:
        # Airflow replaces the exception's text when the task comes from the triggerer.
        self.log.warning("Skipped: %s", text)
        return AirflowSkipException(text)

"""Waiting until a package has succeeded, whichever client runs it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import AirflowSensorTimeout, PokeReturnValue

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.errors import CatalogError
from airflow_provider_ssis.catalog.requests import PackageWatch
from airflow_provider_ssis.exceptions import InvalidTaskArgument, RenderedToNothing, SsisTaskError
from airflow_provider_ssis.executions.arguments import required_text, shown
from airflow_provider_ssis.executions.deadline import deferral_timeout
from airflow_provider_ssis.executions.outcome import ended_text, result_of
from airflow_provider_ssis.executions.polling import WaitResult, get_execution
from airflow_provider_ssis.executions.unknown_names import unknown_name
from airflow_provider_ssis.operators.dag_checks import check_name, check_package, is_known
from airflow_provider_ssis.sensors.base import SsisSensor
from airflow_provider_ssis.triggers.events import ExecutionEvent
from airflow_provider_ssis.triggers.package import SsisPackageTrigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_ssis.catalog.client import Catalog


class SsisPackageSensor(SsisSensor):
    """Wait until a package has succeeded since a point in time, whichever client runs it.

    For packages that SQL Server Agent, another Airflow or a person starts. An execution that fails does not end the
    wait, because another one may succeed. The sensor can wait on a worker (mode ``poke`` or ``reschedule``; each poke
    opens and closes a connection) or in the triggerer, where all triggers of an Airflow connection share one.

    The login must be able to read executions of other logins: as a member of ``ssis_logreader`` or ``ssis_admin``. An
    outage of the server of up to ``[ssis] outage_timeout`` does not fail the sensor.

    :param folder: the catalog's folder. (templated)
    :param project: the project. (templated)
    :param package: the package, with ``.dtsx``. (templated)
    :param since: only executions that were created at or after this time count, by the server's clock: a datetime with
        a time zone, or its ISO 8601 text, such as ``"{{ data_interval_start }}"``. (templated)
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :param deferrable: wait in the triggerer, without a worker. ``poke_interval`` is then the longest time between two
        polls, and must not be 0. Default: ``[operators] default_deferrable``.
    :return: the newest successful execution: ``execution_id``, ``folder``, ``project``, ``package``, ``status`` and
        ``duration`` in seconds.
    :raises InvalidTaskArgument: when the DAG is parsed: an argument cannot be used.
    :raises AirflowSensorTimeout: the package had not succeeded at the sensor's ``timeout``.
    :raises SsisTaskError: the triggerer could not read the catalog for ``[ssis] outage_timeout``.
    :raises CatalogError: the worker could not read it for as long, or the error is not temporary. The subclasses in
        :mod:`airflow_provider_ssis.catalog.errors` show the reason.
    """

    template_fields: Sequence[str] = ("folder", "project", "package", "since", "ssis_conn_id")
    ui_color = "#f5ecd7"

    def __init__(
        self,
        *,
        folder: str,
        project: str,
        package: str,
        since: datetime | str | XComArg,
        ssis_conn_id: str = "ssis_default",
        deferrable: bool = config.default_deferrable(),
        **kwargs: Any,
    ) -> None:
        super().__init__(ssis_conn_id=ssis_conn_id, deferrable=deferrable, **kwargs)
        check_name("folder", folder)
        check_name("project", project)
        check_package(package)
        if isinstance(since, datetime) or is_known(since):
            moment(since)
        self.folder = folder
        self.project = project
        self.package = package
        self.since = since
        self._is_checked = False

    def _execute_deferrable(self, context: Context) -> Any:
        trigger = self._package_trigger(context)
        trigger.check()
        first = self.poke(context)
        return first.xcom_value if first.is_done else self._defer(context, trigger)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Continue after the triggerer has waited.

        :param context: the task's context.
        :param event: the payload of the trigger's event.
        :return: see the class.
        """
        received = ExecutionEvent.from_payload(event)
        if received.result is WaitResult.UNREACHABLE:
            text = received.detail or "the triggerer could not read the catalog."
            raise SsisTaskError(f"Whether {self._title} has succeeded is not known: {text}")
        done = self.poke(context)
        if done.is_done:
            return done.xcom_value
        if received.result is not WaitResult.TIMED_OUT:
            # The event of another task's trigger, or the catalog cannot be read now.
            return self._defer(context, self._package_trigger(context))
        text = (
            f"{self._title} had not succeeded {self.timeout:g} s after the task's start, which is its timeout. "
            f"Only executions since {moment(self.since).isoformat(sep=' ')} count."
        )
        raise self._skip(text) if self.soft_fail else AirflowSensorTimeout(text)

    def poke(self, context: Context) -> PokeReturnValue:
        """Search for a successful execution once.

        :param context: the task's context.
        :return: done if there is one, with what the task returns; not done if there is none, or if the catalog cannot
            be read now.
        """
        watch = self._watch()
        try:
            with self.hook.open_catalog() as catalog:
                execution_id = catalog.successes([watch]).get(watch)
                self._log_recovery()
                if execution_id is not None:
                    return PokeReturnValue(is_done=True, xcom_value=self._outcome(catalog, execution_id))
                self._log_status(f"{self._title} has not succeeded since {watch.since.isoformat(sep=' ')}.")
                self._warn_once(context, catalog, watch)
        except CatalogError as error:
            self._tolerate(error)
        return PokeReturnValue(is_done=False)

    def _warn_once(self, context: Context, catalog: Catalog, watch: PackageWatch) -> None:
        """Warn if there is no such package. It may be deployed later, so the sensor continues."""
        if self._is_checked or self._is_later_poke(context):
            return
        self._is_checked = True
        if (hint := unknown_name(catalog, watch.folder, watch.project, watch.package)) is not None:
            self.log.warning("%s The sensor waits for it nevertheless.", hint)

    def _outcome(self, catalog: Catalog, execution_id: int) -> dict[str, Any]:
        execution = get_execution(catalog, execution_id)
        self.log.info("%s.", ended_text(execution))
        return result_of(execution)

    def _defer(self, context: Context, trigger: SsisPackageTrigger) -> NoReturn:
        self.log.info("Waiting for a success of %s in the triggerer.", self._title)
        self.defer(
            trigger=trigger,
            method_name="execute_complete",
            timeout=deferral_timeout(self._deadline(context), self._poll_interval),
        )

    def _package_trigger(self, context: Context) -> SsisPackageTrigger:
        watch = self._watch()
        return SsisPackageTrigger(
            folder=watch.folder,
            project=watch.project,
            package=watch.package,
            since=watch.since.isoformat(),
            ssis_conn_id=self.ssis_conn_id,
            poll_interval=self._poll_interval,
            deadline=self._deadline(context).at,
            outage_timeout=config.outage_timeout(),
            deferred_at=time.time(),
            resume_after=config.resume_after(),
        )

    def _watch(self) -> PackageWatch:
        return PackageWatch(
            required_text("folder", self.folder),
            required_text("project", self.project),
            required_text("package", self.package),
            moment(self.since),
        )

    @property
    def _title(self) -> str:
        return f"{self.folder}/{self.project}/{self.package}"


def moment(value: Any) -> datetime:
    """The time in the argument ``since``.

    :param value: a datetime, or its text.
    :raises InvalidTaskArgument: it is not a time, or has no time zone.
    :raises RenderedToNothing: it is the text ``None``.
    """
    found = value
    if isinstance(value, str):
        if value.strip() in ("", "None"):
            raise RenderedToNothing("since")
        try:
            found = datetime.fromisoformat(value.strip())
        except ValueError:
            found = None
    if not isinstance(found, datetime):
        raise InvalidTaskArgument(
            f"The argument 'since' is {shown(value)}. Give a datetime, or its text as 2024-02-29T06:00:00+01:00."
        )
    if found.tzinfo is None:
        raise InvalidTaskArgument(f"The argument 'since' is {value!s:.100}, without a time zone. Add one: +01:00.")
    # Airflow's own class of datetime prints itself in another form.
    return datetime.fromisoformat(found.isoformat())

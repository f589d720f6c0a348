"""Scale Out: workers, and the executions that they run."""

from __future__ import annotations

from uuid import UUID

from airflow_provider_ssis.catalog.argument_limits import check_arguments
from airflow_provider_ssis.catalog.codes import PermissionType
from airflow_provider_ssis.catalog.errors import InvalidArgument
from airflow_provider_ssis.catalog.models import WorkerAgent, WorkerCounter
from airflow_provider_ssis.catalog.refusals import ADMIN_ROLE, OperationTarget
from airflow_provider_ssis.catalog.sections.commands import CommandPart
from airflow_provider_ssis.catalog.sql.statements import Batch, MarkerValue, select

_AGENT = {
    "worker_agent_id": "v.WorkerAgentId",
    "is_enabled": "v.IsEnabled",
    "display_name": "v.DisplayName",
    "description": "v.Description",
    "machine_name": "v.MachineName",
    "tags": "v.Tags",
    "user_account": "v.UserAccount",
    "last_online_time": "v.LastOnlineTime",
}
_COUNTER = {
    "worker_agent_id": "v.WorkerAgentId",
    "counter_name": "v.PerfCounterName",
    "counter_value": "v.PerfCounterValue",
    "time_stamp": "v.TimeStamp",
}
_WORKER = "@worker uniqueidentifier"


class ScaleOut(CommandPart):
    """The part of the catalog client for Scale Out.

    Members of ssis_admin, sysadmin and ssis_cluster_executor see the workers; the first two may change them.
    """

    def worker_agents(self) -> list[WorkerAgent]:
        """The workers, by the name of their machine."""
        batch = select(WorkerAgent, "catalog.worker_agents AS v", order_by="v.MachineName", joined=_AGENT)
        return self._session.fetch(WorkerAgent, batch, doing="Reading the workers of Scale Out")

    def worker_counters(self, worker_id: UUID | str) -> list[WorkerCounter]:
        """The performance counters of a worker.

        :param worker_id: the worker.
        :raises InvalidArgument: the agent id is not an id.
        """
        doing = f"Reading the counters of the worker {worker_id}"
        batch = select(
            WorkerCounter,
            "catalog.worker_agent_perfcounter AS v",
            where=["v.WorkerAgentId = CAST(? AS uniqueidentifier)"],
            values=[_guid(worker_id, doing)],
            order_by="v.PerfCounterName",
            joined=_COUNTER,
        )
        return self._session.fetch(WorkerCounter, batch, doing=doing)

    def enable_worker_agent(self, worker_id: UUID | str) -> None:
        """Let a worker run executions.

        :param worker_id: the worker.
        :raises WorkerNotFound: there is no such worker.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        :raises InvalidArgument: the agent id is not an id.
        """
        self._worker("catalog.enable_worker_agent", worker_id, "Enabling")

    def disable_worker_agent(self, worker_id: UUID | str) -> None:
        """Let a worker run no further executions.

        :param worker_id: the worker.
        :raises CatalogError: as :meth:`enable_worker_agent`.
        """
        self._worker("catalog.disable_worker_agent", worker_id, "Disabling")

    def delete_worker_agent(self, worker_id: UUID | str) -> None:
        """Remove a worker from the catalog.

        :param worker_id: the worker.
        :raises CatalogError: as :meth:`enable_worker_agent`.
        """
        self._worker("catalog.delete_worker_agent", worker_id, "Deleting")

    def set_worker_agent_property(self, worker_id: UUID | str, name: str, value: str) -> None:
        """Change a property of a worker.

        :param worker_id: the worker.
        :param name: the property: ``DisplayName``, ``Description`` or ``Tags``.
        :param value: its value.
        :raises CatalogError: as :meth:`enable_worker_agent`.
        """
        check_arguments(worker_property=name)
        doing = f"Setting the property {name!r} of the worker {worker_id}"
        self._command(
            "SET @worker = CAST(? AS uniqueidentifier);\nEXEC catalog.set_worker_agent_property "
            "@WorkerAgentId = @worker, @PropertyName = ?, @PropertyValue = ?;",
            [_guid(worker_id, doing), name, value],
            doing,
            role=ADMIN_ROLE,
            declare=_WORKER,
        )

    def add_execution_worker(self, execution_id: int, worker_id: UUID | str) -> None:
        """Let an execution run on a worker. It must have been created for Scale Out, and not for any worker.

        :param execution_id: the execution.
        :param worker_id: the worker.
        :raises ExecutionNotFound: there is no such execution.
        :raises InvalidArgument: the execution has no Scale Out job, or that is not the id of a worker.
        :raises PermissionDenied: the login may not change the execution.
        """
        doing = f"Adding the worker {worker_id} to the execution {execution_id}"
        self._command(
            "SET @worker = CAST(? AS uniqueidentifier);\n"
            "EXEC catalog.add_execution_worker @execution_id = ?, @workeragent_id = @worker;",
            [_guid(worker_id, doing), execution_id],
            doing,
            OperationTarget(execution_id, PermissionType.MODIFY),
            declare=_WORKER,
        )

    def enable_scale_out(self) -> None:
        """Prepare the catalog for Scale Out.

        :raises PermissionDenied: the login is not sysadmin.
        """
        self._command("EXEC catalog.enable_scaleout;", [], "Enabling Scale Out")

    def update_logdb_info(self, server_name: str, connection_string: str) -> None:
        """Change where the workers write their logs.

        :param server_name: the server.
        :param connection_string: how the workers connect to it. It may contain a password, so it is never logged.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        self._command(
            "EXEC catalog.update_logdb_info @server_name = ?, @connection_string = ?;",
            [server_name, connection_string],
            "Changing the log database of Scale Out",
            role=ADMIN_ROLE,
        )

    def update_master_address(self, address: str) -> None:
        """Change the address at which the workers reach the Scale Out Master.

        :param address: the address, ``https://host:8391`` for instance, at most 256 characters.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        check_arguments(worker_property=address)
        self._command(
            "EXEC catalog.update_master_address @MasterAddress = ?;",
            [address],
            "Changing the address of the Scale Out Master",
            role=ADMIN_ROLE,
        )

    def master_properties(self) -> dict[str, str]:
        """The properties of the Scale Out Master by name."""
        batch = Batch("SELECT property_name, property_value FROM catalog.master_properties ORDER BY property_name;")
        return dict(self._session.run(batch, doing="Reading the properties of the Scale Out Master")[-1].rows)

    def _worker(self, procedure: str, worker_id: UUID | str, action: str) -> None:
        doing = f"{action} the worker {worker_id}"
        values: list[MarkerValue] = [_guid(worker_id, doing)]
        self._command(
            f"SET @worker = CAST(? AS uniqueidentifier);\nEXEC {procedure} @WorkerAgentId = @worker;",
            values,
            doing,
            role=ADMIN_ROLE,
            declare=_WORKER,
        )


def _guid(value: UUID | str, doing: str) -> str:
    try:
        return str(value if isinstance(value, UUID) else UUID(value))
    except ValueError:
        raise InvalidArgument(
            f"{doing} failed: {value!r} is not the id of a worker",
            advice="The view catalog.worker_agents lists the workers with their ids.",
        ) from None

"""Workers of Scale Out through T-SQL, for any client: a procedure of schema ``emulator``::

    DECLARE @id uniqueidentifier;
    EXEC emulator.add_worker @machine_name = N'WORKER1', @worker_agent_id = @id OUTPUT;

Members of sysadmin may call it. The first worker turns Scale Out on.
"""

from __future__ import annotations

import uuid
from typing import Protocol

from airflow_provider_ssis.emulator.control.procedures import BAD_ARGUMENT, PERMISSION_DENIED, SCHEMA
from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.metadata.signatures import parse_signature
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_NAME = "add_worker"
_SIGNATURE = "@machine_name nvarchar(256), @enabled bit = 1, @worker_agent_id uniqueidentifier = NULL OUTPUT"


class AddWorker(Protocol):
    """Registers a worker."""

    def __call__(self, store: Store, machine_name: str, *, enabled: bool) -> uuid.UUID:
        """Write the worker of a machine; returns its id."""


def worker_procedures(database: str, add: AddWorker) -> list[Procedure]:
    """The procedure that registers workers.

    :param database: its database.
    :param add: registers a worker.
    """

    async def add_worker(call: ProcedureCall) -> None:
        """Register the worker of ``@machine_name``, or change it; ``@enabled`` lets it run packages."""
        if not call.session.principal.is_sysadmin:
            text = f"The EXECUTE permission was denied on '{_NAME}': only members of sysadmin have it."
            raise SqlError(PERMISSION_DENIED, text, severity=14, ends_batch=True)
        machine_name = call.arguments["machine_name"]
        if machine_name is None or not machine_name.strip():
            raise SqlError(BAD_ARGUMENT, f"{SCHEMA}.{_NAME}: @machine_name is empty. Give it a value.")
        async with call.transaction() as store:
            worker_id = add(store, machine_name, enabled=call.arguments["enabled"] is not False)
        call.set_output("worker_agent_id", worker_id)

    return [Procedure(database, SCHEMA, _NAME, parse_signature(_SIGNATURE), add_worker)]

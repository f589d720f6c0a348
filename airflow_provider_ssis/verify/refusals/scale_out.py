"""Calls about workers of Scale Out that the catalog refuses."""

from __future__ import annotations

from airflow_provider_ssis.verify.refusals import needs
from airflow_provider_ssis.verify.refusals.row import Refusal

_WORKER = "DECLARE @w uniqueidentifier = NEWID(); "


def _of_worker(procedure: str, action: str, more: str = "") -> tuple[Refusal, Refusal]:
    """The refusals of a procedure for a worker that is NULL, and for one that does not exist."""
    call = f"EXEC catalog.{procedure} @WorkerAgentId = {{}}{more};"
    return (
        Refusal(
            f"{procedure}_null", f"{action} the worker NULL gives 27100", call.format("NULL"), 27100, needs.workers
        ),
        Refusal(
            f"{procedure}_unknown",
            f"{action} an unknown worker gives 27243",
            _WORKER + call.format("@w"),
            27243,
            needs.workers,
        ),
    )


_PROPERTY = ", @PropertyName = N'DESCRIPTION', @PropertyValue = N'x'"

REFUSALS = (
    *_of_worker("enable_worker_agent", "Enabling"),
    *_of_worker("disable_worker_agent", "Disabling"),
    *_of_worker("delete_worker_agent", "Deleting"),
    *_of_worker("set_worker_agent_property", "Changing", _PROPERTY),
    Refusal(
        "worker_property",
        "An unknown property of a worker gives 27101",
        f"{_WORKER}EXEC catalog.set_worker_agent_property @WorkerAgentId = @w, @PropertyName = N'UNKNOWN', "
        "@PropertyValue = N'x';",
        27101,
        needs.workers,
    ),
    Refusal(
        "add_worker_null",
        "Adding the worker NULL to an execution for certain workers gives 27100",
        "EXEC catalog.add_execution_worker @execution_id = :certain_workers, @workeragent_id = NULL;",
        27100,
        needs.certain_workers,
    ),
    Refusal(
        "add_worker_id",
        "Adding a worker to the execution 0 gives 27101",
        f"{_WORKER}EXEC catalog.add_execution_worker @execution_id = 0, @workeragent_id = @w;",
        27101,
        needs.workers,
    ),
    Refusal(
        "add_worker_unknown_execution",
        "Adding a worker to an unknown execution gives 27103",
        f"{_WORKER}EXEC catalog.add_execution_worker @execution_id = :no_id, @workeragent_id = @w;",
        27103,
        needs.workers,
    ),
    Refusal(
        "add_worker_no_job",
        "Adding a worker to an execution that is not for Scale Out gives 27255",
        f"{_WORKER}EXEC catalog.add_execution_worker @execution_id = :run, @workeragent_id = @w;",
        27255,
        needs.run_and_workers,
    ),
    Refusal(
        "add_worker_any",
        "Adding a worker to an execution that any worker may run gives 27251",
        f"{_WORKER}EXEC catalog.add_execution_worker @execution_id = :any_worker, @workeragent_id = @w;",
        27251,
        needs.any_worker,
    ),
    Refusal(
        "add_worker_unknown",
        "Adding an unknown worker to an execution for certain workers gives 27243",
        f"{_WORKER}EXEC catalog.add_execution_worker @execution_id = :certain_workers, @workeragent_id = @w;",
        27243,
        needs.certain_workers,
    ),
)

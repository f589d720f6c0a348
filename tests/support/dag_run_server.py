"""Runs DAGs with ``dag.test()``, each in a fork of this process, which has imported Airflow already.

An order is a line of JSON on the standard input: ``dag`` (its file), ``conf``, ``environment`` (variables to add) and
``output`` (the file for all that is printed). The answer is a line with the exit code of the run.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import sys
import traceback
from typing import Any, TextIO


def prepare() -> None:
    """Import and build what each run needs."""
    from airflow import settings
    from airflow.models.renderedtifields import RenderedTaskInstanceFields  # noqa: F401

    import airflow_provider_ssis.operators.run
    import airflow_provider_ssis.sensors.execution  # noqa: F401

    # Airflow 2 has no API for its tasks.
    with contextlib.suppress(ImportError):
        from airflow.sdk.execution_time.supervisor import in_process_api_server

        asyncio.run(_first_request(in_process_api_server().app))
    # A fork must not use the connections of its parent.
    assert settings.engine is not None
    settings.engine.dispose()


async def _first_request(app: Any) -> None:
    """Let the API build its routes, which it does with the first request, also for an unknown path."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "server": ("in-process", 80),
        "client": None,
        "root_path": "",
        "path": "/nothing",
        "raw_path": b"/nothing",
        "query_string": b"",
        "headers": [],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        """Nothing reads the answer."""

    await app(scope, receive, send)


def serve(answers: TextIO) -> None:
    """Carry out orders until the input ends."""
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(run(order))
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


def run(order: dict[str, Any]) -> int:
    """Carry out an order; returns the exit code."""
    output = os.open(order["output"], os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ.update(order["environment"])
    try:
        sys.stdout.write("RESULT" + json.dumps(result(order["dag"], order["conf"]), default=str))
    except BaseException:  # noqa: BLE001 a fork must not return into the loop of its parent
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def result(path: str, conf: dict[str, Any]) -> dict[str, Any]:
    """Run the DAG ``dag`` of a file to its end; returns its state and its task instances."""
    from airflow.models import DagRun
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.providers.common.compat.sdk import AirflowTaskTimeout

    spec = importlib.util.spec_from_file_location("dag_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        found = module.dag.test(run_conf=conf)
    except AirflowTaskTimeout:
        # Airflow 2 raises it from dag.test after the task has its state, before the run has its own.
        (found,) = DagRun.find(dag_id=module.dag.dag_id)
        found.dag = module.dag
        found.update_state()
    return {
        "state": str(found.state),
        "tasks": [
            {
                "task": each.task_id,
                "map_index": each.map_index,
                "state": str(each.state),
                "tries": each.try_number,
                "returned": each.xcom_pull(task_ids=each.task_id, map_indexes=each.map_index),
                "execution_id": each.xcom_pull(task_ids=each.task_id, map_indexes=each.map_index, key="execution_id"),
                "rendered": RenderedTaskInstanceFields.get_templated_fields(each),
            }
            for each in found.get_task_instances()
        ],
    }


if __name__ == "__main__":
    # Before Airflow is imported, which prints to the standard output.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    prepare()
    serve(answers)

"""A task mapped over values, and sensors mapped over what it returned, which are rescheduled."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.sensors.execution import SsisExecutionSensor


@task
def regions() -> list[dict[str, object]]:
    """Values as an upstream task finds them."""
    return [{"RegionId": {"value": str(number), "sensitive": False}} for number in (7, 8)]


with DAG(dag_id="mapped", schedule=None, catchup=False) as dag:
    run = SsisRunPackageOperator.partial(
        task_id="run",
        folder="Sales",
        project="Mart",
        package="Strict.dtsx",
        property_overrides={r"\Package.Variables[User::Key].Value": {"value": "c4nary-s3cret", "sensitive": True}},
        wait_for_termination=False,
    ).expand(parameters=regions())

    wait = SsisExecutionSensor.partial(task_id="wait", mode="reschedule", poke_interval=1).expand(
        execution_id=run.output
    )

"""Tasks that pass secrets on, from a connection and from an environment of the catalog."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.run import SsisRunPackageOperator

for dag_id, deferrable in {"secrets_polling": False, "secrets_deferred": True}.items():
    with DAG(dag_id, schedule=None) as dag:
        SsisRunPackageOperator(
            task_id="load",
            folder="Sales",
            project="Mart",
            package="Load.dtsx",
            environment="./Secrets",
            parameters={"Title": {"value": "{{ conn.canary.login }}", "sensitive": True}},
            property_overrides={
                r"\Package.Variables[User::Rows].Value": {"value": "{{ conn.canary.password }}", "sensitive": True}
            },
            poll_interval=0.5,
            deferrable=deferrable,
        )
    globals()[dag_id] = dag

"""The server: customized logging levels, Scale Out, availability groups. Anyone may read them, but for the workers."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.ssisdb.declare import catalog_view
from airflow_provider_ssis.emulator.ssisdb.views.filters import ADMIN

_MAY_SEE_WORKERS: Final = f"({ADMIN} OR getvariable('is_ssis_cluster_executor'))"

catalog_view(
    "customized_logging_levels",
    "level_id bigint NN; name sysname NN; description nvarchar(1024); profile_value bigint NN; events_value bigint NN;"
    " created_by_sid varbinary(85) NN; created_by_name nvarchar(128) NN; created_time dto7 NN",
    "SELECT level_id, name, description, profile_value, events_value, created_by_sid, created_by_name, created_time"
    " FROM internal.customized_logging_levels",
)
catalog_view(
    "alwayson_replicas",
    "server_name nvarchar(256) NN; state tinyint NN",
    "SELECT server_name, CAST(state AS UTINYINT) FROM internal.alwayson_support_state",
)
catalog_view(
    "master_properties",
    "property_name nvarchar(256) NN; property_value nvarchar(max) NN",
    "SELECT property_name, property_value FROM internal.master_properties"
    " WHERE property_name NOT IN ('CLUSTER_LOGDB_SERVER', 'CLUSTER_LOGDB_CONNECTIONSTRING')",
)
catalog_view(
    "worker_agents",
    "WorkerAgentId uniqueidentifier NN; IsEnabled bit NN; DisplayName nvarchar(256); Description nvarchar(max);"
    " MachineName nvarchar(256); Tags nvarchar(max); UserAccount nvarchar(256); LastOnlineTime dto7 NN",
    "SELECT worker_agent_id, is_enabled, display_name, description, machine_name, tags, user_account, last_online_time"
    " FROM internal.worker_agents",
    _MAY_SEE_WORKERS,
)
catalog_view(
    "worker_agent_perfcounter",
    "WorkerAgentId uniqueidentifier NN; PerfCounterName nvarchar(max) NN; PerfCounterValue float NN; TimeStamp dto7 NN",
    "SELECT w.worker_agent_id, 'RunningTasks', CAST((SELECT count(*) FROM internal.tasks t"
    " WHERE t.worker_agent_id = w.worker_agent_id AND t.status = 2) AS DOUBLE), w.last_online_time"
    " FROM internal.worker_agents w",
    _MAY_SEE_WORKERS,
)

"""The dynamic management views about the session that asks. Other sessions are not shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_provider_ssis.emulator.tsql.metadata.computed_view import NOW, ComputedView, columns_of
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata

_READ_COMMITTED: Final = 2


def _sessions(metadata: Metadata, database: str, values: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    login = values["original_login()"]
    yield (
        *(values["@@spid"], values["host_name()"], values["app_name()"], login, login),
        *("running", values["@@language"], _READ_COMMITTED, values["@@lock_timeout"], True, values["@@trancount"]),
    )


def _connections(metadata: Metadata, database: str, values: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    def text(name: str) -> Any:
        variant = values["connectionproperty()"](name)
        return None if variant is None else str(variant.value)

    yield (
        *(values["@@spid"], text("net_transport"), text("protocol_type"), text("auth_scheme")),
        *(text("client_net_address"), text("local_net_address"), values[NOW].replace(tzinfo=None)),
    )


SESSION_VIEWS: Final = (
    ComputedView(
        "sys.dm_exec_sessions",
        columns_of(
            "session_id smallint; host_name nvarchar(128) ?; program_name nvarchar(128) ?; login_name nvarchar(128); "
            "original_login_name nvarchar(128); status nvarchar(30); language nvarchar(128) ?; "
            "transaction_isolation_level smallint; lock_timeout int; is_user_process bit; open_transaction_count int"
        ),
        session_rows=_sessions,
        needs=(
            *("@@spid", "host_name()", "app_name()", "original_login()", "@@language", "@@lock_timeout"),
            "@@trancount",
        ),
    ),
    ComputedView(
        "sys.dm_exec_connections",
        columns_of(
            "session_id int ?; net_transport nvarchar(40); protocol_type nvarchar(40) ?; auth_scheme nvarchar(40); "
            "client_net_address varchar(48) ?; local_net_address varchar(48) ?; connect_time datetime"
        ),
        session_rows=_connections,
        needs=("@@spid", "connectionproperty()", NOW),
    ),
)

"""The fields of a connection, as Airflow has them, read from a URI or JSON without Airflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

_EXTRA_KEY = "__extra__"
"""The parameter of a URI whose value is the whole extra, as Airflow writes it when the extra is not flat."""


class ConnectionFields(Protocol):
    """The parts of Airflow's ``Connection`` that the settings are read from."""

    @property
    def conn_id(self) -> str | None: ...
    @property
    def host(self) -> str | None: ...
    @property
    def port(self) -> int | None: ...
    @property
    def login(self) -> str | None: ...
    @property
    def password(self) -> str | None: ...
    @property
    def schema(self) -> str | None: ...
    @property
    def extra(self) -> str | None: ...
    @property
    def extra_dejson(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainFields:
    """The fields of a connection that is not Airflow's, or that may be read in any thread.

    :param conn_id: what messages call the connection.
    :param host: the server. Default: none.
    :param port: its port. Default: the driver's.
    :param login: the login or client id. Default: none, the Kerberos ticket of this machine.
    :param password: the password or secret. Default: none.
    :param schema: the database. Default: SSISDB.
    :param extra: the extra fields as text of a JSON object. Default: none.
    :param conn_type: the type, or the scheme of the URI. Default: none, which is ``ssis``.
    """

    conn_id: str
    host: str | None = None
    port: int | None = None
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    schema: str | None = None
    extra: str | None = field(default=None, repr=False)
    conn_type: str | None = None

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """The extra fields."""
        fields: dict[str, Any] = json.loads(self.extra) if self.extra else {}
        return fields


def masked_copy(connection: ConnectionFields) -> PlainFields:
    """Have Airflow mask the extra fields of its connection, and return the fields in a form that calls nothing.

    :param connection: an Airflow connection.
    """
    with suppress(ValueError):
        # Airflow would log a part of an extra that is not JSON.
        if isinstance(json.loads(connection.extra or ""), Mapping):
            # Airflow masks the values when the fields are read.
            _ = connection.extra_dejson
    return PlainFields(
        conn_id=connection.conn_id or "",
        host=connection.host,
        port=connection.port,
        login=connection.login,
        password=connection.password,
        schema=connection.schema,
        extra=connection.extra,
        conn_type=getattr(connection, "conn_type", None),
    )


def read_fields(value: str, *, conn_id: str) -> PlainFields:
    """The fields in a connection URI or JSON object, read as Airflow reads ``AIRFLOW_CONN_...``.

    :param value: text in which ``connection_values.problem_in`` finds no problem.
    :param conn_id: what messages call the connection.
    """
    if value.lstrip().startswith("{"):
        fields = json.loads(value)
        if fields.get("uri"):
            return read_fields(fields["uri"], conn_id=conn_id)
        return PlainFields(
            conn_id=conn_id,
            host=fields.get("host"),
            port=int(fields["port"]) if fields.get("port") else None,
            login=fields.get("login"),
            password=fields.get("password"),
            schema=fields.get("schema"),
            extra=_extra_text(fields.get("extra")),
            conn_type=fields.get("conn_type"),
        )
    rest = value.partition("://")[2]
    protocol, has_protocol, inner = rest.partition("://")
    parts = urlsplit(f"//{inner if has_protocol else rest}")
    host = unquote(parts.hostname or "")
    if "/" in host:
        # As Airflow: only then the host keeps its upper case.
        host = unquote(parts.netloc.rpartition("@")[2].partition(":")[0])
    return PlainFields(
        conn_id=conn_id,
        host=f"{protocol}://{host}" if has_protocol and host else host,
        port=parts.port,
        login=unquote(parts.username) if parts.username else parts.username,
        password=unquote(parts.password) if parts.password else parts.password,
        schema=unquote(parts.path[1:]),
        extra=_extra_of(parts.query),
        conn_type=value.partition("://")[0].strip().lower().replace("-", "_"),
    )


def _extra_text(extra: object) -> str | None:
    if not extra:
        return None
    return extra if isinstance(extra, str) else json.dumps(extra)


def _extra_of(query: str) -> str | None:
    if not query:
        return None
    fields: Mapping[str, str] = dict(parse_qsl(query, keep_blank_values=True))
    if _EXTRA_KEY in fields:
        return fields[_EXTRA_KEY]
    return json.dumps({name: _decoded(text) for name, text in fields.items()})


def _decoded(text: str) -> Any:
    try:
        return json.loads(text) if text else text
    except ValueError:
        return text

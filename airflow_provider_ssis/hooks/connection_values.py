"""Environment variables with Airflow connections: errors that show nothing of the value.

Airflow reports a value that it cannot read as a missing connection, and logs the exception, which may contain a part
of the password. So values are checked before Airflow reads them.
"""

from __future__ import annotations

import json
import os
from urllib.parse import urlsplit

from airflow_provider_ssis.hooks.extra import InvalidConnection

_JSON_KEYS = frozenset({"conn_type", "description", "extra", "host", "login", "password", "port", "schema", "uri"})

HOW_TO_WRITE = (
    "Write it as ssis://LOGIN:PASSWORD@HOST:PORT/SSISDB?FIELD=VALUE, with a number as port, and percent-encode special "
    "characters in its parts (@ is %40, : is %3A, / is %2F, # is %23, % is %25, a backslash is %5C); or as a JSON "
    "object with the keys conn_type, host, port, login, password, schema and extra."
)


def check_variable(conn_id: str) -> None:
    """Check the environment variable of a connection, if there is one.

    :param conn_id: the connection's id.
    :raises InvalidConnection: Airflow cannot read the variable's value.
    """
    name = f"AIRFLOW_CONN_{conn_id.upper()}"
    value = os.environ.get(name)
    if value:
        problem = problem_in(value)
        if problem is not None:
            raise InvalidConnection(f"The environment variable {name} cannot be read: {problem}", advice=HOW_TO_WRITE)


def problem_in(value: str) -> str | None:
    """Why Airflow cannot read a connection's value, without any part of it. None: it can.

    :param value: a URI or a JSON object.
    """
    if value.lstrip().startswith("{"):
        return _problem_in_json(value)
    try:
        parts = urlsplit(value)
    except ValueError:
        return "it is not a URI"
    if not parts.scheme or value.count("://") not in (1, 2):
        return "it is not a URI"
    try:
        _ = parts.port
    except ValueError:
        return "its port is not a number from 0 to 65535"
    return None


def _problem_in_json(value: str) -> str | None:
    try:
        fields = json.loads(value)
    except ValueError:
        return "it begins with { but is not JSON"
    unknown = sorted(set(fields) - _JSON_KEYS)
    if unknown:
        # Only the count: a quoting mistake may turn a part of the password into a key.
        return f"its JSON object has {len(unknown)} unknown keys (known are {', '.join(sorted(_JSON_KEYS))})"
    if fields.get("uri"):
        return problem_in(str(fields["uri"]))
    port = fields.get("port")
    if port not in (None, "") and not str(port).strip().isdigit():
        return "its port is not a number"
    return None

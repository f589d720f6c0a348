"""The fields of a connection, read without Airflow as Airflow reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.models.connection import Connection

from airflow_provider_ssis.hooks.connection_fields import read_fields
from airflow_provider_ssis.hooks.connection_values import problem_in

FIELDS = ("host", "port", "login", "password", "schema")

VALUES = [
    "ssis://etl:secret@sql01:1433/SSISDB?encrypt=strict&trust_server_certificate=true&login_timeout=5",
    "ssis://CORP%5Cetl:p%40ss%3Aw%2Fo%23r%25d@SQL01/Other%20DB",
    "ssis://sql01",
    "ssis://@sql01%5CINST/SSISDB?driver=ODBC+Driver+18+for+SQL+Server&empty=",
    "ssis://sa:x@[::1]:1433",
    "ssis://tcp://sql01:1433",
    "ssis://sa@sql01?__extra__=%7B%22encrypt%22%3A+%22no%22%2C+%22nested%22%3A+%7B%22a%22%3A+1%7D%7D",
    "ssis://:only-password@Sql01.Example.COM:1/",
    json.dumps({"conn_type": "ssis", "host": "SQL01", "port": "1433", "login": "a", "password": "b", "schema": "S"}),
    json.dumps({"conn_type": "ssis", "host": "sql01", "port": 1433, "extra": {"encrypt": "no"}}),
    json.dumps({"conn_type": "ssis", "host": "sql01", "extra": '{"encrypt": "no"}'}),
    json.dumps({"uri": "ssis://a:b@c:1/d?encrypt=no"}),
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_has_the_fields_that_airflow_reads(value: str) -> None:
    assert problem_in(value) is None
    plain = read_fields(value, conn_id="here")
    airflow = Connection.from_json(value, conn_id="here") if value.startswith("{") else Connection("here", uri=value)
    for name in FIELDS:
        assert (getattr(plain, name) or None) == (getattr(airflow, name) or None), name
    assert as_texts(plain.extra_dejson) == as_texts(airflow.extra_dejson)


def as_texts(extra: dict[str, Any]) -> dict[str, str]:
    """Extras as text: Airflow before 3 leaves the values of a URI's query as text."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in extra.items()}


def test_secrets_are_not_in_the_repr() -> None:
    assert "hunter2" not in repr(read_fields("ssis://etl:hunter2@sql01?client_secret=hunter2", conn_id="here"))

"""The form of a connection: one description, for every version of Airflow.

From Airflow 3.2 the provider's metadata carry it. Before, Airflow asks the hook for it, as fields of WTForms. Airflow
reads the metadata in every process: nothing heavy is imported here.
"""

from __future__ import annotations

from typing import Any

FIELD_BEHAVIOUR = {
    "hidden-fields": ["extra"],
    "relabeling": {"host": "Server", "schema": "Database"},
    "placeholders": {
        "host": "sql.example.com, or sql.example.com\\INSTANCE",
        "port": "1433",
        "schema": "SSISDB",
        "login": "SQL login; empty for Windows authentication through Kerberos",
    },
}

_TEXT = {"type": ["string", "null"]}
_NUMBER_OF_SECONDS = {"type": ["integer", "null"], "minimum": 0}

FIELDS: dict[str, dict[str, Any]] = {
    "driver": {
        "label": "ODBC driver",
        "description": "Name of an installed driver. Empty: Microsoft's newest if there is one, else FreeTDS.",
        "schema": _TEXT,
    },
    "encrypt": {
        "label": "Encryption",
        "description": "yes: TLS inside TDS; strict: TDS 8.0, for SQL Server 2022 and later; no: none.",
        "schema": {"type": ["string", "null"], "enum": ["yes", "strict", "no"], "default": "yes"},
    },
    "trust_server_certificate": {
        "label": "Trust any server certificate",
        "description": "Only where the network is trusted.",
        "schema": {"type": ["boolean", "null"], "default": False},
    },
    "host_name_in_certificate": {
        "label": "Host name in certificate",
        "description": "The name that the server's certificate carries, if it is not the server's name above.",
        "schema": _TEXT,
    },
    "server_certificate": {
        "label": "Server certificate file",
        "description": "File, on the machine that connects, with the one certificate to accept (encryption strict).",
        "schema": _TEXT,
    },
    "application_name": {
        "label": "Application name",
        "description": "What the server's session lists show.",
        "schema": _TEXT,
    },
    "application_intent": {
        "label": "Application intent",
        "description": "For the listener of an availability group.",
        "schema": {"type": ["string", "null"], "enum": ["ReadWrite", "ReadOnly"]},
    },
    "multi_subnet_failover": {
        "label": "Multi-subnet failover",
        "description": "Try all addresses of an availability group's listener at once.",
        "schema": {"type": ["boolean", "null"]},
    },
    "login_timeout": {
        "label": "Login timeout",
        "description": "Seconds to wait for the server to accept a connection.",
        "schema": _NUMBER_OF_SECONDS,
    },
    "query_timeout": {
        "label": "Query timeout",
        "description": "Seconds to wait for the answer to a statement; 0 for no limit.",
        "schema": _NUMBER_OF_SECONDS,
    },
}


def field_behaviour() -> dict[str, Any]:
    """What becomes of the standard fields, as a hook tells it."""
    return {name.replace("-", "_"): value for name, value in FIELD_BEHAVIOUR.items()}


def form_widgets() -> dict[str, Any]:
    """The extra fields by name, as a hook tells them.

    :raises ImportError: WTForms or Flask-AppBuilder is not installed; Airflow then shows its plain form.
    """
    return {name: _widget(field["schema"], field) for name, field in FIELDS.items()}


def _widget(schema: dict[str, Any], field: dict[str, Any]) -> Any:
    from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
    from wtforms import BooleanField, IntegerField, StringField
    from wtforms.validators import NumberRange, Optional, any_of

    told = {"label": field["label"], "description": field.get("description", ""), "default": schema.get("default")}
    if "boolean" in schema["type"]:
        return BooleanField(**told)
    if "integer" in schema["type"]:
        in_range = NumberRange(min=schema.get("minimum"), max=schema.get("maximum"))
        return IntegerField(**told, widget=BS3TextFieldWidget(), validators=[Optional(), in_range])
    choice = [any_of(schema["enum"])] if "enum" in schema else []
    return StringField(**told, widget=BS3TextFieldWidget(), validators=[Optional(), *choice])

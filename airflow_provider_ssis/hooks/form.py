"""The connection form: one description for all versions of Airflow.

From Airflow 3.2 it is part of the provider's metadata. Before, the hook returns it as fields of WTForms. Airflow reads
the metadata in every process, so nothing heavy is imported here.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_ssis.hooks.authentication import Authentication

LONGEST_TIMEOUT = 86_400
"""Seconds, a day. FreeTDS aborts the process if a limit in milliseconds exceeds its 32-bit numbers."""

FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["extra"],
    "relabeling": {
        "host": "Server",
        "schema": "Database",
        "login": "Login or client id",
        "password": "Password or secret",
    },
    "placeholders": {
        "host": "sql.example.com, or sql.example.com\\INSTANCE",
        "port": "1433 (0 for a named instance)",
        "schema": "SSISDB",
        "login": "etl (SQL), CORP\\etl (NTLM), empty (Kerberos)",
    },
}


def _field(section: str, label: str, description: str, kind: str = "string", **schema: Any) -> dict[str, Any]:
    # Every field may be empty. The form shows the sections.
    return {
        "label": label,
        "description": description,
        "schema": {"type": [kind, "null"], "section": section, **schema},
    }


_IDENTITY = "Identity"
_ENCRYPTION = "Encryption"
_SERVER = "Failover and data source"
_DRIVER = "Driver and limits"

FIELDS: dict[str, dict[str, Any]] = {
    "authentication": _field(
        _IDENTITY,
        "Authentication",
        "How the connection authenticates. Empty: SQL login if the login has no backslash, NTLM if it is DOMAIN\\user, "
        "Kerberos without login or with a keytab. On a boxed SQL Server, only Windows accounts (Kerberos, NTLM) can "
        "deploy, start and stop packages.",
        enum=[each.value for each in Authentication],
        values_display={each.value: each.way.title for each in Authentication},
    ),
    "kerberos_keytab": _field(
        _IDENTITY,
        "Kerberos keytab",
        "Path of a keytab on every machine that connects (workers, triggerers, API server). Tickets for the login "
        "(empty: the keytab's first principal) are requested and renewed with it. Empty: tickets from kinit are used.",
    ),
    "kerberos_ccache": _field(
        _IDENTITY,
        "Kerberos ticket cache",
        "Ticket cache, in the form of KRB5CCNAME. Empty: the account's default, or with a keytab a private one.",
    ),
    "server_spn": _field(
        _IDENTITY,
        "Server's service principal",
        "Service principal name of the server. Empty: MSSQLSvc/ with the server's full name and port.",
    ),
    "tenant_id": _field(_IDENTITY, "Entra tenant id", "Tenant of the application whose client id is the login."),
    "client_certificate": _field(
        _IDENTITY,
        "Entra client certificate",
        "File, on the machine that connects, with the application's certificate and private key, instead of a secret; "
        "the password is its passphrase, if it has one.",
    ),
    "federated_credential_file": _field(
        _IDENTITY,
        "Entra federated credential",
        "Path of the token file of a workload identity. Empty: the pod's.",
    ),
    "entra_authority": _field(
        _IDENTITY,
        "Entra authority",
        "Address of Entra ID in clouds other than the public one, such as https://login.chinacloudapi.cn.",
    ),
    "entra_scope": _field(
        _IDENTITY,
        "Entra scope",
        "Scope of the access token in clouds other than the public one. Empty: https://database.windows.net/.default.",
    ),
    "encrypt": _field(
        _ENCRYPTION,
        "Encryption",
        "Encryption of the connection. Empty: yes. Strict needs SQL Server 2022 or later.",
        enum=["yes", "strict", "no"],
        values_display={"yes": "Yes (TLS inside TDS)", "strict": "Strict (TDS 8.0)", "no": "No"},
    ),
    "trusted_certificates": _field(
        _ENCRYPTION,
        "Trusted certificates",
        "Path of a PEM file on every machine that connects, with certificates to trust in addition to the machine's "
        "own: the server's, or its authority's.",
    ),
    "host_name_in_certificate": _field(
        _ENCRYPTION,
        "Host name in certificate",
        "Name in the server's certificate. Empty: the name in the field Server.",
    ),
    "trust_server_certificate": _field(
        _ENCRYPTION,
        "Trust any server certificate",
        "Accept any certificate. For trusted networks only: an attacker in the network can read the password.",
        "boolean",
        default=False,
    ),
    "failover_partner": _field(
        _SERVER,
        "Failover partner",
        "HOST, HOST\\INSTANCE or HOST,PORT to connect to if the server cannot be reached (database mirroring). The "
        "fields for service principal and host name in certificate are not used for it.",
    ),
    "multi_subnet_failover": _field(
        _SERVER,
        "Multi-subnet failover",
        "Connect to all addresses of an availability group's listener at once.",
        "boolean",
    ),
    "application_intent": _field(
        _SERVER,
        "Application intent",
        "For the listener of an availability group. Running packages needs ReadWrite.",
        enum=["ReadWrite", "ReadOnly"],
    ),
    "data_source": _field(
        _SERVER,
        "Data source (DSN)",
        "Data source in odbc.ini on every machine that connects. Leave Server and Port empty then.",
    ),
    "driver": _field(
        _DRIVER,
        "ODBC driver",
        "Name of an installed driver. Empty: Microsoft's newest that supports the identity, else FreeTDS.",
        examples=["ODBC Driver 18 for SQL Server", "ODBC Driver 17 for SQL Server", "FreeTDS"],
    ),
    "application_name": _field(
        _DRIVER,
        "Application name",
        "Program name in the server's session lists. Empty: Airflow with the DAG and the task.",
    ),
    "login_timeout": _field(
        _DRIVER,
        "Login timeout",
        "Seconds to wait for the server to accept a connection. Empty: 15.",
        "integer",
        minimum=0,
        maximum=LONGEST_TIMEOUT,
    ),
    "query_timeout": _field(
        _DRIVER,
        "Query timeout",
        "Seconds to wait for the result of a statement. Empty or 0: no limit (in a triggerer: 60).",
        "integer",
        minimum=0,
        maximum=LONGEST_TIMEOUT,
    ),
    "connect_retry_count": _field(
        _DRIVER,
        "Connect retries",
        "How often the driver reconnects an idle connection that broke. Empty: once.",
        "integer",
        minimum=0,
        maximum=255,
    ),
    "connect_retry_interval": _field(
        _DRIVER,
        "Connect retry interval",
        "Seconds between two such attempts. Empty: 10.",
        "integer",
        minimum=1,
        maximum=60,
    ),
}


def field_behaviour() -> dict[str, Any]:
    """Labels and placeholders of the standard fields, in the form of a hook."""
    return {name.replace("-", "_"): value for name, value in FIELD_BEHAVIOUR.items()}


def form_widgets() -> dict[str, Any]:
    """The extra fields by name, in the form of a hook.

    :raises ImportError: WTForms or Flask-AppBuilder is not installed; Airflow then shows its plain form.
    """
    return {name: _widget(field["schema"], field) for name, field in FIELDS.items()}


def _widget(schema: dict[str, Any], field: dict[str, Any]) -> Any:
    from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
    from wtforms import BooleanField, IntegerField, StringField
    from wtforms.validators import NumberRange, Optional, any_of

    common = {"label": field["label"], "description": field.get("description", ""), "default": schema.get("default")}
    if "boolean" in schema["type"]:
        return BooleanField(**common)
    if "integer" in schema["type"]:
        in_range = NumberRange(min=schema.get("minimum"), max=schema.get("maximum"))
        return IntegerField(**common, widget=BS3TextFieldWidget(), validators=[Optional(), in_range])
    choice = [any_of(schema["enum"])] if "enum" in schema else []
    return StringField(**common, widget=BS3TextFieldWidget(), validators=[Optional(), *choice])

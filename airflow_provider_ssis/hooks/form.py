"""The form of a connection: one description, for every version of Airflow.

From Airflow 3.2 the provider's metadata carry it. Before, Airflow asks the hook for it, as fields of WTForms. Airflow
reads the metadata in every process: nothing heavy is imported here.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_ssis.hooks.authentication import Authentication

LONGEST_TIMEOUT = 86_400
"""Seconds, a day: FreeTDS ends the whole process where a limit in milliseconds is more than its numbers hold."""

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
    # Every field may be left empty; the sections are those that the form shows.
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
        "Who the connection is. Empty: a SQL login if one is given, NTLM if that is DOMAIN\\user, else Kerberos. "
        "SSISDB on a boxed SQL Server lets only Windows and Entra identities deploy, start and stop.",
        enum=[each.value for each in Authentication],
        values_display={each.value: each.way.title for each in Authentication},
    ),
    "kerberos_keytab": _field(
        _IDENTITY,
        "Kerberos keytab",
        "File, on the machine that connects, with the key of the principal that stands as login (else its first "
        "one). Tickets are obtained and renewed with it. Empty: tickets of kinit.",
    ),
    "kerberos_ccache": _field(
        _IDENTITY,
        "Kerberos ticket cache",
        "Where the tickets are, as KRB5CCNAME has it. Empty: the process's own, or with a keytab a separate one.",
    ),
    "server_spn": _field(
        _IDENTITY,
        "Server's service principal",
        "Only where it is not MSSQLSvc/ with the server's full name and port.",
    ),
    "tenant_id": _field(_IDENTITY, "Entra tenant id", "Of the application whose client id stands as login."),
    "client_certificate": _field(
        _IDENTITY,
        "Entra client certificate",
        "File, on the machine that connects, with the application's certificate and private key, instead of a secret; "
        "the password is its passphrase, if it has one.",
    ),
    "federated_credential_file": _field(
        _IDENTITY,
        "Entra federated credential",
        "File with the pod's token, for a workload identity. Empty: the one that the pod names.",
    ),
    "entra_authority": _field(
        _IDENTITY,
        "Entra authority",
        "Only in clouds other than the public one, such as https://login.chinacloudapi.cn.",
    ),
    "entra_scope": _field(
        _IDENTITY,
        "Entra scope",
        "Only in clouds other than the public one. Empty: https://database.windows.net/.default.",
    ),
    "encrypt": _field(
        _ENCRYPTION,
        "Encryption",
        "Empty: yes. Strict is for SQL Server 2022 and later.",
        enum=["yes", "strict", "no"],
        values_display={"yes": "Yes (TLS inside TDS)", "strict": "Strict (TDS 8.0)", "no": "No"},
    ),
    "trusted_certificates": _field(
        _ENCRYPTION,
        "Trusted certificates",
        "File, on the machine that connects, with certificates (PEM) to trust besides those that the machine trusts: "
        "the server's own, or its authority's.",
    ),
    "host_name_in_certificate": _field(
        _ENCRYPTION,
        "Host name in certificate",
        "The name that the server's certificate carries, if it is not the server's name above.",
    ),
    "trust_server_certificate": _field(
        _ENCRYPTION,
        "Trust any server certificate",
        "Only where the network is trusted: who can read it can then read the password.",
        "boolean",
        default=False,
    ),
    "failover_partner": _field(
        _SERVER,
        "Failover partner",
        "HOST, HOST\\INSTANCE or HOST,PORT to try when the server is out of reach (database mirroring). The service "
        "principal and the host name in the certificate are not its.",
    ),
    "multi_subnet_failover": _field(
        _SERVER,
        "Multi-subnet failover",
        "Try all addresses of an availability group's listener at once.",
        "boolean",
    ),
    "application_intent": _field(
        _SERVER,
        "Application intent",
        "For the listener of an availability group; packages need ReadWrite.",
        enum=["ReadWrite", "ReadOnly"],
    ),
    "data_source": _field(
        _SERVER,
        "Data source (DSN)",
        "Of the driver manager on the machine that connects, instead of a server among the standard fields.",
    ),
    "driver": _field(
        _DRIVER,
        "ODBC driver",
        "Name of an installed driver. Empty: Microsoft's newest if there is one that can do it, else FreeTDS.",
        examples=["ODBC Driver 18 for SQL Server", "ODBC Driver 17 for SQL Server", "FreeTDS"],
    ),
    "application_name": _field(
        _DRIVER, "Application name", "What the server's session lists show. Empty: Airflow, the DAG and the task."
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
        "Seconds to wait for the answer to a statement. Empty, or 0: no limit (in a triggerer, 60).",
        "integer",
        minimum=0,
        maximum=LONGEST_TIMEOUT,
    ),
    "connect_retry_count": _field(
        _DRIVER,
        "Connect retries",
        "How often the driver opens an idle connection again that broke. Empty: once.",
        "integer",
        minimum=0,
        maximum=255,
    ),
    "connect_retry_interval": _field(
        _DRIVER,
        "Connect retry interval",
        "Seconds between two such tries. Empty: 10.",
        "integer",
        minimum=1,
        maximum=60,
    ),
}


def field_behaviour() -> dict[str, Any]:
    """What becomes of the standard fields, as a hook returns it."""
    return {name.replace("-", "_"): value for name, value in FIELD_BEHAVIOUR.items()}


def form_widgets() -> dict[str, Any]:
    """The extra fields by name, as a hook returns them.

    :raises ImportError: WTForms or Flask-AppBuilder is not installed; Airflow then shows its plain form.
    """
    return {name: _widget(field["schema"], field) for name, field in FIELDS.items()}


def _widget(schema: dict[str, Any], field: dict[str, Any]) -> Any:
    from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
    from wtforms import BooleanField, IntegerField, StringField
    from wtforms.validators import NumberRange, Optional, any_of

    shared = {"label": field["label"], "description": field.get("description", ""), "default": schema.get("default")}
    if "boolean" in schema["type"]:
        return BooleanField(**shared)
    if "integer" in schema["type"]:
        in_range = NumberRange(min=schema.get("minimum"), max=schema.get("maximum"))
        return IntegerField(**shared, widget=BS3TextFieldWidget(), validators=[Optional(), in_range])
    choice = [any_of(schema["enum"])] if "enum" in schema else []
    return StringField(**shared, widget=BS3TextFieldWidget(), validators=[Optional(), *choice])

"""The ways in which a connection authenticates: one table, for the form, the checks, the driver and the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from airflow_provider_ssis.odbc.drivers import DriverFamily


class Authentication(Enum):
    """How a connection authenticates; the value is that of the extra field ``authentication``."""

    SQL = "sql"
    KERBEROS = "kerberos"
    NTLM = "ntlm"
    ENTRA_SERVICE_PRINCIPAL = "entra_service_principal"
    ENTRA_MANAGED_IDENTITY = "entra_managed_identity"
    ENTRA_WORKLOAD_IDENTITY = "entra_workload_identity"

    @property
    def way(self) -> Way:
        """What this way of authentication needs."""
        return WAYS[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A row of the table.

    :param title: its name in the connection form.
    :param identity: what the login is, for the doctor.
    :param family: the only driver family that supports it. Default: any.
    :param sends_password: the driver sends the connection's login and password to the server. Default: False.
    :param takes_token: the driver sends an access token of Entra ID instead of a login. Default: False.
    :param fields: the extra fields that only some ways use, among them this one. Default: none.
    """

    title: str
    identity: str
    family: DriverFamily | None = None
    sends_password: bool = False
    takes_token: bool = False
    fields: frozenset[str] = frozenset()


WAYS: dict[Authentication, Way] = {
    Authentication.SQL: Way(title="SQL login", identity="SQL login", sends_password=True),
    Authentication.KERBEROS: Way(
        title="Windows account, Kerberos",
        identity="Windows account, authenticated by Kerberos",
        fields=frozenset({"kerberos_keytab", "kerberos_ccache", "server_spn"}),
    ),
    Authentication.NTLM: Way(
        title="Windows account, NTLM",
        identity="Windows account, authenticated by NTLM",
        family=DriverFamily.FREETDS,
        sends_password=True,
    ),
    Authentication.ENTRA_SERVICE_PRINCIPAL: Way(
        title="Entra ID: application (service principal)",
        identity="application of Entra ID",
        family=DriverFamily.MICROSOFT,
        takes_token=True,
        fields=frozenset({"tenant_id", "client_certificate", "entra_authority", "entra_scope"}),
    ),
    Authentication.ENTRA_MANAGED_IDENTITY: Way(
        title="Entra ID: managed identity",
        identity="managed identity of Entra ID",
        family=DriverFamily.MICROSOFT,
        takes_token=True,
        fields=frozenset({"entra_scope"}),
    ),
    Authentication.ENTRA_WORKLOAD_IDENTITY: Way(
        title="Entra ID: workload identity",
        identity="workload identity of Entra ID",
        family=DriverFamily.MICROSOFT,
        takes_token=True,
        fields=frozenset({"tenant_id", "federated_credential_file", "entra_authority", "entra_scope"}),
    ),
}

FIELDS_OF_SOME = frozenset().union(*(way.fields for way in WAYS.values()))
"""The extra fields that only some ways use. With another way they are an error, not ignored: they may be a mistake."""

"""Access tokens of Entra ID, for drivers that take one instead of a login."""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.catalog.errors import LoginFailed, ServerUnreachable

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

DEFAULT_SCOPE = "https://database.windows.net/.default"
"""Of SQL databases in Azure's public cloud."""

ACCESS_TOKEN_ATTRIBUTE = 1256
"""``SQL_COPT_SS_ACCESS_TOKEN``, which a driver takes before it connects (Microsoft ODBC driver, "Using Microsoft Entra
ID")."""


class TokenRefused(LoginFailed):
    """Entra ID gives no access token."""


class EntraUnreachable(ServerUnreachable):
    """Entra ID, or its substitute on this machine, does not answer."""

    default_advice = "Check that this machine reaches Entra ID (proxy, firewall); it may be down for a while."


@dataclass(frozen=True, slots=True)
class EntraSettings:
    """Where access tokens come from.

    :param kind: ``entra_service_principal``, ``entra_managed_identity`` or ``entra_workload_identity``.
    :param client_id: the application, or the user-assigned identity; None takes the machine's or the pod's own.
    :param secret: the application's secret, or the passphrase of its certificate.
    :param tenant_id: its tenant; None for a workload identity takes the pod's own.
    :param certificate: file with the application's certificate and private key, PEM or PKCS12.
    :param token_file: file with the token that Kubernetes renews; None takes the one that the pod names.
    :param authority: Entra ID itself, in clouds other than the public one.
    :param scope: what the token is for.
    :param timeout: seconds to wait for Entra ID, or its substitute on this machine, to answer; 0 for no limit of
        our own.
    """

    kind: str
    client_id: str | None = None
    secret: str | None = field(default=None, repr=False)
    tenant_id: str | None = None
    certificate: str | None = None
    token_file: str | None = None
    authority: str | None = None
    scope: str = DEFAULT_SCOPE
    timeout: int = 0


def access_token(settings: EntraSettings) -> str:
    """An access token, from memory while it is good, else a new one.

    :raises TokenRefused: there is none to be had; the message says why.
    :raises EntraUnreachable: it does not answer now.
    """
    try:
        from azure.core.exceptions import AzureError
    except ModuleNotFoundError:
        raise TokenRefused(
            "Entra ID needs the package azure-identity",
            advice="Install it: pip install 'airflow-provider-ssis[entra]'.",
        ) from None
    try:
        return _credential(settings, _changed_at(settings.certificate)).get_token(settings.scope).token
    except (AzureError, OSError, ValueError, TypeError) as error:
        # The latter three: a file that is not there or holds nothing of use, a value that cannot be, a passphrase where
        # the key has none or the other way round.
        reason, is_network = _first_line(error), _is_of_the_network(error)
    # Outside the except clause: what the library raised would only say the same again.
    if is_network:
        raise EntraUnreachable(f"Entra ID does not answer: {reason}")
    raise TokenRefused(f"Entra ID gives no access token: {reason}", advice=_ADVICE[settings.kind])


def as_attribute(token: str) -> dict[int, bytes]:
    """A token as ``pyodbc.connect`` hands it to Microsoft's driver."""
    data = token.encode("utf-16-le")
    return {ACCESS_TOKEN_ATTRIBUTE: struct.pack("<i", len(data)) + data}


def _changed_at(certificate: str | None) -> int:
    return 0 if certificate is None else Path(certificate).stat().st_mtime_ns


@lru_cache(maxsize=32)
def _credential(settings: EntraSettings, certificate_changed_at: int) -> TokenCredential:
    """The credential of these settings, which keeps its tokens in memory and renews them before they end.

    :param certificate_changed_at: sets one with a certificate that was renewed apart from the one before.
    """
    from azure.identity import (
        CertificateCredential,
        ClientSecretCredential,
        ManagedIdentityCredential,
        WorkloadIdentityCredential,
    )

    http_log = logging.getLogger("azure.core.pipeline.policies.http_logging_policy")
    if http_log.level == logging.NOTSET:
        # It logs each request in ten lines; the task's log is for the package.
        http_log.setLevel(logging.WARNING)
    # Else a server that accepts and stays silent delays the task for minutes, again and again.
    wait = settings.timeout
    limit: dict[str, Any] = {"connection_timeout": wait, "read_timeout": wait} if wait else {}
    at = {**limit, "timeout": wait} if wait else {}
    if settings.authority is not None:
        # The user who names an authority has checked it; asking the public cloud about it needs a way out.
        at |= {"authority": settings.authority, "disable_instance_discovery": True}
    match settings.kind:
        case "entra_managed_identity":
            # Without the limit of the whole: a machine that starts says for a while that its identity is not there yet.
            once = {**limit, "retry_read": 0} if wait else {}
            return ManagedIdentityCredential(client_id=settings.client_id, **once)
        case "entra_workload_identity":
            named = {
                "tenant_id": settings.tenant_id,
                "client_id": settings.client_id,
                "token_file_path": settings.token_file,
            }
            return WorkloadIdentityCredential(**{name: value for name, value in named.items() if value}, **at)
    tenant_id, client_id = settings.tenant_id or "", settings.client_id or ""
    if settings.certificate is not None:
        return CertificateCredential(tenant_id, client_id, settings.certificate, password=settings.secret, **at)
    return ClientSecretCredential(tenant_id, client_id, settings.secret or "", **at)


def _is_of_the_network(error: BaseException | None) -> bool:
    """Whether an error comes from one of the way there; the library makes a failed authentication of both."""
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError

    while error is not None:
        if isinstance(error, ServiceRequestError | ServiceResponseError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _first_line(error: Exception) -> str:
    # What follows is a way through the library's own documentation.
    return (str(error).strip() or type(error).__name__).splitlines()[0]


_ADVICE = {
    "entra_service_principal": (
        "Check login (the application's id), password (its secret, which ends some day) or client_certificate "
        "(then the password is the passphrase of its key, and empty where that has none), and tenant_id."
    ),
    "entra_managed_identity": (
        "This works on machines in Azure that have an identity; for a user-assigned one, enter its client id as login."
    ),
    "entra_workload_identity": (
        "This works in pods whose service account is federated with the application (label "
        "azure.workload.identity/use); elsewhere give federated_credential_file, tenant_id and the client id."
    ),
}

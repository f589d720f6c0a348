"""Access tokens of Entra ID, for drivers that accept one instead of a login."""

from __future__ import annotations

import logging
import socket
import struct
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.catalog.errors import LoginFailed, ServerUnreachable
from airflow_provider_ssis.odbc.input_files import FILE_ADVICE, UnreadableFile, read_input

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

DEFAULT_SCOPE = "https://database.windows.net/.default"
"""The scope of SQL databases in Azure's public cloud."""

ACCESS_TOKEN_ATTRIBUTE = 1256
"""``SQL_COPT_SS_ACCESS_TOKEN``, a connection attribute that is set before connecting (Microsoft ODBC driver, "Using
Microsoft Entra ID")."""


class TokenRefused(LoginFailed):
    """Entra ID issues no access token."""


class EntraUnreachable(ServerUnreachable):
    """Entra ID, or the machine's identity endpoint, does not answer."""

    default_advice = "Check that this machine reaches Entra ID (proxy, firewall). It may be unavailable for a while."


@dataclass(frozen=True, slots=True)
class EntraSettings:
    """The source of access tokens.

    :param kind: ``entra_service_principal``, ``entra_managed_identity`` or ``entra_workload_identity``.
    :param client_id: the application, or the user-assigned identity; None: the one of the machine or the pod.
    :param secret: the application's secret, or the passphrase of its certificate.
    :param tenant_id: its tenant; None for a workload identity: the pod's.
    :param certificate: file with the application's certificate and private key, PEM or PKCS12.
    :param token_file: file with the token that Kubernetes renews. None: the one in the pod's environment.
    :param authority: the address of Entra ID in clouds other than the public one.
    :param scope: the scope of the token.
    :param timeout: seconds to wait for an answer of Entra ID or of the machine's identity endpoint; 0 for the
        library's own limits.
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
    """An access token, from memory while it is valid, else a new one.

    :param settings: the source of the token.
    :raises TokenRefused: Entra ID issues none; the message says why.
    :raises EntraUnreachable: Entra ID does not answer.
    """
    try:
        from azure.core.exceptions import AzureError
    except ModuleNotFoundError:
        raise TokenRefused(
            "Authentication with Entra ID needs the package azure-identity",
            advice="Install it: pip install 'airflow-provider-ssis[entra]'.",
        ) from None
    for field_name, path in (
        ("client_certificate", settings.certificate),
        ("federated_credential_file", settings.token_file),
    ):
        if path is not None:
            try:
                read_input(field_name, path)
            except UnreadableFile as unreadable:
                raise TokenRefused(
                    f"Entra ID was not asked for an access token on {socket.gethostname()}: {unreadable}",
                    advice=FILE_ADVICE,
                ) from None
    try:
        return _credential(settings, _changed_at(settings.certificate)).get_token(settings.scope).token
    except (AzureError, OSError, ValueError, TypeError) as error:
        # The latter three: a missing or unusable file, an invalid value, or a passphrase for a key without one.
        reason, is_network = _first_line(error), _is_of_the_network(error)
    # Outside the except clause: the library's exception as context would only repeat the text.
    if is_network:
        raise EntraUnreachable(f"Entra ID does not answer: {reason}")
    raise TokenRefused(f"Entra ID issued no access token: {reason}", advice=_ADVICE[settings.kind])


def as_attribute(token: str) -> dict[int, bytes]:
    """A token as ``pyodbc.connect`` passes it to Microsoft's driver."""
    data = token.encode("utf-16-le")
    return {ACCESS_TOKEN_ATTRIBUTE: struct.pack("<i", len(data)) + data}


def _changed_at(certificate: str | None) -> int:
    return 0 if certificate is None else Path(certificate).stat().st_mtime_ns


@lru_cache(maxsize=32)
def _credential(settings: EntraSettings, certificate_changed_at: int) -> TokenCredential:
    """The credential of these settings, which caches its tokens and renews them before they expire.

    :param settings: the source of the token.
    :param certificate_changed_at: part of the key of the cache, so that a renewed certificate is read.
    """
    from azure.identity import (
        CertificateCredential,
        ClientSecretCredential,
        ManagedIdentityCredential,
        WorkloadIdentityCredential,
    )

    http_log = logging.getLogger("azure.core.pipeline.policies.http_logging_policy")
    if http_log.level == logging.NOTSET:
        # It logs each request in ten lines, which do not belong into a task's log.
        http_log.setLevel(logging.WARNING)
    # Without limits, a server that accepts connections but does not answer blocks the task for minutes.
    wait = settings.timeout
    limit: dict[str, Any] = {"connection_timeout": wait, "read_timeout": wait} if wait else {}
    at = {**limit, "timeout": wait} if wait else {}
    if settings.authority is not None:
        # A configured authority is trusted. Its validation would need access to the public cloud.
        at |= {"authority": settings.authority, "disable_instance_discovery": True}
    match settings.kind:
        case "entra_managed_identity":
            # Without a total limit, because the identity of a starting machine is not available for a while.
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
    """Whether the network is the cause of an error. The library reports it as a failed authentication."""
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError

    while error is not None:
        if isinstance(error, ServiceRequestError | ServiceResponseError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _first_line(error: Exception) -> str:
    # The following lines refer to the library's own documentation.
    return (str(error).strip() or type(error).__name__).splitlines()[0]


_ADVICE = {
    "entra_service_principal": (
        "Check login (the application's client id), password (its secret, which expires) or client_certificate "
        "(the password is then the passphrase of its key, or empty), and tenant_id."
    ),
    "entra_managed_identity": (
        "This works only on machines in Azure that have an identity. For a user-assigned one, enter its client id as "
        "login."
    ),
    "entra_workload_identity": (
        "This works in pods whose service account is federated with the application (label "
        "azure.workload.identity/use). Elsewhere set federated_credential_file, tenant_id and the client id (login)."
    ),
}

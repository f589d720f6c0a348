"""Trying a connection step by step, so that the first step that fails explains itself."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.connection import RetryPolicy
from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    CatalogMissing,
    LoginFailed,
    TlsRefused,
    WindowsAuthenticationRequired,
)
from airflow_provider_ssis.hooks.entra import access_token
from airflow_provider_ssis.hooks.settings import Authentication
from airflow_provider_ssis.odbc.connection_string import Encrypt

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.catalog import Catalog
    from airflow_provider_ssis.catalog.models import Rights, ServerInfo
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

DEFAULT_PORT = 1433
BROWSER_PORT = 1434


@dataclass(frozen=True, slots=True)
class Finding:
    """What one step found.

    :param step: its name: ``driver``, ``address``, ``port``, ``token`` (Entra ID only), ``encryption``, ``login``,
        ``catalog``, ``identity``, ``rights``.
    :param is_good: False for the step that failed, which is the last one.
    :param text: what was found, or what went wrong and what to do.
    :param seconds: how long it took.
    """

    step: str
    is_good: bool
    text: str
    seconds: float


class _Failed(Exception):
    """A step failed."""


def check_connection(hook: SsisCatalogHook) -> Iterator[Finding]:
    """Try a connection, and tell what each step found. Ends after the first step that fails.

    Everything is tried from the machine that this runs on, with its drivers and its network.

    :param hook: the hook of the connection.
    """
    began = time.monotonic()

    def found(step: str, text: str, *, is_good: bool = True) -> Finding:
        nonlocal began
        now = time.monotonic()
        seconds, began = now - began, now
        return Finding(step, is_good, text, seconds)

    for step, look in (("driver", _driver), ("address", _address), ("port", _port), ("token", _token)):
        try:
            text = look(hook)
        except (CatalogError, _Failed) as error:
            yield found(step, str(error), is_good=False)
            return
        if text is not None:
            yield found(step, text)
    try:
        catalog = hook.open_catalog(retry=RetryPolicy(attempts=1))
    except CatalogError as error:
        failed = next((step for kind, step in _STEP_OF if isinstance(error, kind)), "login")
        for step in _STEPS_OF_LOGIN[: _STEPS_OF_LOGIN.index(failed)]:
            yield found(step, "accepted by both sides")
        yield found(failed, str(error), is_good=False)
        return
    with catalog:
        yield from _of_catalog(hook, catalog, found)


def _of_catalog(hook: SsisCatalogHook, catalog: Catalog, found: Callable[..., Finding]) -> Iterator[Finding]:
    try:
        info = catalog.server_info()
        yield found("encryption", _encryption(hook))
        yield found("login", f"{info.server_name}, {info.edition}, version {info.product_version}")
        yield found("catalog", f"{info.database}, catalog schema version {info.schema_version or 'unknown'}")
        yield found("identity", _identity(hook, info))
        rights = catalog.rights()
    except CatalogError as error:
        yield found("catalog", str(error), is_good=False)
        return
    yield found("rights", _rights(info, rights))


def summary_of(findings: list[Finding]) -> str:
    """The findings as lines of text, the one that failed first.

    The marks keep them apart where Airflow makes one line of them.
    """
    ordered = sorted(findings, key=lambda finding: finding.is_good)
    return "\n".join(f"{'✓' if each.is_good else '✗'} {each.step}: {each.text}" for each in ordered)


_STEPS_OF_LOGIN = ("encryption", "login", "catalog")
_STEP_OF: tuple[tuple[type[CatalogError], str], ...] = (
    (TlsRefused, "encryption"),
    (LoginFailed, "login"),
    (CatalogMissing, "catalog"),
)


def _driver(hook: SsisCatalogHook) -> str:
    # Whether it can do what is asked for shows here too.
    _ = hook.odbc_connection_string
    return hook.odbc_driver.label


def _address(hook: SsisCatalogHook) -> str | None:
    """None for a data source: the driver manager alone knows where that is."""
    if hook.target.dsn is not None:
        return None
    host = hook.target.host.partition("\\")[0]
    try:
        addresses = sorted({str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except (OSError, ValueError) as error:
        # A name that no name server could know, with an empty part for instance, is a ValueError.
        raise _Failed(
            f"the name {host!r} is not known here ({error}). Check the host, and that this machine asks the right name "
            "server; Airflow's workers may be on another network than you."
        ) from None
    return f"{host} is {', '.join(addresses)}"


def _port(hook: SsisCatalogHook) -> str | None:
    target = hook.target
    if target.dsn is not None:
        return None
    host, _, instance = target.host.partition("\\")
    port = target.port
    if port is None and instance:
        port = _port_of_instance(host, instance, hook.settings.login_timeout)
    port = port or DEFAULT_PORT
    with _reported(host, port), socket.create_connection((host, port), timeout=hook.settings.login_timeout or None):
        return f"{host} listens at {port}" + (f", where the instance {instance} is" if instance else "")


@contextmanager
def _reported(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise _Failed(
            f"{host}, port {port}, does not answer. A firewall between here and there is the usual cause."
        ) from None
    except OSError as error:
        raise _Failed(
            f"nothing listens at {host}, port {port} ({error}). Check the port, that SQL Server runs, and that TCP/IP "
            "is enabled in its network configuration."
        ) from None


def _port_of_instance(host: str, instance: str, timeout: float) -> int:
    """Ask the SQL Server Browser, as drivers do (MC-SQLR, CLNT_UCAST_INST)."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, BROWSER_PORT, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as browser:
        browser.settimeout(timeout or None)
        try:
            browser.sendto(b"\x04" + instance.encode("ascii", "replace") + b"\x00", address)
            answer = browser.recv(4096)[3:].decode("ascii", "replace").split(";")
        except OSError as error:
            raise _Failed(
                f"the SQL Server Browser of {host} does not tell the port of the instance {instance!r} ({error}). Let "
                f"UDP port {BROWSER_PORT} through, start the Browser, or give the port in the connection."
            ) from None
    pairs = dict(zip(answer[::2], answer[1::2], strict=False))
    if not pairs.get("tcp", "").isdigit():
        raise _Failed(f"{host} has no instance {instance!r} that listens on TCP. Check the name.")
    return int(pairs["tcp"])


def _token(hook: SsisCatalogHook) -> str | None:
    entra = hook.settings.entra
    if entra is None:
        return None
    access_token(entra)
    return f"Entra ID gives an access token for {entra.scope}"


def _encryption(hook: SsisCatalogHook) -> str:
    target = hook.target
    if target.encrypt is None:
        return "as the data source says"
    if target.encrypt is Encrypt.NO:
        return "none: everything but the login can be read on the way"
    checked = "the server's certificate is trusted" if target.is_verified else "the server's certificate is not checked"
    return f"as asked for: {target.encrypt.value}; {checked}"


def _identity(hook: SsisCatalogHook, info: ServerInfo) -> str:
    return f"{info.login}, {_KINDS[hook.settings.authentication]}"


_KINDS = {
    Authentication.SQL: "a SQL login",
    Authentication.KERBEROS: "a Windows identity by Kerberos",
    Authentication.NTLM: "a Windows identity by NTLM",
    Authentication.ENTRA_SERVICE_PRINCIPAL: "an application of Entra ID",
    Authentication.ENTRA_MANAGED_IDENTITY: "a managed identity of Entra ID",
    Authentication.ENTRA_WORKLOAD_IDENTITY: "a workload identity of Entra ID",
}


def _rights(info: ServerInfo, rights: Rights) -> str:
    roles = f"member of {', '.join(info.roles)}" if info.roles else "no role of the catalog"
    parts = [
        roles,
        f"deploys to {rights.folders_to_deploy_to} of {rights.folders} folders",
        f"runs {rights.projects_to_run} of {rights.projects} projects",
        "reads all logs" if rights.reads_all_logs else "reads the logs of its own runs",
    ]
    text = "; ".join(parts)
    if info.is_refused:
        text = (
            "it can look at the catalog but not deploy, start or stop there. "
            + WindowsAuthenticationRequired.default_advice
        )
    return text

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

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.catalog import Catalog
    from airflow_provider_ssis.catalog.models import Rights, ServerInfo
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

DEFAULT_PORT = 1433
BROWSER_PORT = 1434


@dataclass(frozen=True, slots=True)
class Finding:
    """What one step found.

    :param step: its name: ``driver``, ``address``, ``port``, ``encryption``, ``login``, ``catalog``, ``identity``,
        ``rights``.
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

    for step, look in (("driver", _driver), ("address", _address), ("port", _port)):
        try:
            text = look(hook)
        except (CatalogError, _Failed) as error:
            yield found(step, str(error), is_good=False)
            return
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
        yield found("encryption", f"as asked for: {hook.settings.target.encrypt.value}")
        yield found("login", f"{info.server_name}, {info.edition}, version {info.product_version}")
        yield found("catalog", f"{info.database}, catalog schema version {info.schema_version or 'unknown'}")
        yield found("identity", _identity(info))
        rights = catalog.rights()
    except CatalogError as error:
        yield found("catalog", str(error), is_good=False)
        return
    yield found("rights", _rights(info, rights))


def summary_of(findings: list[Finding]) -> str:
    """The findings as lines of text."""
    return "\n".join(f"{'ok' if each.is_good else 'FAILED'} - {each.step}: {each.text}" for each in findings)


_STEPS_OF_LOGIN = ("encryption", "login", "catalog")
_STEP_OF: tuple[tuple[type[CatalogError], str], ...] = (
    (TlsRefused, "encryption"),
    (LoginFailed, "login"),
    (CatalogMissing, "catalog"),
)


def _driver(hook: SsisCatalogHook) -> str:
    return hook.odbc_driver.label


def _address(hook: SsisCatalogHook) -> str:
    host = hook.settings.target.host.partition("\\")[0]
    try:
        addresses = sorted({str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except OSError as error:
        raise _Failed(
            f"the name {host!r} is not known here ({error}). Check the host, and that this machine asks the right name "
            "server; Airflow's workers may be on another network than you."
        ) from None
    return f"{host} is {', '.join(addresses)}"


def _port(hook: SsisCatalogHook) -> str:
    target = hook.settings.target
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


def _identity(info: ServerInfo) -> str:
    kind = "a SQL login" if info.is_sql_login else "a Windows or Entra identity"
    checked = f", checked by {info.auth_scheme}" if info.auth_scheme else ""
    return f"{info.login}, {kind}{checked}"


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

"""Trying a connection step by step, so that the first step that fails explains itself."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    CatalogMissing,
    ConnectionLost,
    DriverMissing,
    KerberosFailed,
    LoginFailed,
    TlsRefused,
    TransientError,
    WindowsAuthenticationRequired,
)
from airflow_provider_ssis.catalog.session import RetryPolicy
from airflow_provider_ssis.hooks.entra import EntraUnreachable, TokenRefused, access_token
from airflow_provider_ssis.hooks.settings import Authentication
from airflow_provider_ssis.odbc.connection_string import Encrypt

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import Rights, ServerSession
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

DEFAULT_PORT = 1433
BROWSER_PORT = 1434


class Outcome(Enum):
    """How a step went; the value is its mark."""

    FAILED = "✗"
    """It is the last step."""
    LIMITED = "!"
    """It went well, and says that there is something that this login may not do."""
    GOOD = "✓"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one step found.

    :param step: its name: ``driver``, ``address``, ``port``, ``token`` (Entra ID only), ``encryption``, ``login``,
        ``server``, ``catalog``, ``version``, ``identity``, ``run``, ``deploy``, ``logs``; ``connection`` where the
        driver does not tell whether encryption or login failed.
    :param outcome: how it went.
    :param text: what was found, or what went wrong and what to do.
    :param seconds: how long it took; None where one call or query did this step and the one before, whose time it is.
    """

    step: str
    outcome: Outcome
    text: str
    seconds: float | None

    @property
    def is_good(self) -> bool:
        """False for the step that failed."""
        return self.outcome is not Outcome.FAILED


class _Failed(Exception):
    """A step failed."""


class _Step:
    """A step that begins now.

    :param name: its name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._began = time.monotonic()

    def found(self, text: str, outcome: Outcome = Outcome.GOOD) -> Finding:
        """What it found; it has taken the time until now."""
        return Finding(self._name, outcome, text, time.monotonic() - self._began)

    def failed(self, error: Exception) -> Finding:
        """What went wrong."""
        return self.found(str(error), Outcome.FAILED)


def check_connection(hook: SsisCatalogHook) -> Iterator[Finding]:
    """Try a connection, and tell what each step found. Ends after the first step that fails.

    Everything is tried from the machine that this runs on, with its drivers and its network.

    :param hook: the hook of the connection.
    """
    for name, look in (("driver", _driver), ("address", _address), ("port", _port), ("token", _token)):
        step = _Step(name)
        try:
            text = look(hook)
        except (CatalogError, _Failed) as error:
            if name not in ("address", "port") or not hook.settings.failover_partner:
                yield step.failed(error)
                return
            partner = f"The failover partner {hook.settings.failover_partner} is tried."
            yield step.found(f"{error} {partner}", Outcome.LIMITED)
        else:
            if text is not None:
                yield step.found(text)
    began = time.monotonic()
    try:
        catalog = hook.open_catalog(retry=RetryPolicy(attempts=1))
    except CatalogError as error:
        yield from _of_driver(hook, time.monotonic() - began, error)
        return
    with catalog:
        yield from _of_driver(hook, time.monotonic() - began)
        yield from _of_catalog(hook, catalog)


def _of_driver(hook: SsisCatalogHook, seconds: float, error: CatalogError | None = None) -> Iterator[Finding]:
    """What the driver does in one call: to encrypt, to log in, to enter the database."""
    *proven, last = ("encryption", "login") if error is None else _steps_until(error)
    texts = {"encryption": _encryption(hook), "login": "the server accepts it"}
    spent: float | None = seconds
    for step in proven:
        yield Finding(step, Outcome.GOOD, texts[step], spent)
        spent = None
    if error is None:
        yield Finding(last, Outcome.GOOD, texts[last], spent)
    else:
        yield Finding(last, Outcome.FAILED, str(error), spent)


def _steps_until(error: CatalogError) -> tuple[str, ...]:
    """The step of the driver's call that an error is about, behind those that it proves to have gone well."""
    match error:
        case DriverMissing():
            return ("driver",)
        case TokenRefused() | EntraUnreachable():
            return ("token",)
        case TlsRefused():
            return ("encryption",)
        case CatalogMissing():
            return ("encryption", "login", "catalog")
        case ConnectionLost():
            return ("connection",)
        # The server says so, and it reads no login before encryption is agreed on. Of other tickets the driver tells.
        case KerberosFailed() if error.number != _UNTRUSTED_DOMAIN:
            return ("login",)
        case LoginFailed() | TransientError() if error.number is not None:
            return ("encryption", "login")
        case LoginFailed():
            return ("login",)
        case _:
            return ("connection",)


_UNTRUSTED_DOMAIN = 18452
"""The server's own refusal of a ticket."""


def _of_catalog(hook: SsisCatalogHook, catalog: Catalog) -> Iterator[Finding]:
    step = _Step("server")
    try:
        session = catalog.server_session()
        yield step.found(f"{session.server_name}, {session.edition}, version {session.product_version}")
        step = _Step("catalog")
        version = catalog.catalog_properties().get("SCHEMA_VERSION")
        yield step.found(f"{session.database} is there")
        yield Finding("version", Outcome.GOOD, f"catalog schema version {version or 'unknown'}", None)
        step = _Step("identity")
        is_refused = catalog.refuses_login()
        yield step.found(_identity(hook, session))
        step = _Step("run")
        rights = catalog.rights()
        outcome, text = _run(session, rights, is_refused=is_refused)
        yield step.found(text, outcome)
        yield Finding("deploy", *_deploy(session, rights, is_refused=is_refused), None)
        yield Finding("logs", Outcome.GOOD, _logs(rights), None)
    except CatalogError as error:
        yield step.failed(error)


def may_change_nothing(findings: Iterable[Finding]) -> bool:
    """Whether the connection works for a login that may neither run nor deploy anything."""
    limited = {each.step for each in findings if each.outcome is Outcome.LIMITED}
    return {"run", "deploy"} <= limited


def summary_of(findings: Iterable[Finding]) -> str:
    """The findings as lines of text: the one that failed first, then those that tell of limits.

    The marks keep them apart where Airflow makes one line of them.
    """
    ordered = sorted(findings, key=lambda finding: list(Outcome).index(finding.outcome))
    return "\n".join(f"{each.outcome.value} {each.step}: {each.text}" for each in ordered)


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


def _identity(hook: SsisCatalogHook, session: ServerSession) -> str:
    roles = f"member of {', '.join(session.roles)}" if session.roles else "no role of the catalog"
    return f"{session.login}, {_KINDS[hook.settings.authentication]}; {roles}"


_KINDS = {
    Authentication.SQL: "a SQL login",
    Authentication.KERBEROS: "a Windows identity by Kerberos",
    Authentication.NTLM: "a Windows identity by NTLM",
    Authentication.ENTRA_SERVICE_PRINCIPAL: "an application of Entra ID",
    Authentication.ENTRA_MANAGED_IDENTITY: "a managed identity of Entra ID",
    Authentication.ENTRA_WORKLOAD_IDENTITY: "a workload identity of Entra ID",
}


def _run(session: ServerSession, rights: Rights, *, is_refused: bool) -> tuple[Outcome, str]:
    if is_refused:
        return (
            Outcome.LIMITED,
            "it can look at the catalog but not deploy, start or stop there. "
            + WindowsAuthenticationRequired.default_advice,
        )
    # An administrator of an empty catalog is not limited.
    may = session.is_admin or rights.projects_to_run > 0
    return _outcome(may), f"runs {rights.projects_to_run} of {rights.projects} projects"


def _deploy(session: ServerSession, rights: Rights, *, is_refused: bool) -> tuple[Outcome, str]:
    if is_refused:
        return Outcome.LIMITED, "it cannot, for the same reason"
    may = session.is_admin or rights.folders_to_deploy_to > 0
    return _outcome(may), f"deploys to {rights.folders_to_deploy_to} of {rights.folders} folders"


def _outcome(may: bool) -> Outcome:
    return Outcome.GOOD if may else Outcome.LIMITED


def _logs(rights: Rights) -> str:
    return "reads all logs" if rights.reads_all_logs else "reads the logs of its own runs"

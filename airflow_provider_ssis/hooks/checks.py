"""Tests a connection step by step, so that the first failing step explains itself."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

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
from airflow_provider_ssis.catalog.grants import FOLDER_PLACEHOLDER, Purpose, grant_statements
from airflow_provider_ssis.catalog.retries import NO_RETRY
from airflow_provider_ssis.hooks.entra import EntraUnreachable, TokenRefused, access_token
from airflow_provider_ssis.hooks.extra import DriverUnsuitable
from airflow_provider_ssis.odbc.target import Encrypt

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import Rights, ServerSession
    from airflow_provider_ssis.catalog.retries import RetryPolicy
    from airflow_provider_ssis.hooks.settings import Settings
    from airflow_provider_ssis.odbc.drivers import OdbcDriver
    from airflow_provider_ssis.odbc.target import OdbcTarget

DEFAULT_PORT = 1433
BROWSER_PORT = 1434


class Outcome(Enum):
    """Result of a step; the value is its mark."""

    FAILED = "✗"
    """The step failed. It is the last one."""
    LIMITED = "!"
    """The step succeeded and shows something that this login may not do."""
    GOOD = "✓"


class CheckedHook(Protocol):
    """The parts of :class:`~airflow_provider_ssis.hooks.ssis.SsisCatalogHook` that the checks use."""

    @property
    def settings(self) -> Settings: ...
    @property
    def odbc_driver(self) -> OdbcDriver: ...
    @property
    def target(self) -> OdbcTarget: ...
    @property
    def odbc_connection_string(self) -> str: ...
    @property
    def connect_kwargs(self) -> dict[str, Any]: ...
    @property
    def database(self) -> str: ...
    def open_catalog(self, *, retry: RetryPolicy | None = None, query_timeout: int = 0) -> Catalog: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one step.

    :param step: its name: ``settings``, ``driver``, ``address``, ``port``, ``token`` (Entra ID only), ``encryption``,
        ``login``, ``server``, ``catalog``, ``version``, ``identity``, ``run``, ``deploy``, ``logs``;
        ``connection`` if the driver does not report whether encryption or login failed.
    :param outcome: success or failure.
    :param text: what was found, or what failed and what to do.
    :param seconds: duration. None: one call did this step together with the one before, which has the duration.
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
    """A step that starts now.

    :param name: its name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._began = time.monotonic()

    def found(self, text: str, outcome: Outcome = Outcome.GOOD) -> Finding:
        """The result; the step ends now."""
        return Finding(self._name, outcome, text, time.monotonic() - self._began)

    def failed(self, error: Exception) -> Finding:
        """The result of a step that failed."""
        return self.found(str(error), Outcome.FAILED)


def check_connection(hook: CheckedHook) -> Iterator[Finding]:
    """Test a connection and report each step. Ends after the first step that fails.

    Everything is tested from the machine that this runs on, with its drivers and its network.

    :param hook: the hook of the connection.
    """
    steps = (
        ("settings", _settings),
        ("driver", _driver),
        ("address", _address),
        ("port", _port),
        ("token", _token),
    )
    for name, check in steps:
        step = _Step(name)
        try:
            text = check(hook)
        except (CatalogError, _Failed) as error:
            if name not in ("address", "port") or not hook.settings.failover_partner:
                yield step.failed(error)
                return
            partner = f"The test continues with the failover partner {hook.settings.failover_partner}."
            yield step.found(f"{error} {partner}", Outcome.LIMITED)
        else:
            if text is not None:
                yield step.found(text)
    began = time.monotonic()
    try:
        catalog = hook.open_catalog(retry=NO_RETRY)
    except CatalogError as error:
        yield from _of_driver(hook, time.monotonic() - began, error)
        return
    with catalog:
        yield from _of_driver(hook, time.monotonic() - began)
        yield from _of_catalog(hook, catalog)


def _of_driver(hook: CheckedHook, seconds: float, error: CatalogError | None = None) -> Iterator[Finding]:
    """The steps of the driver's single call: encrypt, log in, open the database."""
    *proven, last = ("encryption", "login") if error is None else _steps_until(error)
    texts = {"encryption": _encryption(hook), "login": "accepted by the server"}
    spent: float | None = seconds
    for step in proven:
        yield Finding(step, Outcome.GOOD, texts[step], spent)
        spent = None
    if error is None:
        yield Finding(last, Outcome.GOOD, texts[last], spent)
    else:
        yield Finding(last, Outcome.FAILED, str(error), spent)


def _steps_until(error: CatalogError) -> tuple[str, ...]:
    """The step of the driver's call that failed, after the steps that the error proves to have succeeded."""
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
        # Only the server can refuse a login, and it does so after encryption. Other ticket errors are the driver's.
        case KerberosFailed() if error.number != _UNTRUSTED_DOMAIN:
            return ("login",)
        case LoginFailed() | TransientError() if error.number is not None:
            return ("encryption", "login")
        case LoginFailed():
            return ("login",)
        case _:
            return ("connection",)


_UNTRUSTED_DOMAIN = 18452
"""The server's error number for a ticket that it does not accept."""


def _of_catalog(hook: CheckedHook, catalog: Catalog) -> Iterator[Finding]:
    step = _Step("server")
    try:
        session = catalog.server_session()
        yield step.found(f"{session.server_name}, {session.edition}, version {session.product_version}")
        step = _Step("catalog")
        version = catalog.catalog_properties().get("SCHEMA_VERSION")
        yield step.found(f"database {session.database}")
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
    """Whether the login may neither run nor deploy anything, although the connection works."""
    limited = {each.step for each in findings if each.outcome is Outcome.LIMITED}
    return {"run", "deploy"} <= limited


def summary_of(findings: Iterable[Finding]) -> str:
    """The findings as lines of text: failed first, then limited, then successful steps.

    The marks separate them, because Airflow's form joins the lines.
    """
    ordered = sorted(findings, key=lambda finding: list(Outcome).index(finding.outcome))
    return "\n".join(f"{each.outcome.value} {each.step}: {each.text}" for each in ordered)


def _settings(hook: CheckedHook) -> str:
    settings = hook.settings
    # Texts that cannot be sent to the driver show here. Problems of the driver belong to the next step.
    with suppress(DriverMissing, DriverUnsuitable):
        _ = hook.connect_kwargs, hook.odbc_connection_string
    return f"{hook.target.label}, database {hook.database}, authentication {settings.authentication.value}"


def _driver(hook: CheckedHook) -> str:
    _ = hook.odbc_connection_string
    return hook.odbc_driver.label


def _address(hook: CheckedHook) -> str | None:
    """None for a data source: only the driver manager knows its server."""
    if hook.target.dsn is not None:
        return None
    host = hook.target.host.partition("\\")[0]
    try:
        addresses = sorted({str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except (OSError, ValueError) as error:
        # An invalid name, with an empty part for instance, is a ValueError.
        raise _Failed(
            f"the name {host!r} cannot be resolved on this machine ({error}). Check the host and the machine's name "
            "server. Airflow's workers may be in another network than you."
        ) from None
    return f"{host} is {', '.join(addresses)}"


def _port(hook: CheckedHook) -> str | None:
    target = hook.target
    if target.dsn is not None:
        return None
    host, _, instance = target.host.partition("\\")
    port = target.port
    if port is None and instance:
        port = _port_of_instance(host, instance, hook.settings.login_timeout)
    port = port or DEFAULT_PORT
    with _reported(host, port), socket.create_connection((host, port), timeout=hook.settings.login_timeout or None):
        return f"{host} accepts connections on port {port}" + (f" (instance {instance})" if instance else "")


@contextmanager
def _reported(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise _Failed(
            f"{host}, port {port}, does not answer. The usual cause is a firewall between this machine and it."
        ) from None
    except OSError as error:
        raise _Failed(
            f"{host} accepts no connections on port {port} ({error}). Check the port, that SQL Server is running, and "
            "that TCP/IP is enabled in its network configuration."
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
                f"the SQL Server Browser of {host} did not report the port of the instance {instance!r} ({error}). "
                f"Open UDP port {BROWSER_PORT}, start the Browser, or enter the port in the connection."
            ) from None
    pairs = dict(zip(answer[::2], answer[1::2], strict=False))
    if not pairs.get("tcp", "").isdigit():
        raise _Failed(f"{host} has no instance {instance!r} that listens on TCP. Check the name.")
    return int(pairs["tcp"])


def _token(hook: CheckedHook) -> str | None:
    entra = hook.settings.entra
    if entra is None:
        return None
    access_token(entra)
    return f"Entra ID issued an access token for {entra.scope}"


def _encryption(hook: CheckedHook) -> str:
    target = hook.target
    if target.encrypt is None:
        return "as configured in the data source"
    if target.encrypt is Encrypt.NO:
        return "none: everything except the login can be read in the network"
    checked = "the server's certificate is trusted" if target.is_verified else "the server's certificate is not checked"
    return f"{target.encrypt.value}; {checked}"


def _identity(hook: CheckedHook, session: ServerSession) -> str:
    roles = f"member of {', '.join(session.roles)}" if session.roles else "no role in the catalog"
    return f"{session.login}, {hook.settings.authentication.way.identity}; {roles}"


def _run(session: ServerSession, rights: Rights, *, is_refused: bool) -> tuple[Outcome, str]:
    if is_refused:
        return (
            Outcome.LIMITED,
            "the login may read the catalog but not deploy, start or stop. "
            + WindowsAuthenticationRequired.default_advice,
        )
    # An administrator of an empty catalog is not limited.
    may = session.is_admin or rights.projects_to_run > 0
    text = f"the login may run packages of {rights.projects_to_run} of {rights.projects} visible projects"
    return _outcome(may), text if may else f"{text}. {_grants(session, Purpose.RUN)}"


def _deploy(session: ServerSession, rights: Rights, *, is_refused: bool) -> tuple[Outcome, str]:
    if is_refused:
        return Outcome.LIMITED, "the login may not deploy, for the same reason"
    may = session.is_admin or rights.folders_to_deploy_to > 0
    text = f"the login may deploy to {rights.folders_to_deploy_to} of {rights.folders} visible folders"
    return _outcome(may), text if may else f"{text}. {_grants(session, Purpose.DEPLOY)}"


def _grants(session: ServerSession, purpose: Purpose) -> str:
    return (
        f"To let it {purpose.value} in a folder, an ssis_admin can run in SSISDB, with the folder's name for "
        f"{FOLDER_PLACEHOLDER}:\n{grant_statements(session.user, purpose)}"
    )


def _outcome(may: bool) -> Outcome:
    return Outcome.GOOD if may else Outcome.LIMITED


def _logs(rights: Rights) -> str:
    return "the login may read all logs" if rights.reads_all_logs else "the login may read its own executions' logs"

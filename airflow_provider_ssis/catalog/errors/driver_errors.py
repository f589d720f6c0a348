"""From what database drivers raise to the exceptions of ``errors``.

Each driver tells an error in its own way: pyodbc as ``(SQLSTATE, text)`` with the number inside the text, pymssql as
``(number, bytes)``, python-tds as attributes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    CatalogMissing,
    ConnectError,
    ConnectionLost,
    DriverMissing,
    KerberosFailed,
    LoginFailed,
    ServerUnreachable,
    StatementTimeout,
    TlsRefused,
    TransientError,
)
from airflow_provider_ssis.catalog.errors.error_numbers import meaning_of


@dataclass(frozen=True, slots=True)
class DriverReport:
    """What a driver told about an error; what it does not tell is None or empty."""

    text: str
    sqlstate: str = ""
    number: int | None = None
    severity: int | None = None
    state: int | None = None
    procedure: str | None = None
    line: int | None = None


def server_error(report: DriverReport) -> CatalogError:
    """The exception for an error that SQL Server itself raised, chosen by its number."""
    meaning = meaning_of(report.number)
    return meaning.error(
        report.text,
        number=report.number,
        severity=report.severity,
        state=report.state,
        procedure=report.procedure,
        line=report.line,
        advice=meaning.advice,
    )


def statement_error(error: BaseException) -> CatalogError:
    """The exception for what a driver raised while it ran a statement."""
    report = read_report(error)
    if _is_connection_loss(error, report):
        return ConnectionLost(f"The connection to the server broke: {report.text}", number=report.number)
    if report.sqlstate in ("HYT00", "HYT01"):
        return StatementTimeout(f"The server did not answer in time: {report.text}")
    return server_error(report)


def connect_error(error: BaseException, *, target: str, has_ticket: bool = False) -> CatalogError:
    """The exception for what a driver raised while it connected.

    :param target: the server as the user knows it, ``host,port`` for instance; it goes into the message.
    :param has_ticket: the driver was to log in with a Kerberos ticket.
    """
    report = read_report(error)
    text = report.text
    if has_ticket and (report.number == 18452 or _KERBEROS_WORD in text.lower()):
        return KerberosFailed(
            f"No Kerberos login at {target}: {text}", number=report.number, advice=_advice_for_ticket(text)
        )
    meaning = meaning_of(report.number)
    if meaning.error in (LoginFailed, CatalogMissing, TransientError):
        named = server_error(report)
        named.message = f"{target} answered, but refused: {text}"
        return named
    lowered = text.lower()
    if report.sqlstate in ("IM002", "IM003", "IM004") or "can't open lib" in lowered:
        return DriverMissing(
            f"The ODBC driver could not be loaded: {text}", advice="Install the driver and the libraries that it needs."
        )
    if any(word in lowered for word in _TLS_WORDS):
        return TlsRefused(f"No encrypted connection to {target}: {text}")
    if report.sqlstate == "28000":
        return LoginFailed(f"{target} answered, but refused: {text}", number=report.number)
    if report.sqlstate in ("08001", "HYT00", "HYT01", "08S01") or _is_connection_loss(error, report):
        unreachable = ServerUnreachable(f"No SQL Server answers at {target}: {text}")
        if _FREETDS_TELLS_NOTHING in lowered:
            unreachable.advice += (
                " FreeTDS does not tell more: if the server does answer, its certificate is not trusted "
                "(trusted_certificates), or there is no Kerberos ticket for it."
            )
        return unreachable
    return ConnectError(f"No connection to {target}: {text}", number=report.number)


def _advice_for_ticket(text: str) -> str | None:
    """What to do about a ticket, by what Kerberos says of it; None for what is not known."""
    lowered = text.lower()
    return next((advice for words, advice in _TICKET_ADVICE if any(word in lowered for word in words)), None)


def read_report(error: BaseException) -> DriverReport:
    """What a driver's exception says, whichever of the known drivers raised it."""
    number = getattr(error, "msg_no", None)
    if number is not None:  # python-tds
        return DriverReport(
            text=_one_line(getattr(error, "text", "") or str(error)),
            number=number or None,
            severity=getattr(error, "severity", None) or None,
            state=getattr(error, "state", None) or None,
            procedure=getattr(error, "procname", None) or None,
            line=getattr(error, "line", None) or None,
        )
    args = error.args
    if len(args) == 1 and isinstance(args[0], tuple):
        args = args[0]
    if len(args) >= 2 and isinstance(args[0], int):  # pymssql
        text = args[1].decode("utf-8", "replace") if isinstance(args[1], bytes) else str(args[1])
        return DriverReport(text=_one_line(_DB_LIB_NOTE.sub("", text)) or _one_line(text), number=args[0])
    if len(args) >= 2 and isinstance(args[0], str) and _SQLSTATE.fullmatch(args[0]):  # pyodbc
        return _read_odbc(args[0], str(args[1]))
    return DriverReport(text=_one_line(str(error)) or type(error).__name__)


def _read_odbc(sqlstate: str, text: str) -> DriverReport:
    """ODBC joins several diagnostics into one text; the first is the cause, and each ends in its native number."""
    first = _ODBC_NEXT.split(text, maxsplit=1)[0]
    number = _ODBC_NUMBER.search(first)
    plain = _ODBC_SOURCES.sub("", _ODBC_NUMBER.sub("", first))
    return DriverReport(
        text=_one_line(plain), sqlstate=sqlstate, number=int(number["number"]) or None if number is not None else None
    )


def _is_connection_loss(error: BaseException, report: DriverReport) -> bool:
    if isinstance(error, OSError) or report.sqlstate in ("08S01", "08003", "08007", "01002"):
        return True
    if type(error).__name__ in ("ClosedConnectionError", "InterfaceError") and report.number is None:
        return True
    return report.number in _CONNECTION_LOSS_NUMBERS


def _one_line(text: str) -> str:
    return " ".join(text.split())


_SQLSTATE = re.compile(r"[0-9A-Z]{5}")
_ODBC_SOURCES = re.compile(r"^(?:\[[^\]]*\]\s*)+")
_ODBC_NUMBER = re.compile(r"\s*\((?P<number>-?\d+)\)\s*(?:\(SQL\w+\))?\s*$")
_ODBC_NEXT = re.compile(r"(?<=\))\s*;\s*(?=\[[0-9A-Z]{5}\] )")
_DB_LIB_NOTE = re.compile(r"DB-Lib error message.*", re.DOTALL)
_TLS_WORDS = ("ssl", "tls", "certificate", "encryption")
# Windows socket errors that SQL Server's drivers report, a session that was killed (596), and DB-Library's own numbers
# for a dead connection.
_CONNECTION_LOSS_NUMBERS = frozenset(
    {64, 233, 596, 10053, 10054, 10060, 10061, 20003, 20004, 20006, 20009, 20017, 20047}
)

_KERBEROS_WORD = "sspi provider"
"""How Microsoft's driver begins what Kerberos says."""
_FREETDS_TELLS_NOTHING = "unable to connect to data source"
_TICKET_ADVICE = (
    (
        ("no kerberos credentials", "no credentials", "credentials cache", "no such file"),
        (
            "There is no ticket. Give a keytab in the connection (kerberos_keytab), or run kinit user@REALM as the "
            "account that Airflow runs as (airflow kerberos does so all the time)."
        ),
    ),
    (
        ("ticket expired", "expired"),
        "The ticket is too old. Run kinit user@REALM again, or give a keytab (kerberos_keytab), which renews it.",
    ),
    (
        ("server not found", "not found in kerberos database"),
        (
            "The server's service principal is not registered under that name. Have it registered (setspn, on a domain "
            "controller), connect by the server's full name, or name the principal in server_spn."
        ),
    ),
    (
        ("cannot find kdc", "cannot contact any kdc", "cannot resolve", "configuration file", "default realm"),
        "No domain controller is found. Check the realm in krb5.conf (KRB5_CONFIG) and that this machine reaches it.",
    ),
    (("clock skew",), "The clocks of this machine and the domain differ. Set this machine's clock (NTP)."),
    (
        ("preauthentication failed", "client not found", "key table", "keytab", "no key", "password incorrect"),
        "The keytab has no key of that principal, or an old one: have a new one made, and check the login's spelling.",
    ),
)
"""Parts of what MIT Kerberos says, and what to do."""

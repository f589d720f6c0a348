"""Converts the exceptions of database drivers to those of ``errors``.

Each driver reports an error in its own form: pyodbc as ``(SQLSTATE, text)`` with the number inside the text, pymssql
as ``(number, bytes)``, python-tds as attributes.
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
    """An error as a driver reported it. Unknown parts are None or empty.

    :param text: the message.
    :param sqlstate: the SQLSTATE.
    :param number: SQL Server's error number; None if the error comes from the driver or the network.
    :param client_code: the driver's own code, a socket or GSSAPI code for instance, if the error is not the server's.
    :param severity: SQL Server's severity.
    :param state: SQL Server's state number.
    :param procedure: the procedure that raised the error.
    :param line: the line in it.
    """

    text: str
    sqlstate: str = ""
    number: int | None = None
    client_code: int | None = None
    severity: int | None = None
    state: int | None = None
    procedure: str | None = None
    line: int | None = None


def server_error(report: DriverReport) -> CatalogError:
    """The exception for an error of SQL Server, by its number."""
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
    """The exception for an error during a statement."""
    report = read_report(error)
    if _is_connection_loss(error, report):
        return ConnectionLost(f"The connection to the server broke: {report.text}", number=report.number)
    if report.sqlstate in ("HYT00", "HYT01"):
        return StatementTimeout(f"The server did not answer within the query timeout: {report.text}")
    return server_error(report)


def connect_error(
    error: BaseException,
    *,
    target: str,
    database: str | None = None,
    uses_kerberos: bool = False,
    uses_ntlm: bool = False,
    has_keytab: bool = False,
    lacks_password: bool = False,
) -> CatalogError:
    """The exception for an error while connecting.

    :param error: the driver's exception.
    :param target: the server as the user knows it, ``host,port`` for instance, for the message.
    :param database: the requested database, for advice. Default: unknown.
    :param uses_kerberos: the driver was to log in with a Kerberos ticket. Default: False.
    :param uses_ntlm: the driver was to log in with a Windows account and its password. Default: False.
    :param has_keytab: the tickets are requested with a keytab. Default: False.
    :param lacks_password: the connection has a login and no password. Default: False.
    """
    report = read_report(error)
    text = report.text
    if uses_kerberos and (report.number == _UNTRUSTED_DOMAIN or _KERBEROS_WORD in text.lower()):
        advice = _advice_for_ticket(text)
        if has_keytab and advice == _NO_TICKET:
            advice = _NO_TICKET_WITH_KEYTAB
        return KerberosFailed(f"Kerberos login at {target} failed: {text}", number=report.number, advice=advice)
    meaning = meaning_of(report.number)
    if meaning.error in (LoginFailed, CatalogMissing, TransientError):
        refused = server_error(report)
        refused.message = f"{target} refused the connection: {text}"
        if uses_ntlm and meaning.error is LoginFailed:
            refused.advice = _NTLM_ADVICE
        if lacks_password and meaning.error is LoginFailed:
            refused.advice = f"The connection has a login and no password. {refused.advice}"
        if meaning.error is CatalogMissing and database is not None and database.lower() != _CATALOG_DATABASE.lower():
            refused.advice = _database_advice(database)
        return refused
    lowered = text.lower()
    if report.sqlstate in ("IM002", "IM003", "IM004") or "can't open lib" in lowered:
        return DriverMissing(
            f"The ODBC driver could not be loaded: {text}",
            advice="Install the driver and the libraries that it needs ('ldd' lists them).",
        )
    if any(word in lowered for word in _TLS_WORDS):
        return TlsRefused(f"Encrypting the connection to {target} failed: {text}")
    if report.sqlstate == "28000":
        return LoginFailed(
            f"{target} refused the connection: {text}",
            number=report.number,
            advice=_NTLM_ADVICE if uses_ntlm else None,
        )
    if report.sqlstate in ("08001", "HYT00", "HYT01", "08S01") or _is_connection_loss(error, report):
        unreachable = ServerUnreachable(f"Cannot reach SQL Server at {target}: {text}")
        if _UNEXPLAINED_BY_FREETDS in lowered:
            unreachable.advice += (
                " FreeTDS does not report the cause: if the server does answer, its certificate is not trusted "
                "(trusted_certificates), or there is no Kerberos ticket for it."
            )
        return unreachable
    return ConnectError(f"Connecting to {target} failed: {text}", number=report.number)


def _database_advice(database: str) -> str:
    """What to do if a database other than SSISDB cannot be opened."""
    if database.lower() in ("catalog", "dbo", "internal"):
        return (
            f"The connection's field schema names the database, and {database!r} is a schema inside it. The SSIS "
            f"catalog is in the database {_CATALOG_DATABASE}: enter that, or leave the field empty."
        )
    return (
        f"The connection's field schema names the database {database!r}, which does not exist or which the login may "
        f"not open. The SSIS catalog is in the database {_CATALOG_DATABASE}: leave the field empty to use it."
    )


def _advice_for_ticket(text: str) -> str | None:
    """What to do about a ticket, by the message of the Kerberos library. None: the message is unknown."""
    lowered = text.lower()
    return next((advice for words, advice in _TICKET_ADVICE if any(word in lowered for word in words)), None)


def read_report(error: BaseException) -> DriverReport:
    """The content of an exception of pyodbc, pymssql or python-tds."""
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
        number, client_code = _by_source(args[0], is_own=args[0] in _DB_LIB_CODES)
        return DriverReport(
            text=_one_line(_DB_LIB_NOTE.sub("", text)) or _one_line(text), number=number, client_code=client_code
        )
    if len(args) >= 2 and isinstance(args[0], str) and _SQLSTATE.fullmatch(args[0]):  # pyodbc
        return _read_odbc(args[0], str(args[1]))
    return DriverReport(text=_one_line(str(error)) or type(error).__name__)


def _read_odbc(sqlstate: str, text: str) -> DriverReport:
    """ODBC joins several diagnostics into one text. The first is the cause, and each ends with its native number."""
    first = _ODBC_NEXT.split(text, maxsplit=1)[0]
    found = _ODBC_NUMBER.search(first)
    plain = _ODBC_SOURCES.sub("", _ODBC_NUMBER.sub("", first))
    code = int(found["number"]) if found is not None else 0
    # FreeTDS gives the server as the source of all messages, those of the driver included.
    is_own = _FROM_SERVER.match(first) is None or code in _DB_LIB_CODES
    number, client_code = _by_source(code, is_own=is_own)
    return DriverReport(text=_one_line(plain), sqlstate=sqlstate, number=number, client_code=client_code)


def _by_source(code: int, *, is_own: bool) -> tuple[int | None, int | None]:
    """The server's error number and the driver's own code, of which an error has one."""
    return (None, code or None) if is_own else (code or None, None)


def _is_connection_loss(error: BaseException, report: DriverReport) -> bool:
    if isinstance(error, OSError) or report.sqlstate in ("08S01", "08003", "08007", "01002"):
        return True
    if type(error).__name__ in ("ClosedConnectionError", "InterfaceError") and report.number is None:
        return True
    return _SESSION_KILLED in (report.number, report.client_code) or report.client_code in _CONNECTION_LOSS_CODES


def _one_line(text: str) -> str:
    return " ".join(text.split())


_SQLSTATE = re.compile(r"[0-9A-Z]{5}")
_ODBC_SOURCES = re.compile(r"^(?:\[[^\]]*\]\s*)+")
_ODBC_NUMBER = re.compile(r"\s*\((?P<number>-?\d+)\)\s*(?:\(SQL\w+\))?\s*$")
_ODBC_NEXT = re.compile(r"(?<=\))\s*;\s*(?=\[[0-9A-Z]{5}\] )")
_DB_LIB_NOTE = re.compile(r"DB-Lib error message.*", re.DOTALL)
_TLS_WORDS = ("ssl", "tls", "certificate", "encryption")
_FROM_SERVER = re.compile(r"(?:\[[^\]]*\]\s*)*\[SQL Server\]")
_DB_LIB_CODES = range(20000, 20500)
"""DB-Library's own numbers, which FreeTDS and pymssql report like the server's."""
_SESSION_KILLED = 596
_UNTRUSTED_DOMAIN = 18452
# Windows socket errors that SQL Server's drivers report, and DB-Library's numbers for a dead connection.
_CONNECTION_LOSS_CODES = frozenset({64, 233, 10053, 10054, 10060, 10061, 20003, 20004, 20006, 20009, 20017, 20047})
_CATALOG_DATABASE = "SSISDB"
_NTLM_ADVICE = (
    "The server could not verify the Windows account. Check domain, account and password of the login (DOMAIN\\user), "
    "that the account is not locked or expired, and that the server trusts its domain."
)

_KERBEROS_WORD = "sspi provider"
"""The beginning of Kerberos messages from Microsoft's driver."""
_UNEXPLAINED_BY_FREETDS = "unable to connect to data source"
_NO_TICKET = (
    "There is no Kerberos ticket. Set kerberos_keytab in the connection, or run kinit user@REALM as Airflow's account "
    "(airflow kerberos does this regularly)."
)
_NO_TICKET_WITH_KEYTAB = (
    "There is no Kerberos ticket, although the connection has a keytab. Check that the keytab has a key of the login "
    "(klist -k FILE) and gets a ticket (kinit -k -t FILE user@REALM)."
)
_TICKET_ADVICE = (
    (
        ("no kerberos credentials", "no credentials", "credentials cache", "no such file"),
        _NO_TICKET,
    ),
    (
        ("ticket expired", "expired"),
        "The Kerberos ticket has expired. Run kinit user@REALM again, or set kerberos_keytab, which renews it.",
    ),
    (
        ("server not found", "not found in kerberos database"),
        (
            "The server's service principal is not registered under that name. Register it (setspn, on a domain "
            "controller), connect with the server's full name, or set server_spn."
        ),
    ),
    (
        ("cannot find kdc", "cannot contact any kdc", "cannot resolve", "configuration file", "default realm"),
        "No domain controller was found. Check the realm in krb5.conf (KRB5_CONFIG), and that this machine reaches it.",
    ),
    (("clock skew",), "The clocks of this machine and the domain differ. Set this machine's clock (NTP)."),
    (
        ("preauthentication failed", "client not found", "key table", "keytab", "no key", "password incorrect"),
        "The keytab has no key of this principal, or an old one. Create a new keytab, and check the login's spelling.",
    ),
)
"""Parts of messages of MIT Kerberos, and what to do."""

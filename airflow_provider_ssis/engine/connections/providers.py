"""From the connection string of any provider to ODBC.

Source of the providers and their keys: Microsoft Learn, "OLE DB providers" and ".NET Framework data providers"; the
keywords of the ODBC drivers: the documentation of Oracle, IBM, FreeTDS, MySQL and psqlODBC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from airflow_provider_ssis.engine.connections.address import REPLACE, NoOdbc, OdbcAddress, seconds
from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.provider_string import (
    StringPairs,
    compact,
    odbc_string,
    parse_odbc_string,
    parse_provider_string,
)
from airflow_provider_ssis.engine.connections.sql_server import sql_server_address
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.odbc.drivers import OdbcDriver, OdbcDriverMissing, installed_drivers

_OLE_DB_KINDS = ("OLEDB", "ADO", "ADO.NET")


@dataclass(frozen=True, slots=True)
class InstalledDrivers:
    """The ODBC drivers of a machine.

    :param sql_server: those for SQL Server, the preferred one first.
    :param names: all names that are registered with the driver manager.
    """

    sql_server: tuple[OdbcDriver, ...]
    names: tuple[str, ...]

    @classmethod
    def of_this_machine(cls) -> InstalledDrivers:
        """Return the drivers of this machine; empty if there is no driver manager."""
        try:
            import pyodbc

            return cls(installed_drivers(), tuple(pyodbc.drivers()))
        except (ImportError, OdbcDriverMissing):
            return cls((), ())


def odbc_address(connection: RunConnection, drivers: InstalledDrivers) -> OdbcAddress:
    """Return how an ODBC driver connects to the database of a connection manager.

    :param connection: the connection manager.
    :param drivers: the drivers of this machine.
    :raises NoOdbc: the provider has no counterpart in ODBC, or none on this machine.
    :raises TaskFailure: 0xC0024108, the connection string is malformed.
    """
    source = _Source(connection, drivers)
    if _is_odbc(connection):
        return source.odbc(connection.connection_string)
    if connection.kind not in _OLE_DB_KINDS:
        raise NoOdbc(connection.name, f"its type is {connection.kind}, which connects to no database", "Use another.")
    pairs = parse_provider_string(connection.connection_string, connection.name)
    provider = pairs.get("provider") or _net_provider(connection)
    return _reader(connection, provider)(source, pairs)


def _reader(connection: RunConnection, provider: str) -> Callable[[_Source, StringPairs], OdbcAddress]:
    for pattern, read in _PROVIDERS:
        if re.fullmatch(pattern, provider, re.IGNORECASE):
            return read
    raise NoOdbc(connection.name, f"the provider {provider!r} has no counterpart in ODBC", REPLACE)


def _is_odbc(connection: RunConnection) -> bool:
    if connection.kind == "ODBC" or "System.Data.Odbc" in connection.creation_name:
        return True
    if not re.search(r"(?:^|;)\s*(?:driver|dsn)\s*=", connection.connection_string, re.IGNORECASE):
        return False
    return not parse_odbc_string(connection.connection_string, connection.name).get("provider")


def _net_provider(connection: RunConnection) -> str:
    if connection.kind != "ADO.NET":
        raise NoOdbc(connection.name, "its connection string names no provider", "Add the key Provider.")
    name = connection.creation_name.partition(":")[2].partition(",")[0].strip()
    return name or "SQL"


def password_of(connection: RunConnection) -> str:
    """Return the password of a connection manager that is stored apart from its connection string.

    :param connection: the connection manager.
    """
    return next((value for key, value in connection.properties.items() if compact(key) in ("password", "pwd")), "")


_SQL_SERVER_DRIVER = re.compile(
    r"sql server|sql server native client [\d.]+|sql native client|odbc driver \d+(\.\d+)? for sql server",
    re.IGNORECASE,
)
_ENCRYPTING_DRIVER = re.compile(r"odbc driver (1[89]|[2-9]\d)(\.\d+)? for sql server", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Source:
    connection: RunConnection
    drivers: InstalledDrivers

    @property
    def name(self) -> str:
        return self.connection.name

    def sql_server(self, pairs: StringPairs, *, encrypts: bool) -> OdbcAddress:
        password = password_of(self.connection)
        return sql_server_address(self.name, pairs, password, encrypts=encrypts, drivers=self.drivers.sql_server)

    def odbc(self, text: str, login: Sequence[tuple[str, str]] = ()) -> OdbcAddress:
        """Take a string of ODBC as it is, with an installed driver."""
        pairs = parse_odbc_string(text, self.name)
        driver = pairs.get("driver").strip()
        if driver and _SQL_SERVER_DRIVER.fullmatch(driver) and driver not in self.drivers.names:
            return self.sql_server(pairs, encrypts=_ENCRYPTING_DRIVER.fullmatch(driver) is not None)
        if not driver and not pairs.get("dsn", "filedsn"):
            raise NoOdbc(self.name, "its connection string names neither a driver nor a data source", REPLACE)
        shown = [pair for pair in pairs if compact(pair[0]) not in ("driver", "provider")]
        secret = password_of(self.connection)
        given = {compact(key) for key, _ in shown}
        for key, value in (*login, *((("PWD", secret),) if secret else ())):
            if compact(key) in given:
                shown = [pair for pair in shown if compact(pair[0]) != compact(key)]
            shown.append((key, value))
        label = pairs.get("server", "servername", "dsn", "filedsn", "dbq") or "the data source"
        # The driver manager reads DRIVER itself and expects the braces.
        start = f"DRIVER={{{self._installed(driver)}}};" if driver else ""
        secrets = (secret, pairs.get("pwd", "password"), *(value for key, value in login if key == "PWD"))
        return OdbcAddress(start + odbc_string(shown), label=label, secrets=secrets)

    def _installed(self, driver: str) -> str:
        if driver.startswith("/"):
            return driver
        wanted = driver.lower()
        for name in (*self.drivers.names, *(each.name for each in self.drivers.sql_server)):
            if name.lower() in (wanted, wanted.removesuffix("(x64)").strip()):
                return name
        raise self._missing(f"the ODBC driver {driver!r} is not installed on this machine")

    def matching(self, product: str, pattern: str) -> str:
        """Return the first installed driver whose name matches."""
        for name in self.drivers.names:
            if re.search(pattern, name, re.IGNORECASE):
                return name
        raise self._missing(f"no ODBC driver for {product} is installed on this machine")

    def _missing(self, why: str) -> NoOdbc:
        there = ", ".join(self.drivers.names) or "none"
        return NoOdbc(self.name, f"{why} (installed: {there})", f"Install it. Or: {REPLACE}")

    def other(self, product: _Product, pairs: StringPairs) -> OdbcAddress:
        """Map the keys of another product's provider."""
        unknown = [key for key, _ in pairs if compact(key) not in product.known]
        if unknown:
            raise NoOdbc(self.name, f"the key {unknown[0]!r} of {product.name} has no counterpart in ODBC", REPLACE)
        found = {keyword: pairs.get(*keys) for keyword, keys in product.keys.items()}
        found["PWD"] = password_of(self.connection) or found.get("PWD", "")
        string = odbc_string((*product.constants, *((key, value) for key, value in found.items() if value)))
        driver = self.matching(product.name, product.driver)
        return OdbcAddress(
            f"DRIVER={{{driver}}};{string}",
            label=next((found[keyword] for keyword in product.keys if found[keyword]), product.name),
            login_timeout=seconds(self.name, "Connect Timeout", pairs.get(*_TIMEOUT), 15),
            secrets=(found["PWD"],),
        )


_TIMEOUT = ("connecttimeout", "connectiontimeout", "timeout")
_COMMON = frozenset(
    {"provider", "persistsecurityinfo", "oledbservices", "pooling", "maxpoolsize", "minpoolsize", "localeidentifier"}
) | set(_TIMEOUT)


@dataclass(frozen=True, slots=True)
class _Product:
    """The keys of a provider.

    :param driver: a pattern for names of ODBC drivers.
    :param keys: the compact keys of the provider by keyword of the driver; the first is the server.
    :param dropped: compact keys that mean nothing to the driver.
    :param constants: pairs to add.
    """

    name: str
    driver: str
    keys: Mapping[str, tuple[str, ...]]
    dropped: frozenset[str] = frozenset()
    constants: tuple[tuple[str, str], ...] = ()

    @property
    def known(self) -> set[str]:
        return {key for keys in self.keys.values() for key in keys} | _COMMON | self.dropped

    def __call__(self, source: _Source, pairs: StringPairs) -> OdbcAddress:
        return source.other(self, pairs)


_LOGIN: Mapping[str, tuple[str, ...]] = {
    "UID": ("userid", "uid", "user", "username", "userid"),
    "PWD": ("password", "pwd"),
}
_ORACLE = _Product(
    "Oracle", "oracle", {"DBQ": ("datasource", "server"), **_LOGIN}, frozenset({"osauthent", "plsqlrset", "unicode"})
)
_DB2 = _Product(
    "DB2",
    r"db2|\bibm\b",
    {
        "Hostname": ("location", "networkaddress", "server"),
        "Port": ("networkport", "port"),
        "Database": ("initialcatalog", "datasource", "database"),
        "CurrentSchema": ("packagecollection", "defaultschema", "currentschema"),
        **_LOGIN,
    },
    frozenset(
        """networktransportlibrary networktransport unitsofwork protocol hostccsid pccodepage dbmsplatform
        processbinaryascharacter defaultqualifier derivesparameters deriveparameters authentication""".split()
    ),
    (("Protocol", "TCPIP"),),
)
_SYBASE = _Product(
    "Sybase ASE",
    "freetds|tdsodbc|adaptive server|sybase",
    {
        "Server": ("servername", "server", "datasource"),
        "Port": ("serverportaddress", "port"),
        "Database": ("initialcatalog", "database"),
        **_LOGIN,
    },
    frozenset({"extendedproperties", "optimizeprepare", "selectmethod", "rapplicationname", "charset"}),
    (("TDS_Version", "5.0"),),
)


def _net_product(name: str, driver: str) -> _Product:
    return _Product(
        name,
        driver,
        {
            "Server": ("server", "host", "datasource"),
            "Port": ("port",),
            "Database": ("database", "initialcatalog"),
            **_LOGIN,
        },
    )


def _within(source: _Source, pairs: StringPairs) -> OdbcAddress:
    """MSDASQL: the string of ODBC is inside the extended properties, or the data source is a DSN."""
    login = [(key, value) for key, keys in _LOGIN.items() if (value := pairs.get(*keys))]
    inner = pairs.get("extendedproperties")
    if inner:
        return source.odbc(inner, login)
    dsn = pairs.get("datasource", "dsn")
    if not dsn:
        raise NoOdbc(source.name, "its connection string names no data source", "Add the key Data Source.")
    return source.odbc(odbc_string((("DSN", dsn),)), login)


def _sql_server(*, encrypts: bool) -> Callable[[_Source, StringPairs], OdbcAddress]:
    return lambda source, pairs: source.sql_server(pairs, encrypts=encrypts)


def _ole_db(source: _Source, pairs: StringPairs) -> OdbcAddress:
    raise NoOdbc(source.name, "its connection string names no provider", "Add the key Provider.")


@dataclass(frozen=True, slots=True)
class _Unsupported:
    why: str

    def failure(self, name: str) -> NoOdbc:
        return NoOdbc(name, self.why, REPLACE)

    def __call__(self, source: _Source, pairs: StringPairs) -> OdbcAddress:
        raise self.failure(source.name)


_FILE_PROVIDERS = r"Microsoft\.(Jet|ACE)\.OLEDB.*"
_PROVIDERS: Sequence[tuple[str, Callable[[_Source, StringPairs], OdbcAddress]]] = (
    (r"SQLNCLI(RDA)?\d*(\.\d+)?|SQLOLEDB(\.\d+)?|MSOLEDBSQL(\.\d+)?", _sql_server(encrypts=False)),
    (r"MSOLEDBSQL19(\.\d+)?", _sql_server(encrypts=True)),
    (r"SQL|SqlClient|System\.Data\.SqlClient(\.SqlConnection)?", _sql_server(encrypts=False)),
    (r"Microsoft\.Data\.SqlClient(\.SqlConnection)?", _sql_server(encrypts=True)),
    (r"MSDASQL(\.\d+)?", _within),
    (
        r"MSDAORA(\.\d+)?|OraOLEDB\.Oracle(\.\d+)?|(System\.Data\.OracleClient|Oracle\.\w+\.Client)\.OracleConnection",
        _ORACLE,
    ),
    (r"IBMDADB2(\.\w+)*|DB2OLEDB(\.\d+)?|IBM\.Data\.DB2\.DB2Connection", _DB2),
    (r"Sybase\.ASEOLEDBProvider(\.\d+)?|ASEOLEDB(\.\d+)?|Sybase\.Data\.AseClient\.AseConnection", _SYBASE),
    (
        r"MySql\.Data\.MySqlClient\.MySqlConnection|MySqlConnector\.MySqlConnection",
        _net_product("MySQL", "mysql|mariadb"),
    ),
    (
        r"Npgsql\.NpgsqlConnection|PGNP(\.\d+)?|PostgreSQL OLE DB Provider",
        _net_product("PostgreSQL", "postgres|psqlodbc"),
    ),
    (r"Teradata\.Client\.Provider\.TdConnection", _net_product("Teradata", "teradata")),
    (r"Sap\.Data\.Hana\.HanaConnection", _net_product("SAP HANA", "hdb|hana")),
    (r"System\.Data\.OleDb(\.OleDbConnection)?", _ole_db),
    (
        _FILE_PROVIDERS,
        _Unsupported("its provider reads Excel, Access or text files, for which Linux has no ODBC driver"),
    ),
    (r"MSOLAP.*", _Unsupported("its provider connects to Analysis Services, which has no ODBC driver")),
)


def reads_excel(connection: RunConnection) -> bool:
    """Return whether a connection manager reads an Excel file: the type EXCEL, or Microsoft's provider for its files.

    :param connection: the connection manager.
    """
    if connection.kind == "EXCEL":
        return True
    if connection.kind not in _OLE_DB_KINDS:
        return False
    try:
        pairs = parse_provider_string(connection.connection_string, connection.name)
    except TaskFailure:
        return False
    is_excel = pairs.get("extendedproperties").strip("\"' ").lower().startswith("excel")
    return is_excel and re.fullmatch(_FILE_PROVIDERS, pairs.get("provider"), re.IGNORECASE) is not None


def unsupported_provider(connection: RunConnection) -> NoOdbc | None:
    """Return why the provider of a connection manager has no counterpart in ODBC on any machine; None if it has one.

    Nothing else is checked: a run can still change the other values.

    :param connection: the connection manager. Those that connect to no database, such as files, are accepted.
    """
    if connection.kind not in _OLE_DB_KINDS or not connection.connection_string.strip():
        return None
    try:
        if _is_odbc(connection):
            return None
        provider = parse_provider_string(connection.connection_string, connection.name).get("provider")
        if not provider and connection.kind != "ADO.NET":
            return None  # a run can add it
        read = _reader(connection, provider or _net_provider(connection))
        return read.failure(connection.name) if isinstance(read, _Unsupported) else None
    except NoOdbc as error:
        return error
    except TaskFailure:  # a malformed string, which the run reports
        return None

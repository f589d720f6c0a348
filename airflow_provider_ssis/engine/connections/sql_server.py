"""Connection strings of OLE DB and ADO.NET for SQL Server, as targets of the ODBC drivers for SQL Server.

Sources: Microsoft Learn, "Using connection string keywords with OLE DB Driver for SQL Server", "SqlConnection.
ConnectionString Property", "DSN and Connection String Keywords and Attributes" (ODBC Driver for SQL Server).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from airflow_provider_ssis.engine.connections.address import REPLACE, NoOdbc, OdbcAddress, flag, seconds
from airflow_provider_ssis.engine.connections.provider_string import StringPairs, compact, odbc_string
from airflow_provider_ssis.odbc.connection_string import connect_environment, connection_string
from airflow_provider_ssis.odbc.drivers import DriverFamily, OdbcDriver
from airflow_provider_ssis.odbc.target import DriverCannot, Encrypt, OdbcTarget

_PACKET_SIZE_ATTRIBUTE = 112
"""SQL_ATTR_PACKET_SIZE."""

_SERVER = ("datasource", "server", "address", "addr", "networkaddress")
_DATABASE = ("initialcatalog", "database")
_USER = ("userid", "uid", "user")
_PASSWORD = ("password", "pwd")
_TRUSTED = ("integratedsecurity", "trustedconnection")
_ENCRYPT = ("encrypt", "useencryptionfordata", "encryption")
_TRUST = ("trustservercertificate",)
_CERTIFICATE_NAME = ("hostnameincertificate",)
_APPLICATION = ("applicationname", "app")
_INTENT = ("applicationintent",)
_SUBNETS = ("multisubnetfailover",)
_LOGIN_TIMEOUT = ("connecttimeout", "connectiontimeout", "timeout")
_QUERY_TIMEOUT = ("generaltimeout", "commandtimeout")
_PACKET = ("packetsize",)
_SPN = ("serverspn",)
_PORT = ("port",)

_DROPPED = frozenset(
    """
    provider driver persistsecurityinfo oledbservices datatypecompatibility useprocedureforprepare
    tagwithcolumncollationwhenpossible pooling maxpoolsize minpoolsize enlist asynchronousprocessing async
    typesystemversion loadbalancetimeout connectionlifetime connectionreset deriveparameters replication
    replicationservernameconnectoption localeidentifier prompt windowhandle failoverpartner failoverpartnerspn
    poolblockingperiod extendedproperties extendederrorinfo quotedid ansinpw description mode tdsversion clientcharset
    impersonationlevel protectionlevel bindflags cacheauthentication encryptpassword maskpassword persistencrypted
    """.split()
)
"""Keys without a meaning for a single connection on this machine."""

_IMPOSSIBLE: Mapping[str, str] = {
    "initialfilename": "it attaches a database file",
    "attachdbfilename": "it attaches a database file",
    "attachdbfile": "it attaches a database file",
    "userinstance": "it starts an instance of the user",
    "contextconnection": "it is the connection of a procedure inside the server",
    "accesstoken": "access tokens are not stored in connection strings",
}


@dataclass(frozen=True, slots=True)
class _Extra:
    """A key that only the driver reads.

    :param microsoft: its keyword in Microsoft's driver.
    :param freetds: its keyword in FreeTDS; empty if FreeTDS does not need it.
    :param is_flag: whether true and false become yes and no.
    :param only_microsoft: values with which FreeTDS would behave differently: all but these are refused.
    """

    microsoft: str
    freetds: str = ""
    is_flag: bool = False
    only_microsoft: frozenset[str] | None = None


_OFF = frozenset({"false", "no", "0", "", "disabled"})
_EXTRAS: Mapping[str, _Extra] = {
    "workstationid": _Extra("WSID", "WSID"),
    "wsid": _Extra("WSID", "WSID"),
    "autotranslate": _Extra("AutoTranslate", is_flag=True),
    "currentlanguage": _Extra("Language", "Language"),
    "language": _Extra("Language", "Language"),
    "marsconnection": _Extra("MARS_Connection", is_flag=True, only_microsoft=_OFF),
    "multipleactiveresultsets": _Extra("MARS_Connection", is_flag=True, only_microsoft=_OFF),
    "marsconn": _Extra("MARS_Connection", is_flag=True, only_microsoft=_OFF),
    "servercertificate": _Extra("ServerCertificate", only_microsoft=frozenset({""})),
    "authentication": _Extra("Authentication", only_microsoft=frozenset({"", "sqlpassword"})),
    "columnencryption": _Extra("ColumnEncryption", only_microsoft=_OFF),
    "columnencryptionsetting": _Extra("ColumnEncryption", only_microsoft=_OFF),
    "usefmtonly": _Extra("UseFMTONLY", is_flag=True),
    "connectretrycount": _Extra("ConnectRetryCount"),
    "connectretryinterval": _Extra("ConnectRetryInterval"),
    "transparentnetworkipresolution": _Extra("TransparentNetworkIPResolution"),
    "ipaddresspreference": _Extra("IpAddressPreference"),
}

_KNOWN = (
    _DROPPED
    | set(_EXTRAS)
    | {"networklibrary", "network", "net"}
    | {
        key
        for keys in (
            *(_SERVER, _DATABASE, _USER, _PASSWORD, _TRUSTED, _ENCRYPT, _TRUST, _CERTIFICATE_NAME, _APPLICATION),
            *(_INTENT, _SUBNETS, _LOGIN_TIMEOUT, _QUERY_TIMEOUT, _PACKET, _SPN, _PORT),
        )
        for key in keys
    }
)

_ENCRYPT_VALUES: Mapping[str, Encrypt] = {
    **dict.fromkeys(("true", "yes", "1", "-1", "mandatory", "require"), Encrypt.YES),
    **dict.fromkeys(("false", "no", "0", "optional", "off"), Encrypt.NO),
    "strict": Encrypt.STRICT,
}
_ENTRA = "activedirectory"
_REMOTE = "Give the name and port of a server that listens on TCP (--connection NAME=STRING)."


def sql_server_address(
    name: str, pairs: StringPairs, password: str, *, encrypts: bool, drivers: Sequence[OdbcDriver]
) -> OdbcAddress:
    """Return how an ODBC driver connects to the SQL Server of a connection string.

    :param name: the connection manager, for errors.
    :param pairs: the connection string.
    :param password: the password that is stored apart; empty for that of the string.
    :param encrypts: whether the source's driver encrypts when the string does not say so.
    :param drivers: the drivers of this machine, the preferred one first.
    :raises NoOdbc: a key has no counterpart, the server cannot be reached from this machine, there is no login, or no
        driver supports what the string asks for.
    """
    _check_keys(name, pairs)
    target, packet_size = _target(name, pairs, password, encrypts), seconds(name, "Packet Size", pairs.get(*_PACKET), 0)
    driver, string = _with_driver(name, pairs, target, drivers)
    try:
        environment = connect_environment(driver, target)
    except (OSError, ValueError) as error:
        raise NoOdbc(name, str(error).rstrip("."), "Check the connection string.") from None
    return OdbcAddress(
        string,
        label=target.label,
        login_timeout=seconds(name, "Connect Timeout", pairs.get(*_LOGIN_TIMEOUT), 15),
        query_timeout=seconds(name, "Command Timeout", pairs.get(*_QUERY_TIMEOUT), 0),
        attributes={_PACKET_SIZE_ATTRIBUTE: packet_size} if packet_size else {},
        environment=environment,
        secrets=(target.password or "",),
    )


def _check_keys(name: str, pairs: StringPairs) -> None:
    for key, value in pairs:
        short = compact(key)
        if short in _IMPOSSIBLE and value.strip().lower() not in _OFF:
            raise NoOdbc(name, f"its connection string contains {key!r}: {_IMPOSSIBLE[short]}", REPLACE)
        if short not in _KNOWN and short not in _IMPOSSIBLE:
            raise NoOdbc(name, f"its connection string contains the key {key!r}, which has no counterpart", REPLACE)
    library = pairs.get("networklibrary", "network", "net").lower()
    if library not in ("", "dbmssocn"):
        raise NoOdbc(name, f"it uses the network library {library}; only TCP is possible on this machine", _REMOTE)


def _target(name: str, pairs: StringPairs, password: str, encrypts: bool) -> OdbcTarget:
    host, port = _host(name, pairs.get(*_SERVER), pairs.get(*_PORT))
    trusted = flag(name, "Integrated Security", pairs.get(*_TRUSTED))
    user = None if trusted else pairs.get(*_USER) or None
    has_token = _ENTRA in pairs.get("authentication").lower().replace(" ", "")
    if user is None and not trusted and not has_token:
        raise NoOdbc(
            name,
            "its connection string has neither a login (User ID) nor Integrated Security",
            "Give the login and the password (--connection NAME=STRING).",
        )
    text = pairs.get(*_ENCRYPT).strip().lower()
    if text and text not in _ENCRYPT_VALUES:
        raise NoOdbc(name, f"the value {text!r} of Encrypt in its connection string is not known", "Correct it.")
    encrypt = _ENCRYPT_VALUES[text] if text else Encrypt.YES if encrypts or has_token else Encrypt.NO
    return OdbcTarget(
        host=host,
        port=port,
        database=pairs.get(*_DATABASE) or None,
        user=None if has_token else user,
        password=password or pairs.get(*_PASSWORD) or None,
        has_token=has_token,
        server_spn=pairs.get(*_SPN) or None,
        encrypt=encrypt,
        trust_server_certificate=flag(name, "Trust Server Certificate", pairs.get(*_TRUST)),
        host_name_in_certificate=pairs.get(*_CERTIFICATE_NAME) or None,
        application_name=pairs.get(*_APPLICATION) or None,
        application_intent=pairs.get(*_INTENT).replace(" ", "") or None,
        multi_subnet_failover=flag(name, "MultiSubnetFailover", pairs.get(*_SUBNETS)) or None,
    )


_UNREACHABLE = re.compile(r"(np|lpc|admin):|\\\\|\(localdb\)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:tcp:)?\s*([^,]*?)\s*(?:,\s*(\d{1,5})\s*)?", re.IGNORECASE)


def _host(name: str, text: str, port_text: str) -> tuple[str, int | None]:
    if not text.strip():
        raise NoOdbc(name, "its connection string names no server", "Add the key Data Source.")
    if _UNREACHABLE.match(text.strip()):
        raise NoOdbc(name, f"the server {text!r} uses pipes or shared memory of Windows", _REMOTE)
    found = _ADDRESS.fullmatch(text.strip())
    if found is None:
        raise NoOdbc(name, f"the server {text!r} is not a name with an optional port", "Correct it.")
    host, number = found[1], found[2] or port_text.strip()
    machine, _, instance = host.partition("\\")
    machine = "localhost" if machine.lower() in (".", "(local)") else machine
    # A port decides about the instance, whose name does not count then.
    host = f"{machine}\\{instance}" if instance and not number else machine
    return host, seconds(name, "port", number, 0) or None


def _with_driver(
    name: str, pairs: StringPairs, target: OdbcTarget, drivers: Sequence[OdbcDriver]
) -> tuple[OdbcDriver, str]:
    if not drivers:
        raise NoOdbc(
            name,
            "no ODBC driver for SQL Server is installed on this machine",
            "Install the extra with Microsoft's driver (pip install 'airflow-provider-ssis[msodbc]').",
        )
    reasons: list[str] = []
    for driver in drivers:
        try:
            plain = replace(target, multi_subnet_failover=None) if driver.family is DriverFamily.FREETDS else target
            extras = odbc_string(_extras(name, pairs, driver, target))
            return driver, connection_string(driver, plain) + extras
        except DriverCannot as error:
            reasons.append(f"{driver.label}: {str(error).rstrip('.')}")
    raise NoOdbc(name, "; ".join(reasons), "Change the connection string or install another driver.")


def _extras(name: str, pairs: StringPairs, driver: OdbcDriver, target: OdbcTarget) -> Iterator[tuple[str, str]]:
    done: set[str] = set()
    for key, extra in _EXTRAS.items():
        value = pairs.values.get(key, "").strip()
        is_microsoft = driver.family is DriverFamily.MICROSOFT
        keyword = extra.microsoft if is_microsoft else extra.freetds
        if not is_microsoft and extra.only_microsoft is not None and value.lower() not in extra.only_microsoft:
            raise DriverCannot(f"it does not support {extra.microsoft}={value}")
        if value and keyword and keyword not in done:
            done.add(keyword)
            yield keyword, ("yes" if flag(name, key, value) else "no") if extra.is_flag else value
    user = pairs.get(*_USER)
    if target.has_token and user:
        yield "UID", user
        if target.password:
            yield "PWD", target.password

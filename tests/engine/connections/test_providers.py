"""Connection strings of OLE DB, ADO.NET and ODBC become those of the installed ODBC drivers."""

from __future__ import annotations

import re

import pytest

from airflow_provider_ssis.engine.connections.address import NoOdbc
from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.provider_string import (
    odbc_string,
    parse_odbc_string,
    parse_provider_string,
)
from airflow_provider_ssis.engine.connections.providers import InstalledDrivers, odbc_address, unsupported_provider
from airflow_provider_ssis.engine.connections.replacements import replaced
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.odbc.drivers import DriverFamily, OdbcDriver

MICROSOFT = OdbcDriver("ODBC Driver 18 for SQL Server", DriverFamily.MICROSOFT, "ODBC Driver 18 for SQL Server")
FREETDS = OdbcDriver("FreeTDS", DriverFamily.FREETDS, "FreeTDS")
DRIVERS = InstalledDrivers(
    (MICROSOFT, FREETDS),
    (
        MICROSOFT.name,
        FREETDS.name,
        "PostgreSQL Unicode",
        "Oracle 21 ODBC driver",
        "IBM DB2 ODBC DRIVER",
        "MySQL ODBC 8.0",
    ),
)
ONLY_FREETDS = InstalledDrivers((FREETDS,), (FREETDS.name,))
LOGIN = "User ID=loader;Password=s3cret;"
NATIVE = f"Provider=SQLNCLI11.1;Data Source=db1;Initial Catalog=Sales;{LOGIN}"
SECRET = "s3cret"


def manager(text: str, kind: str = "OLEDB", creation_name: str = "", **properties: str) -> RunConnection:
    return RunConnection("Sales", "{1}", kind, creation_name or kind, text, properties)


def odbc(text: str, kind: str = "OLEDB", creation_name: str = "", drivers: InstalledDrivers = DRIVERS) -> str:
    return odbc_address(manager(text, kind, creation_name), drivers).string


def pairs(string: str) -> dict[str, str]:
    return dict(parse_odbc_string(string, "test").values)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1;b = 2 ;", {"a": "1", "b": "2"}),
        ("Initial Catalog=x;InitialCatalog=y", {"initialcatalog": "y"}),
        ("Pwd=\"a;b\"\"c\";X='it''s'", {"pwd": 'a;b"c', "x": "it's"}),
        (";;A=;B=1", {"a": "", "b": "1"}),
        ("a==b=1", {"a=b": "1"}),
        ("Pwd={a}", {"pwd": "{a}"}),
        ('Extended Properties="DSN=x;Uid=y"', {"extendedproperties": "DSN=x;Uid=y"}),
        ("A=line\nbreak", {"a": "line\nbreak"}),
    ],
)
def test_a_provider_string_has_quotes_and_the_last_value_counts(text: str, values: dict[str, str]) -> None:
    assert parse_provider_string(text, "x").values == values


@pytest.mark.parametrize(
    ("text", "values"),
    [("PWD={a;}}b};PWD=second", {"pwd": "a;}b"}), ("A='x'", {"a": "'x'"}), ("A={};B=1", {"a": "", "b": "1"})],
)
def test_an_odbc_string_has_braces_and_the_first_value_counts(text: str, values: dict[str, str]) -> None:
    assert parse_odbc_string(text, "x").values == values


@pytest.mark.parametrize("text", ["no pair", "A=1;b", 'A="x', "A='x' y;B=1", "=x"])
def test_a_malformed_string_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(TaskFailure) as caught:
        parse_provider_string(text + ";", "Sales")
    assert caught.value.code == 0xC0024108
    assert "Sales" in str(caught.value)


def test_a_written_odbc_string_reads_back() -> None:
    given = (("PWD", "a;b}{ c"), ("Server", "db1"), ("X", " y "))
    assert parse_odbc_string(odbc_string(given), "x").pairs == given


def test_ole_db_becomes_microsofts_driver_with_the_sources_default_of_encrypt() -> None:
    found = pairs(
        odbc(NATIVE + "Auto Translate=False;Application Name=Nightly;Workstation ID=w1;MARS Connection=True;")
    )
    assert found == {
        "driver": MICROSOFT.name,
        "server": "db1",
        "database": "Sales",
        "uid": "loader",
        "pwd": SECRET,
        "encrypt": "no",
        "app": "Nightly",
        "autotranslate": "no",
        "wsid": "w1",
        "marsconnection": "yes",
    }


@pytest.mark.parametrize(
    ("provider", "encrypt"),
    [
        ("SQLNCLI", "no"),
        ("SQLNCLI.1", "no"),
        ("SQLNCLI10.1", "no"),
        ("SQLNCLI11", "no"),
        ("SQLOLEDB.1", "no"),
        ("MSOLEDBSQL", "no"),
        ("MSOLEDBSQL.1", "no"),
        ("MSOLEDBSQL19", "yes"),
        ("MSOLEDBSQL19.1", "yes"),
    ],
)
def test_each_provider_of_sql_server_keeps_its_default_of_encrypt(provider: str, encrypt: str) -> None:
    assert pairs(odbc(NATIVE.replace("SQLNCLI11.1", provider)))["encrypt"] == encrypt


@pytest.mark.parametrize(
    ("creation_name", "encrypt"),
    [
        ("ADO.NET:SQL", "no"),
        ("ADO.NET:System.Data.SqlClient.SqlConnection, System.Data, Version=4.0.0.0", "no"),
        ("ADO.NET:Microsoft.Data.SqlClient.SqlConnection, Microsoft.Data.SqlClient", "yes"),
    ],
)
def test_ado_net_strings_have_the_synonyms_of_sql_client(creation_name: str, encrypt: str) -> None:
    text = "Server=tcp:db1,1444;Database=Sales;UID=loader;Pwd=s3cret;MultipleActiveResultSets=false;Pooling=False;"
    found = pairs(odbc(text, "ADO.NET", creation_name))
    assert found["server"] == "db1,1444"
    assert (found["database"], found["uid"], found["pwd"]) == ("Sales", "loader", SECRET)
    assert (found["marsconnection"], found["encrypt"]) == ("no", encrypt)


@pytest.mark.parametrize(
    ("value", "encrypt"),
    [("True", "yes"), ("no", "no"), ("Mandatory", "yes"), ("Optional", "no"), ("Strict", "strict")],
)
def test_the_values_of_encrypt(value: str, encrypt: str) -> None:
    assert pairs(odbc(NATIVE + f"Use Encryption for Data={value}"))["encrypt"] == encrypt


@pytest.mark.parametrize(
    ("source", "server"),
    [
        (".", "localhost"),
        ("(local)", "localhost"),
        (".\\SQLEXPRESS", "localhost\\SQLEXPRESS"),
        ("db1\\X,1500", "db1,1500"),
        ("tcp:db1", "db1"),
        ("10.0.0.1, 1433", "10.0.0.1,1433"),
    ],
)
def test_server_names(source: str, server: str) -> None:
    assert pairs(odbc(NATIVE.replace("db1", source)))["server"] == server


def test_integrated_security_needs_no_login() -> None:
    found = pairs(odbc("Provider=SQLNCLI11;Data Source=db1;Integrated Security=SSPI;User ID=ignored;"))
    assert found["trustedconnection"] == "yes"
    assert "uid" not in found


def test_times_and_packet_size_are_attributes() -> None:
    address = odbc_address(manager(NATIVE + "Connect Timeout=3;General Timeout=7;Packet Size=8192"), DRIVERS)
    assert (address.login_timeout, address.query_timeout, address.attributes) == (3, 7, {112: 8192})


def test_entra_authentication_is_encrypted_and_needs_microsofts_driver() -> None:
    text = NATIVE + "Authentication=ActiveDirectoryPassword"
    found = pairs(odbc(text))
    assert (found["authentication"], found["encrypt"]) == ("ActiveDirectoryPassword", "yes")
    assert (found["uid"], found["pwd"]) == ("loader", SECRET)
    with pytest.raises(NoOdbc, match="FreeTDS"):
        odbc(text, drivers=ONLY_FREETDS)


def test_freetds_is_used_where_it_is_the_only_driver() -> None:
    found = pairs(odbc(NATIVE.replace("db1", "db1,1444") + "Auto Translate=False", drivers=ONLY_FREETDS))
    assert (found["driver"], found["server"], found["port"], found["encryption"]) == ("FreeTDS", "db1", "1444", "off")
    with pytest.raises(NoOdbc, match="MARS"):
        odbc(NATIVE + "MARS Connection=True", drivers=ONLY_FREETDS)


def test_a_login_of_windows_uses_freetds() -> None:
    assert pairs(odbc(NATIVE.replace("loader", "CORP\\loader")))["driver"] == "FreeTDS"


def test_a_separate_password_wins() -> None:
    stored = manager(NATIVE, Password="other")
    assert pairs(odbc_address(stored, DRIVERS).string)["pwd"] == "other"
    plain = manager("Driver={PostgreSQL Unicode};Server=pg;UID=u;", "ODBC", pwd="other")
    assert pairs(odbc_address(plain, DRIVERS).string)["pwd"] == "other"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (NATIVE.replace("db1", "np:\\\\db1\\pipe\\sql\\query"), "pipes"),
        (NATIVE.replace("db1", "lpc:db1"), "shared memory"),
        (NATIVE.replace("db1", "(localdb)\\MSSQLLocalDB"), "shared memory"),
        (NATIVE + "AttachDbFilename=C:\\x.mdf", "attaches"),
        (NATIVE + "Initial File Name=C:\\x.mdf", "attaches"),
        (NATIVE + "Network Library=dbnmpntw", "dbnmpntw"),
        (NATIVE + "Frobnicate=1", "Frobnicate"),
        (NATIVE + "Encrypt=perhaps", "perhaps"),
        (NATIVE + "Packet Size=big", "Packet Size"),
        ("Provider=SQLNCLI11;Data Source=db1", "neither a login"),
        (f"Provider=SQLNCLI11;{LOGIN}", "names no server"),
        (f"Data Source=db1;{LOGIN}", "no provider"),
        (f"Provider=Microsoft.ACE.OLEDB.12.0;Data Source=C:\\a.xlsx;{LOGIN}", "Excel"),
        (f"Provider=MSOLAP.6;Data Source=db1;{LOGIN}", "Analysis Services"),
        (f"Provider=Unknown.1;Data Source=db1;{LOGIN}", "Unknown.1"),
        (f"Provider=MSDAORA.1;Data Source=x;Plsql=1;{LOGIN}", "Plsql"),
    ],
)
def test_what_cannot_be_mapped_is_refused_without_secrets(text: str, reason: str) -> None:
    with pytest.raises(NoOdbc) as caught:
        odbc_address(manager(text), DRIVERS)
    assert reason in str(caught.value)
    assert "Sales" in str(caught.value)
    assert SECRET not in str(caught.value) + repr(manager(text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Provider=MSOLAP.6;Data Source=db1", "Analysis Services"),
        ("Provider=Microsoft.Jet.OLEDB.4.0;Data Source=a.mdb", "Access"),
        ("Provider=Unknown.1;Data Source=db1", "Unknown.1"),
        ("Data Source=db1", None),
        ("Provider=SQLNCLI11;Data Source=(localdb)\\x", None),
        ("Provider=OraOLEDB.Oracle;Data Source=x", None),
        ("Dsn=warehouse", None),
        ("no string", None),
        ("", None),
    ],
)
def test_a_provider_without_a_counterpart_is_known_before_the_run(text: str, reason: str | None) -> None:
    found = unsupported_provider(manager(text))
    assert (reason is None) is (found is None)
    assert reason is None or reason in str(found)


def test_no_driver_is_a_refusal_with_advice() -> None:
    with pytest.raises(NoOdbc, match=r"airflow-provider-ssis\[msodbc\]"):
        odbc(NATIVE, drivers=InstalledDrivers((), ()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"Provider=OraOLEDB.Oracle;Data Source=//ora:1521/x;{LOGIN}OSAuthent=0",
            {"driver": "Oracle 21 ODBC driver", "dbq": "//ora:1521/x", "uid": "loader", "pwd": SECRET},
        ),
        (
            f"Provider=DB2OLEDB;Initial Catalog=D;Network Address=h;Network Port=50000;Package Collection=S;{LOGIN}",
            {"driver": "IBM DB2 ODBC DRIVER", "hostname": "h", "port": "50000", "database": "D", "currentschema": "S"},
        ),
        (
            f"Provider=Sybase.ASEOLEDBProvider.2;Server Name=s;Server Port Address=5000;Initial Catalog=D;{LOGIN}",
            {"driver": "FreeTDS", "server": "s", "port": "5000", "database": "D", "tdsversion": "5.0"},
        ),
        (
            f'Provider=MSDASQL.1;Extended Properties="Driver={{PostgreSQL Unicode}};Server=pg;Database=d";{LOGIN}',
            {"driver": "PostgreSQL Unicode", "server": "pg", "database": "d", "uid": "loader", "pwd": SECRET},
        ),
        (f"Provider=MSDASQL;Data Source=warehouse;{LOGIN}", {"dsn": "warehouse", "uid": "loader", "pwd": SECRET}),
    ],
)
def test_other_providers(text: str, expected: dict[str, str]) -> None:
    assert expected.items() <= pairs(odbc(text)).items()


@pytest.mark.parametrize(
    ("creation_name", "driver"),
    [
        ("ADO.NET:Npgsql.NpgsqlConnection, Npgsql", "PostgreSQL Unicode"),
        ("ADO.NET:MySql.Data.MySqlClient.MySqlConnection, MySql.Data", "MySQL ODBC 8.0"),
    ],
)
def test_other_providers_of_net(creation_name: str, driver: str) -> None:
    found = pairs(odbc("Server=h;Port=5432;Database=d;Username=u;Password=s3cret", "ADO.NET", creation_name))
    assert found == {"driver": driver, "server": "h", "port": "5432", "database": "d", "uid": "u", "pwd": SECRET}
    with pytest.raises(NoOdbc, match="no ODBC driver for"):
        odbc("Server=h", "ADO.NET", creation_name, ONLY_FREETDS)


def test_net_ole_db_is_mapped_by_its_provider() -> None:
    assert odbc(NATIVE, "ADO.NET", "ADO.NET:System.Data.OleDb.OleDbConnection, System.Data") == odbc(NATIVE)


def test_net_odbc_is_taken_as_it_is() -> None:
    text = "Dsn=warehouse;uid=u"
    assert pairs(odbc(text, "ADO.NET", "ADO.NET:System.Data.Odbc.OdbcConnection, System.Data")) == {
        "dsn": "warehouse",
        "uid": "u",
    }


def test_a_windows_driver_for_sql_server_becomes_an_installed_one() -> None:
    found = pairs(odbc("Driver={SQL Server Native Client 11.0};Server=db1;Database=d;Trusted_Connection=yes;", "ODBC"))
    assert (found["driver"], found["encrypt"], found["trustedconnection"]) == (MICROSOFT.name, "no", "yes")
    with pytest.raises(NoOdbc, match="'Ingres'"):
        odbc("Driver={Ingres};Server=x", "ODBC")
    with pytest.raises(NoOdbc, match="neither a driver nor a data source"):
        odbc("Server=x;uid=y", "ODBC")


@pytest.mark.parametrize(
    ("replacement", "expected"),
    [
        ("Driver={PostgreSQL Unicode};Server=pg;UID=u;PWD=x", {"driver": "PostgreSQL Unicode", "pwd": "x"}),
        ("Provider=SQLNCLI11;Server=db9;UID=u;PWD=x", {"server": "db9", "uid": "u", "pwd": "x"}),
        ({"ServerName": "db9"}, {"server": "db9", "database": "Sales", "pwd": "stored"}),
        ({"Database": "D;2", "Password": "n;w"}, {"server": "db1", "database": "D;2", "pwd": "n;w"}),
        ({"Driver": "FreeTDS", "Server": "x", "PWD": "y"}, {"driver": "FreeTDS", "server": "x", "pwd": "y"}),
    ],
)
def test_replacements(replacement: str | dict[str, str], expected: dict[str, str]) -> None:
    found = replaced(manager(NATIVE, Password="stored"), replacement)
    assert expected.items() <= pairs(odbc_address(found, DRIVERS).string).items()
    assert re.search("stored|n;w|PWD", repr(found)) is None


def test_properties_of_a_manager_without_a_database_are_replaced() -> None:
    ftp = manager("h:21", "FTP", ServerName="h", ServerPassword="old")
    assert replaced(ftp, {"ServerPassword": "new"}).properties == {"ServerName": "h", "ServerPassword": "new"}

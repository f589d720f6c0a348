"""No text in a connection's field changes the meaning of the connection string, for any driver."""

from __future__ import annotations

import string
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pyodbc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.odbc.connection_string import connection_string
from airflow_provider_ssis.odbc.drivers import DriverFamily, OdbcDriver, find_driver
from airflow_provider_ssis.odbc.field_values import UnsafeValue
from airflow_provider_ssis.odbc.target import DriverCannot, Encrypt, OdbcTarget
from tests.support.echo_server import EchoServer, echo_server

READ_BACK = {"user": "user", "password": "password", "database": "database", "application_name": "application_name"}
"""Fields of the target, and where the server receives them."""
TEXT_FIELDS = (*READ_BACK, "server_spn", "host_name_in_certificate")
BEYOND_ASCII = "éßŽĻĽĀĳ上亻中乽｝；\u00a0\u2028\U0001f600\U0001f47b"
"""Among them characters whose low byte is NUL, a semicolon, an equals sign or a closing brace."""
CHARACTERS = string.punctuation + " aZ0" + BEYOND_ASCII
ATTACKS = (
    "x}DRIVER=/nowhere/evil.so;z",
    "x};DRIVER=/nowhere/evil.so;z",
    "x}};DRIVER=/nowhere/evil.so;z",
    "x}}};driver =/nowhere/evil.so;z",
    "x}a=b;DRIVER=/nowhere/evil.so;z",
    "x;DRIVER=/nowhere/evil.so",
    "x\u013bDRIVER=/nowhere/evil.so",
    "x\u017d\u013b\u0144\u0152\u0149\u0156\u0145\u0152\u013d/nowhere/evil.so",
    "{x}DRIVER={/nowhere/evil.so}",
    "x}DSN=other;",
    "x}FileDSN=/nowhere/other.dsn;",
    "x;SAVEFILE=/nowhere/file;",
    "x}DMConnAttr=[1]={2};",
)
CUT_OFF = ("a\0", "\0", "a\0;Encrypt=no", "a\nb", "a\r", "\x7f", "\x85", "a\ud83d", "\ude00a")


@pytest.fixture(scope="module")
def server() -> Iterator[EchoServer]:
    # Wrong passwords would be slowed down.
    with echo_server(checks_password=False) as server:
        yield server


@pytest.fixture(scope="module", params=DriverFamily, ids=lambda family: family.value)
def driver(request: pytest.FixtureRequest) -> OdbcDriver:
    return find_driver(family=request.param)


def received(server: EchoServer, driver: OdbcDriver, target: OdbcTarget) -> dict[str, str]:
    """What the server receives from the driver."""
    server.backend.logins.clear()
    target = replace(target, host=server.host, port=server.port, encrypt=Encrypt.NO)
    with suppress(pyodbc.Error):
        pyodbc.connect(connection_string(driver, target), timeout=10).close()
    (login,) = server.backend.logins
    return {name: getattr(login, name) for name in READ_BACK.values()}


def target_with(field: str, value: str) -> OdbcTarget:
    change: dict[str, Any] = {field: value}
    return replace(OdbcTarget("sql", user="etl", password="p", application_name="Airflow"), **change)


@pytest.mark.parametrize("field", READ_BACK)
@pytest.mark.parametrize("form", ["a{}b", "{}ab", "ab{}"])
def test_the_server_receives_every_character_or_the_field_is_refused(
    server: EchoServer, driver: OdbcDriver, field: str, form: str
) -> None:
    refused = ""
    for character in CHARACTERS:
        if field == "user" and character == "\\":
            continue  # Not a SQL login.
        value = form.format(character)
        try:
            values = received(server, driver, target_with(field, value))
        except UnsafeValue:
            refused += character
            continue
        expected = {"user": "etl", "password": "p", "database": "SSISDB", "application_name": "Airflow", field: value}
        assert values == expected
    # Every single character has a form that both families read.
    assert refused == ""


@pytest.mark.parametrize("field", READ_BACK)
@pytest.mark.parametrize(
    "value", ["a;b=c", "{a}", "{a;b", "a}b=c", "a}}b", "}", "{", ";", "a};b", "a};Encrypt=no", "pass;word}", " } "]
)
def test_the_server_receives_every_combination_or_the_field_is_refused(
    server: EchoServer, driver: OdbcDriver, field: str, value: str
) -> None:
    target = target_with(field, value)
    if driver.family is DriverFamily.FREETDS and "}" in value and (";" in value or value[0] in "{ "):
        with pytest.raises(UnsafeValue, match="versions of FreeTDS read differently"):
            connection_string(driver, target)
    else:
        assert received(server, driver, target)[READ_BACK[field]] == value


@pytest.mark.parametrize("field", TEXT_FIELDS)
@pytest.mark.parametrize("value", ATTACKS)
def test_a_keyword_of_the_driver_manager_is_refused(driver: OdbcDriver, field: str, value: str) -> None:
    target = target_with(field, value)
    if field == "host_name_in_certificate" and driver.family is DriverFamily.FREETDS:
        with pytest.raises(DriverCannot, match="a different host name in the certificate"):
            connection_string(driver, target)
        return
    if field == "server_spn":
        target = replace(target, user=None, password=None)
    with pytest.raises(UnsafeValue) as refusal:
        connection_string(driver, target)
    assert refusal.value.field == field
    assert "driver manager would read" in str(refusal.value)
    assert "nowhere" not in str(refusal.value)


@pytest.mark.parametrize("field", [*TEXT_FIELDS, "host"])
@pytest.mark.parametrize("value", CUT_OFF)
def test_a_character_that_is_not_text_is_refused(driver: OdbcDriver, field: str, value: str) -> None:
    target = target_with(field, value)
    if field == "host_name_in_certificate" and driver.family is DriverFamily.FREETDS:
        with pytest.raises(DriverCannot, match="a different host name in the certificate"):
            connection_string(driver, target)
        return
    if field == "server_spn":
        target = replace(target, user=None, password=None)
    if field == "host":
        target = replace(target, encrypt=Encrypt.NO)
    with pytest.raises(UnsafeValue, match=r"control character U\+|half a surrogate pair"):
        connection_string(driver, target)


@pytest.mark.parametrize("host", [*ATTACKS, "", "a b", "a;b", "a{b}", "a=b", "sql,1433", "a'b", "sql\\i n", "sql\\\\i"])
def test_a_host_is_a_name_and_nothing_else(driver: OdbcDriver, host: str) -> None:
    with pytest.raises(UnsafeValue, match="the host"):
        connection_string(driver, OdbcTarget(host, user="etl", password="p"))


@pytest.mark.parametrize(
    "host", ["sql01", "sql.corp.example.com", "10.0.0.1", "fe80::1%eth0", "häuser", "sql\\PROD_1$"]
)
def test_names_and_addresses_are_hosts(driver: OdbcDriver, host: str) -> None:
    target = OdbcTarget(host, user="etl", password="p", trust_server_certificate=True)
    assert f"SERVER={host};" in connection_string(driver, target)


@pytest.mark.parametrize(
    "name", ["a;b", "a}b", "{a}", "a[b]", " a", "a ", "a\0", "wärehouse", "\u0144\u0152", *ATTACKS]
)
def test_a_data_source_or_driver_is_a_name_that_the_driver_manager_reads_as_it_is(
    driver: OdbcDriver, name: str
) -> None:
    with pytest.raises(UnsafeValue, match="the data source"):
        connection_string(driver, OdbcTarget(dsn=name, user="etl", password="p", encrypt=None))
    with pytest.raises(UnsafeValue, match="the driver"):
        connection_string(replace(driver, name=name), OdbcTarget("sql", user="etl", password="p"))


@pytest.mark.parametrize("field", ["user", "password", "database", "application_name"])
def test_a_name_longer_than_the_server_accepts_is_refused(server: EchoServer, driver: OdbcDriver, field: str) -> None:
    assert received(server, driver, target_with(field, "x" * 128))[READ_BACK[field]] == "x" * 128
    with pytest.raises(UnsafeValue, match="has 129 characters"):
        connection_string(driver, target_with(field, "x" * 129))


def test_no_refusal_shows_the_password(driver: OdbcDriver) -> None:
    for value in ("hunter2\0", "hunter2;DRIVER=x", "hunter2" * 20):
        with pytest.raises(UnsafeValue) as refusal:
            connection_string(driver, target_with("password", value))
        assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("value", ["{x}DRIVER=/nowhere/evil.so;z}", "x\u013bDRIVER=/nowhere/evil.so"])
def test_the_driver_manager_would_load_the_library(value: str) -> None:
    # The fact behind the refusals: without them the driver manager looks for this library.
    with pytest.raises(pyodbc.Error, match=r"/nowhere/evil\.so"):
        pyodbc.connect(f"DRIVER=FreeTDS;SERVER=127.0.0.1;PORT=1;UID=a;PWD={value};")


@given(
    field=st.sampled_from(sorted(READ_BACK)),
    value=st.text(st.sampled_from("ab;{}=[] \u013b\u017d") | st.characters(exclude_categories=["Cs"]), max_size=12),
    family=st.sampled_from(DriverFamily),
)
def test_every_parser_reads_the_same_keywords(field: str, value: str, family: DriverFamily) -> None:
    target = target_with(field, value)
    if "\\" in (target.user or ""):
        return
    driver = OdbcDriver("Some driver", family, "Some driver")
    keywords = {"user": "UID", "password": "PWD", "database": "DATABASE", "application_name": "APP"}
    try:
        text = connection_string(driver, target)
    except UnsafeValue:
        return
    for read in PARSERS[family]:
        pairs = dict(read(text))
        assert pairs["UID" if field != "user" else keywords[field]] == (value if field == "user" else "etl")
        assert pairs.get(keywords[field], "") == value
        assert "Encrypt" in pairs or "Encryption" in pairs


def _pairs(text: str, *, doubles: bool) -> Iterator[tuple[str, str]]:
    """Keywords and values: braces end at ``}``, doubled inside, or else at ``};``, not doubled."""
    position = 0
    while position < len(text):
        equals = text.index("=", position)
        keyword, position = text[position:equals], equals + 1
        value = ""
        if text[position] != "{":
            end = text.index(";", position)
            value = text[position:end]
        elif doubles:
            position += 1
            while text[position] != "}" or text[position + 1] == "}":
                value += text[position]
                position += 2 if text[position] == "}" else 1
            end = position + 1
            assert text[end] == ";"
        else:
            end = text.index("};", position) + 1
            value = text[position + 1 : end - 1]
        yield keyword, value
        position = end + 1


def microsoft(text: str) -> list[tuple[str, str]]:
    return list(_pairs(text, doubles=True))


def freetds_1_3(text: str) -> list[tuple[str, str]]:
    return list(_pairs(text, doubles=False))


def freetds_1_4(text: str) -> list[tuple[str, str]]:
    return list(_pairs(text, doubles=True))


PARSERS = {DriverFamily.MICROSOFT: [microsoft], DriverFamily.FREETDS: [freetds_1_3, freetds_1_4]}

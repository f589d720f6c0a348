"""Ways to a server other than host and port, with the real drivers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.catalog.errors import DriverMissing, ServerUnreachable, TlsRefused
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.hooks.checks import Outcome, check_connection
from airflow_provider_ssis.hooks.extra import InvalidConnection
from airflow_provider_ssis.odbc.drivers import DriverFamily, bundled_drivers, installed_drivers
from tests.identities.conftest import PASSWORD, Connect, boxed_server
from tests.support.entra_authority import Authority
from tests.support.kdc import Realm

pytestmark = pytest.mark.kerberos

DRIVERS = {driver.family: driver for driver in reversed(installed_drivers())}
FAMILIES = pytest.mark.parametrize("family", list(DRIVERS), ids=lambda family: family.value)
LOGIN: dict[str, Any] = {"login": "etl", "password": PASSWORD}


@pytest.fixture(scope="module")
def server(realm: Realm, authority: Authority) -> Iterator[SsisdbEmulator]:
    """A boxed SSISDB with a Browser."""
    with boxed_server(realm, authority, "SSIS") as server:
        yield server


@FAMILIES
@pytest.mark.parametrize("encrypt", ["yes", "no"])
def test_a_named_instance_is_found_through_the_browser(
    connect: Connect, box: SsisdbEmulator, family: DriverFamily, encrypt: str
) -> None:
    # Microsoft's driver asks the Browser of "localhost" and does not hear the answer; of an address it does.
    is_freetds = family is DriverFamily.FREETDS
    host = "localhost" if is_freetds else "127.0.0.1"
    named = {} if is_freetds or encrypt == "no" else {"host_name_in_certificate": "localhost"}
    hook = connect(DRIVERS[family].label, host=f"{host}\\SSIS", encrypt=encrypt, **named, **LOGIN)
    reached, text = hook.test_connection()
    assert reached, text
    assert f"{host} accepts connections on port {box.port} (instance SSIS)" in text


def test_an_instance_that_is_not_there_is_reported(connect: Connect, box: SsisdbEmulator) -> None:
    hook = connect(host="localhost\\OTHER", login_timeout=2, **LOGIN)
    reached, text = hook.test_connection()
    assert not reached
    assert "did not report the port of the instance 'OTHER'" in text
    with pytest.raises(ServerUnreachable, match="SQL Server Browser"):
        hook.open_catalog()


@pytest.fixture
def data_sources(box: SsisdbEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data source for each driver, in an odbc.ini of the test's own."""
    parts = []
    for family, driver in DRIVERS.items():
        where = (
            f"Server = localhost,{box.port}"
            if family is DriverFamily.MICROSOFT
            else f"Server = localhost\nPort = {box.port}"
        )
        more = "Encrypt = no" if family is DriverFamily.MICROSOFT else "TDS_Version = 7.4\nEncryption = off"
        parts.append(f"[{family.value}]\nDriver = {driver.name}\n{where}\n{more}\n")
    path = tmp_path / "odbc.ini"
    path.write_text("\n".join(parts))
    monkeypatch.setenv("ODBCINI", str(path))


@FAMILIES
def test_a_data_source_says_where_the_server_is(connect: Connect, data_sources: None, family: DriverFamily) -> None:
    hook = connect(data_source=family.value, trusted_certificates=None, **LOGIN)
    assert hook.odbc_driver.family is family
    reached, text = hook.test_connection()
    assert reached, text
    assert "encryption: as configured in the data source" in text
    assert "address" not in text


def test_a_data_source_that_is_not_there_is_reported_with_those_that_are(connect: Connect, data_sources: None) -> None:
    with pytest.raises(DriverMissing, match=r"'other' does not exist.*Data sources: freetds, microsoft"):
        connect(data_source="other", **LOGIN).open_catalog()


@pytest.mark.parametrize(
    "fields",
    [{"encrypt": "yes", "trusted_certificates": None}, {"encrypt": "yes"}, {}],
    ids=["nothing trusted", "a certificate trusted", "as the data source encrypts"],
)
def test_a_data_source_of_freetds_never_connects_unchecked_where_a_check_is_asked_for(
    connect: Connect, box: SsisdbEmulator, data_sources: None, fields: dict[str, Any]
) -> None:
    with pytest.raises(InvalidConnection, match="FreeTDS cannot check the certificate for the data source freetds"):
        connect(data_source="freetds", **fields, **LOGIN).open_catalog()
    assert box.traffic.logins == 0


@pytest.mark.parametrize("is_trusted", [True, False], ids=["trusted", "not trusted"])
def test_certificates_hold_where_a_data_source_of_microsofts_driver_says_how_to_encrypt(
    connect: Connect, box: SsisdbEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_trusted: bool
) -> None:
    path = tmp_path / "odbc.ini"
    driver = DRIVERS[DriverFamily.MICROSOFT].name
    path.write_text(f"[encrypting]\nDriver = {driver}\nServer = localhost,{box.port}\nEncrypt = yes\n")
    monkeypatch.setenv("ODBCINI", str(path))
    hook = connect(data_source="encrypting", **({} if is_trusted else {"trusted_certificates": None}), **LOGIN)
    if is_trusted:
        hook.open_catalog().close()
    else:
        with pytest.raises(TlsRefused):
            hook.open_catalog()


@pytest.mark.parametrize("is_trusted", [True, False], ids=["trusted", "not trusted"])
def test_the_check_is_left_to_the_file_of_freetds_as_the_advice_says(
    connect: Connect,
    box: SsisdbEmulator,
    certificate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_trusted: bool,
) -> None:
    # A unique name: the driver manager caches what it has read, from any file.
    (tmp_path / "odbc.ini").write_text(f"[checking]\nDriver = {DRIVERS[DriverFamily.FREETDS].name}\nServername = box\n")
    (tmp_path / "freetds.conf").write_text(
        f"[box]\nhost = localhost\nport = {box.port}\nca file = {certificate if is_trusted else 'system'}\n"
        "check certificate hostname = yes\nencryption = require\n"
    )
    monkeypatch.setenv("ODBCINI", str(tmp_path / "odbc.ini"))
    monkeypatch.setenv("FREETDSCONF", str(tmp_path / "freetds.conf"))
    hook = connect(data_source="checking", trusted_certificates=None, trust_server_certificate=True, **LOGIN)
    if is_trusted:
        hook.open_catalog().close()
    else:
        with pytest.raises(ServerUnreachable, match="its certificate is not trusted"):
            hook.open_catalog()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nothing listens, reserved while the block lasts."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@FAMILIES
def test_the_failover_partner_is_tried_when_the_server_is_out_of_reach(
    connect: Connect, box: SsisdbEmulator, family: DriverFamily, closed_port: int
) -> None:
    label = DRIVERS[family].label
    hook = connect(label, port=closed_port, login_timeout=5, failover_partner=f"localhost,{box.port}", **LOGIN)
    with hook.open_catalog() as catalog:
        assert catalog.server_info().login == "etl"
    with pytest.raises(ServerUnreachable, match=f"localhost, port {closed_port}"):
        connect(label, port=closed_port, login_timeout=1, **LOGIN).open_catalog()


def test_the_check_goes_on_with_the_failover_partner(connect: Connect, box: SsisdbEmulator, closed_port: int) -> None:
    """It ended at the port, and said that a connection fails which works."""
    partner = f"localhost,{box.port}"
    found = {
        each.step: each
        for each in check_connection(connect(port=closed_port, login_timeout=1, failover_partner=partner, **LOGIN))
    }
    assert found["port"].outcome is Outcome.LIMITED
    assert f"The test continues with the failover partner {partner}." in found["port"].text
    assert found["login"].outcome is Outcome.GOOD


def test_the_failover_partner_is_not_tried_with_a_password_that_is_wrong(
    connect: Connect, box: SsisdbEmulator, closed_port: int
) -> None:
    hook = connect(login="etl", password="wrong", failover_partner=f"localhost,{closed_port}")
    with pytest.raises(Exception, match="Check login and password"):
        hook.open_catalog()
    assert box.traffic.logins == 1


def test_availability_groups_and_retries_are_left_to_microsofts_driver(connect: Connect, box: SsisdbEmulator) -> None:
    options: dict[str, Any] = {
        "multi_subnet_failover": True,
        "application_intent": "ReadWrite",
        "connect_retry_count": 2,
        "connect_retry_interval": 5,
        **LOGIN,
    }
    label = DRIVERS[DriverFamily.MICROSOFT].label
    connect(label, **options).open_catalog().close()
    with pytest.raises(InvalidConnection, match="FreeTDS does not support multi-subnet failover"):
        connect("FreeTDS", **options).open_catalog()


@FAMILIES
def test_the_server_sees_the_name_of_the_application(
    connect: Connect, box: SsisdbEmulator, family: DriverFamily, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CTX_DAG_ID", "nightly")
    monkeypatch.setenv("AIRFLOW_CTX_TASK_ID", "load")
    hook = connect(DRIVERS[family].label, **LOGIN)
    assert hook.get_first("SELECT APP_NAME()") == ("Airflow nightly.load",)


def test_a_library_may_be_named_by_its_path_only_where_the_deployment_allows_it(
    connect: Connect, box: SsisdbEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (driver,) = bundled_drivers()
    # The driver finds its resources next to the folder of its library.
    (tmp_path / "driver").symlink_to(Path(driver.name).parents[1])
    library = tmp_path / "driver" / Path(driver.name).relative_to(Path(driver.name).parents[1])
    with pytest.raises(DriverMissing, match="allow_driver_path = True"):
        connect(str(library), **LOGIN).open_catalog()
    monkeypatch.setenv("AIRFLOW__SSIS__ALLOW_DRIVER_PATH", "True")
    hook = connect(str(library), **LOGIN)
    assert hook.driver == str(library)
    hook.open_catalog().close()
    with pytest.raises(DriverMissing, match=r"driver library /nowhere/lib\.so does not exist"):
        connect("/nowhere/lib.so", **LOGIN).open_catalog()

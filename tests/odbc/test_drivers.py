"""Driver discovery on the machine that runs the tests, which has both families."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.odbc.driver_files import library_of
from airflow_provider_ssis.odbc.drivers import (
    DriverFamily,
    OdbcDriver,
    OdbcDriverMissing,
    bundled_drivers,
    family_of,
    find_driver,
    installed_drivers,
)


def test_the_drivers_of_the_test_environment_are_found_microsofts_first() -> None:
    families = [driver.family for driver in installed_drivers()]
    assert families[0] is DriverFamily.MICROSOFT
    assert DriverFamily.FREETDS in families


def test_the_library_of_the_pypi_package_is_named_by_its_path() -> None:
    (driver,) = bundled_drivers()
    assert driver.name.startswith("/")
    assert "libmsodbcsql" in driver.name


def test_a_driver_is_found_by_its_name_without_case_or_braces() -> None:
    assert find_driver("{freetds}").family is DriverFamily.FREETDS


def test_a_driver_that_is_not_there_is_an_error_that_lists_those_that_are() -> None:
    with pytest.raises(
        OdbcDriverMissing, match=r"'SQL Server Native Client' is not installed on this machine\. Installed: .*FreeTDS"
    ):
        find_driver("SQL Server Native Client")


def test_no_driver_at_all_says_what_to_install() -> None:
    with pytest.raises(OdbcDriverMissing, match=r"airflow-provider-ssis\[msodbc\].*tdsodbc"):
        find_driver(among=[])


@pytest.mark.parametrize(
    ("family", "advice", "other"),
    [
        (DriverFamily.FREETDS, "apt-get install tdsodbc", "msodbc"),
        (DriverFamily.MICROSOFT, r"airflow-provider-ssis\[msodbc\]", "tdsodbc"),
    ],
)
def test_only_a_driver_that_helps_is_offered_for_installing(family: DriverFamily, advice: str, other: str) -> None:
    with pytest.raises(OdbcDriverMissing, match=advice) as caught:
        find_driver(among=[], family=family)
    assert other not in str(caught.value)


REGISTERED = """\
; not read by ConfigParser: a key twice, a line that is none
[Corporate SQL driver]
Description = of the company
Driver = {microsoft}
Driver = again
nothing
[TDS]
driver={freetds}
[Linked]
Driver={link}
[Old list]
Setup=libodbcpsqlS.so
"""
CONNECT = """
import sys
import pyodbc
from airflow_provider_ssis.odbc.connection_string import connection_string
from airflow_provider_ssis.odbc.target import OdbcTarget
from airflow_provider_ssis.odbc.drivers import driver_of_data_source, find_driver, installed_drivers
name, host, port, user, password = sys.argv[1:]
target = OdbcTarget(host, int(port), user=user, password=password, trust_server_certificate=True)
driver = find_driver(name)
assert pyodbc.connect(connection_string(driver, target)).execute("SELECT 1").fetchval() == 1
assert driver.name in [each.name for each in installed_drivers()]
print(driver.family.value, driver_of_data_source("of " + name).family.value)
"""


@pytest.mark.parametrize(
    ("name", "family"),
    [("corporate sql driver", "microsoft"), ("TDS", "freetds"), ("Linked", "freetds")],
)
@pytest.mark.processes
def test_a_driver_registered_under_any_name_connects_in_the_words_of_its_library(
    ssisdb_emulator: SsisdbEmulator, tmp_path: Path, name: str, family: str
) -> None:
    (microsoft,) = bundled_drivers()
    freetds = library_of("FreeTDS")
    assert freetds is not None
    library = Path(freetds)
    if not library.is_absolute():
        library = next(Path("/usr/lib").rglob(freetds))
    (tmp_path / "sql.so").symlink_to(library)
    (tmp_path / "odbcinst.ini").write_text(
        REGISTERED.format(microsoft=microsoft.name, freetds=freetds, link=tmp_path / "sql.so")
    )
    (tmp_path / "odbc.ini").write_text(f"[of {name}]\nDriver = {name}\n")
    server = ssisdb_emulator
    # The driver manager remembers where its lists are for as long as the process lives.
    result = subprocess.run(
        [sys.executable, "-c", CONNECT, name, server.host, str(server.port), server.user, server.password],
        env={**os.environ, "ODBCSYSINI": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert result.stdout.split() == [family, family], result.stderr


def test_a_name_that_no_list_has_has_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODBCSYSINI", str(tmp_path))
    assert library_of("TDS") is None
    (tmp_path / "odbcinst.ini").write_text(REGISTERED)
    assert library_of("Old list") is None
    assert library_of(" tds ") == "{freetds}"


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("ODBC Driver 18 for SQL Server", DriverFamily.MICROSOFT),
        ("/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so", DriverFamily.FREETDS),
        ("/opt/libmsodbcsql-18.6.so.2.1", DriverFamily.MICROSOFT),
    ],
)
def test_the_family_follows_from_the_name(name: str, family: DriverFamily) -> None:
    assert family_of(name) is family


def test_a_driver_given_by_its_own_name_wins_over_the_preferred_one() -> None:
    other = OdbcDriver("Other", DriverFamily.MICROSOFT, "Other")
    first = OdbcDriver("First", DriverFamily.MICROSOFT, "First")
    assert find_driver("other", among=[first, other]) is other

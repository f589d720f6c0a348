"""Driver discovery on the machine that runs the tests, which has both families."""

from __future__ import annotations

import pytest

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
        OdbcDriverMissing, match=r"'SQL Server Native Client' is not installed here; installed: .*FreeTDS"
    ):
        find_driver("SQL Server Native Client")


def test_no_driver_at_all_says_what_to_install() -> None:
    with pytest.raises(OdbcDriverMissing, match=r"airflow-provider-ssis\[msodbc\].*tdsodbc"):
        find_driver(among=[])


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("ODBC Driver 18 for SQL Server", DriverFamily.MICROSOFT),
        ("/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so", DriverFamily.FREETDS),
        ("/opt/libmsodbcsql-18.6.so.2.1", DriverFamily.MICROSOFT),
    ],
)
def test_the_family_is_told_by_the_name(name: str, family: DriverFamily) -> None:
    assert family_of(name) is family


def test_a_driver_given_by_its_own_name_wins_over_the_preferred_one() -> None:
    other = OdbcDriver("Other", DriverFamily.MICROSOFT, "Other")
    first = OdbcDriver("First", DriverFamily.MICROSOFT, "First")
    assert find_driver("other", among=[first, other]) is other

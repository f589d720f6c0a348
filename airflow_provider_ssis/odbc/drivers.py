"""The ODBC drivers for SQL Server on this machine, and the choice among them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from airflow_provider_ssis.odbc.driver_files import library_of
from airflow_provider_ssis.odbc.families.base import Family
from airflow_provider_ssis.odbc.families.freetds import FreeTds
from airflow_provider_ssis.odbc.families.microsoft import Microsoft


class DriverFamily(Enum):
    """Drivers of one family understand the same connection string keywords."""

    MICROSOFT = "microsoft"
    FREETDS = "freetds"

    @property
    def rules(self) -> Family:
        """What the drivers of this family understand."""
        return _RULES[self]


_RULES: dict[DriverFamily, Family] = {DriverFamily.MICROSOFT: Microsoft(), DriverFamily.FREETDS: FreeTds()}


@dataclass(frozen=True, slots=True)
class OdbcDriver:
    """An ODBC driver that can be named in a connection string.

    :param name: the value of ``DRIVER=``: a name registered in odbcinst.ini, or the path of the driver's library.
    :param family: which keywords it understands.
    :param label: the name for messages.
    """

    name: str
    family: DriverFamily
    label: str


class OdbcDriverMissing(Exception):
    """No usable ODBC driver. The message says what was requested and what to install."""


class DriverPathNotAllowed(OdbcDriverMissing):
    """The connection names the path of a library, which is not allowed."""


INSTALL_ADVICE = (
    "Install one of: the extra with Microsoft's driver (pip install 'airflow-provider-ssis[msodbc]'), "
    "Microsoft's package msodbcsql18, or FreeTDS (Debian, Ubuntu: apt-get install tdsodbc)."
)
DRIVER_MANAGER_ADVICE = (
    "pyodbc cannot be loaded: {reason}. It needs the ODBC driver manager: install the system package unixodbc "
    "(Debian, Ubuntu: apt-get install unixodbc; Red Hat: dnf install unixODBC)."
)
_PREFERRED_NAMES = ("ODBC Driver 18 for SQL Server", "ODBC Driver 17 for SQL Server")
_BUNDLED_PACKAGE = "mssql_python_odbc"


def installed_drivers() -> tuple[OdbcDriver, ...]:
    """The drivers for SQL Server on this machine, the preferred one first.

    Order: ODBC Driver 18 and 17 for SQL Server as registered with the driver manager, the library that the PyPI package
    ``mssql-python-odbc`` contains, FreeTDS under any name, Microsoft's under other names.

    Registered drivers that belong to no known family are left out.

    :raises OdbcDriverMissing: pyodbc cannot be loaded because the driver manager's library is missing.
    """
    others = {name: driver for name in _registered_names() if (driver := _registered(name)) is not None}
    found = [others.pop(name) for name in _PREFERRED_NAMES if name in others]
    found += bundled_drivers()
    found += [driver for driver in others.values() if driver.family is DriverFamily.FREETDS]
    # Old versions, or registered under a name of the administrator's choice: last.
    found += [driver for driver in others.values() if driver.family is DriverFamily.MICROSOFT]
    return tuple(found)


def bundled_drivers() -> list[OdbcDriver]:
    """The driver library inside the PyPI package ``mssql-python-odbc``, if that is installed."""
    package = find_spec(_BUNDLED_PACKAGE)
    if package is None or not package.submodule_search_locations:
        return []
    libraries = sorted(
        library
        for location in package.submodule_search_locations
        for library in _libraries_in(Path(location), Path(location).stat().st_mtime_ns)
    )
    return [
        OdbcDriver(str(library), DriverFamily.MICROSOFT, f"{library.name} (mssql-python-odbc)")
        for library in libraries[:1]
    ]


@lru_cache(maxsize=4)
def _libraries_in(package: Path, changed: int) -> tuple[Path, ...]:
    """The libraries for this machine in a package. Each connection asks, and a search through the folders is slow.

    :param changed: when the package was installed: another version is searched again.
    """
    return tuple(library for library in package.rglob("libmsodbcsql-*.so*") if _matches_this_machine(library))


def find_driver(
    name: str | None = None,
    *,
    among: Sequence[OdbcDriver] | None = None,
    family: DriverFamily | None = None,
    allow_path: bool = False,
) -> OdbcDriver:
    """The driver to use.

    :param name: a registered name, or the path of a library. Default: the first installed driver of the family.
    :param among: the drivers to choose from. Default: those of this machine.
    :param family: the family to choose from if no name is given. Default: any.
    :param allow_path: accept the path of any library, which runs its code. Default: installed drivers only.
    :raises OdbcDriverMissing: there is no such driver; the message lists the installed ones.
    :raises DriverPathNotAllowed: ``name`` is a path, and ``allow_path`` is not set.
    """
    drivers = installed_drivers() if among is None else tuple(among)
    there = ", ".join(driver.label for driver in drivers) or "none"
    if name is None:
        fitting = [driver for driver in drivers if family in (None, driver.family)]
        if fitting:
            return fitting[0]
        if family is not None:
            raise OdbcDriverMissing(family.rules.missing)
        raise OdbcDriverMissing(f"No ODBC driver for SQL Server is installed on this machine. {INSTALL_ADVICE}")
    wanted = name.strip().strip("{}").lower()
    for driver in drivers:
        if wanted in (driver.name.lower(), driver.label.lower()):
            return driver
    if Path(name).is_absolute():
        if not allow_path:
            raise DriverPathNotAllowed(
                f"The ODBC driver {name!r} is the path of a library. Installed drivers: {there}."
            )
        return _at_path(name)
    for registered in _registered_names() if among is None else []:
        if wanted == registered.lower():
            raise OdbcDriverMissing(
                f"The ODBC driver {registered!r} is not supported: its library {library_of(registered)!r} is neither "
                f"Microsoft's driver for SQL Server nor FreeTDS. Supported and installed: {there}."
            )
    raise OdbcDriverMissing(
        f"The ODBC driver {name!r} is not installed on this machine. Installed: {there}. {INSTALL_ADVICE}"
    )


def _at_path(path: str) -> OdbcDriver:
    if not Path(path).is_file():
        raise OdbcDriverMissing(f"The driver library {path} does not exist on this machine.")
    family = family_of(path, os.path.realpath(path))
    if family is None:
        raise OdbcDriverMissing(
            f"The driver library {path} is not supported: its file name must contain 'msodbcsql' (Microsoft's driver) "
            "or 'tdsodbc' (FreeTDS)."
        )
    return OdbcDriver(path, family, Path(path).name)


def driver_of_data_source(name: str) -> OdbcDriver:
    """The driver of a data source of the driver manager (a section of odbc.ini).

    :param name: the data source, in upper or lower case.
    :raises OdbcDriverMissing: there is no such data source, or its driver is not supported.
    """
    try:
        import pyodbc
    except ImportError as error:
        raise OdbcDriverMissing(DRIVER_MANAGER_ADVICE.format(reason=error)) from None
    sources = pyodbc.dataSources()
    for source, driver in sources.items():
        if source.lower() == name.lower():
            found = _registered(driver)
            if found is None:
                raise OdbcDriverMissing(
                    f"The data source {source!r} uses the driver {driver!r}, which is neither Microsoft's driver for "
                    f"SQL Server nor FreeTDS. {INSTALL_ADVICE}"
                )
            return OdbcDriver(driver, found.family, f"{driver} of the data source {source}")
    there = ", ".join(sorted(sources)) or "none"
    raise OdbcDriverMissing(
        f"The data source {name!r} does not exist on this machine. Data sources: {there}. Add it to odbc.ini "
        "('odbcinst -j' shows where that file is), or give host and port instead."
    )


def family_of(*names: str) -> DriverFamily | None:
    """The family of a driver. None: no known one.

    :param names: the driver's registered name, and paths of its library.
    """
    # FreeTDS first: a path such as /opt/msodbcsql-replacement/libtdsodbc.so is FreeTDS.
    for family in (DriverFamily.FREETDS, DriverFamily.MICROSOFT):
        if any(family.rules.owns(name) for name in names):
            return family
    return None


def _registered_names() -> list[str]:
    try:
        import pyodbc
    except ImportError as error:
        raise OdbcDriverMissing(DRIVER_MANAGER_ADVICE.format(reason=error)) from None
    return list(pyodbc.drivers())


def _registered(name: str) -> OdbcDriver | None:
    """The driver behind a registered name, or behind the path that a data source may have instead of a name."""
    library = library_of(name) or name
    # The library may be a link with any name.
    family = family_of(name, library, os.path.realpath(library))
    if family is None:
        return None
    label = f"{name} (FreeTDS)" if family is DriverFamily.FREETDS and name != "FreeTDS" else name
    return OdbcDriver(name, family, label)


def _matches_this_machine(library: Path) -> bool:
    """The package contains the library for several processors and distributions, in folders of their names."""
    import platform

    machine = platform.machine().lower()
    aliases = {"aarch64": "arm64", "amd64": "x86_64"}
    folders = {part.lower() for part in library.parts}
    if not folders & {machine, aliases.get(machine, machine)}:
        return False
    return _distribution_folder() in folders


def _distribution_folder() -> str:
    import platform

    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "debian_ubuntu"
    family = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".lower().split()
    if "alpine" in family:
        return "alpine"
    if {"rhel", "fedora", "centos"} & set(family):
        return "rhel"
    if {"suse", "sles", "opensuse"} & set(family):
        return "suse"
    return "debian_ubuntu"

"""Which ODBC drivers for SQL Server this machine has, and which of them to take."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path

from airflow_provider_ssis.odbc.driver_files import library_of


class DriverFamily(Enum):
    """Drivers of one family understand the same connection string keywords."""

    MICROSOFT = "microsoft"
    FREETDS = "freetds"


@dataclass(frozen=True, slots=True)
class OdbcDriver:
    """An ODBC driver that can be named in a connection string.

    :param name: what stands behind ``DRIVER=``: a name registered in odbcinst.ini, or the path of the driver's library.
    :param family: which keywords it understands.
    :param label: the name for people.
    """

    name: str
    family: DriverFamily
    label: str


class OdbcDriverMissing(Exception):
    """No usable ODBC driver: the message says what was looked for and what to install."""


INSTALL_ADVICE = (
    "Install one of: the extra with Microsoft's driver (pip install 'airflow-provider-ssis[msodbc]'), "
    "Microsoft's package msodbcsql18, or FreeTDS (Debian, Ubuntu: apt-get install tdsodbc)."
)
_MISSING = {
    None: f"No ODBC driver for SQL Server was found on this machine. {INSTALL_ADVICE}",
    DriverFamily.MICROSOFT: (
        "Microsoft's ODBC driver for SQL Server was not found on this machine, and no other can do what is asked for. "
        "Install one of: the extra with it (pip install 'airflow-provider-ssis[msodbc]'), or Microsoft's package "
        "msodbcsql18."
    ),
    DriverFamily.FREETDS: (
        "FreeTDS was not found on this machine, and no other can do what is asked for. Install it (Debian, "
        "Ubuntu: apt-get install tdsodbc; Red Hat: dnf install freetds)."
    ),
}
DRIVER_MANAGER_ADVICE = (
    "pyodbc cannot be loaded: {reason}. It needs the ODBC driver manager: install the system package unixodbc "
    "(Debian, Ubuntu: apt-get install unixodbc; Red Hat: dnf install unixODBC)."
)
_PREFERRED_NAMES = ("ODBC Driver 18 for SQL Server", "ODBC Driver 17 for SQL Server")
_BUNDLED_PACKAGE = "mssql_python_odbc"


def installed_drivers() -> tuple[OdbcDriver, ...]:
    """The drivers for SQL Server on this machine, the preferred one first.

    Order: ODBC Driver 18 and 17 for SQL Server as registered with the driver manager, the library that the PyPI package
    ``mssql-python-odbc`` carries, FreeTDS under whichever name, Microsoft's under other names.

    :raises OdbcDriverMissing: pyodbc cannot be loaded, which is so when the driver manager's library is missing.
    """
    others = {name: _registered(name) for name in _registered_names()}
    found = [others.pop(name) for name in _PREFERRED_NAMES if name in others]
    found += bundled_drivers()
    found += [driver for driver in others.values() if driver.family is DriverFamily.FREETDS]
    # An old one, or one that another list calls as it likes: nobody's first choice.
    found += [others[name] for name in others if "msodbcsql" in (library_of(name) or "")]
    return tuple(found)


def bundled_drivers() -> list[OdbcDriver]:
    """The driver library inside the PyPI package ``mssql-python-odbc``, where that is installed."""
    package = find_spec(_BUNDLED_PACKAGE)
    if package is None or not package.submodule_search_locations:
        return []
    libraries = sorted(
        library
        for location in package.submodule_search_locations
        for library in Path(location).rglob("libmsodbcsql-*.so*")
        if _matches_this_machine(library)
    )
    return [
        OdbcDriver(str(library), DriverFamily.MICROSOFT, f"{library.name} (mssql-python-odbc)")
        for library in libraries[:1]
    ]


def find_driver(
    name: str | None = None,
    *,
    among: Sequence[OdbcDriver] | None = None,
    family: DriverFamily | None = None,
    allow_path: bool = False,
) -> OdbcDriver:
    """The driver to use.

    :param name: a registered name or the path of a library; None takes the preferred one of those installed.
    :param among: the drivers to choose from; those of this machine by default.
    :param family: the family to choose from where no name is given; any by default.
    :param allow_path: take any library that ``name`` is the path of, which runs its code. Default: only a driver that
        is installed.
    :raises OdbcDriverMissing: there is none, or none of that name; the message lists those that there are.
    """
    drivers = installed_drivers() if among is None else tuple(among)
    if name is None:
        fitting = [driver for driver in drivers if family in (None, driver.family)]
        if fitting:
            return fitting[0]
        raise OdbcDriverMissing(_MISSING[family])
    if allow_path and Path(name).is_absolute():
        if not Path(name).is_file():
            raise OdbcDriverMissing(f"There is no driver library {name} on this machine.")
        return OdbcDriver(name, family_of(name), Path(name).name)
    wanted = name.strip().strip("{}").lower()
    for driver in drivers:
        if wanted in (driver.name.lower(), driver.label.lower()):
            return driver
    if among is None:
        # Whoever registers a driver calls it as they like.
        for registered in _registered_names():
            if wanted == registered.lower():
                return _registered(registered)
    there = ", ".join(driver.label for driver in drivers) or "none"
    raise OdbcDriverMissing(f"The ODBC driver {name!r} is not installed here; installed: {there}. {INSTALL_ADVICE}")


def driver_of_data_source(name: str) -> OdbcDriver:
    """The driver of a data source that the driver manager knows.

    :raises OdbcDriverMissing: there is no such data source; the message lists those that there are.
    """
    try:
        import pyodbc
    except ImportError as error:
        raise OdbcDriverMissing(DRIVER_MANAGER_ADVICE.format(reason=error)) from None
    sources = pyodbc.dataSources()
    for source, driver in sources.items():
        if source.lower() == name.strip().lower():
            return OdbcDriver(driver, _registered(driver).family, f"{driver} of the data source {source}")
    there = ", ".join(sorted(sources)) or "none"
    raise OdbcDriverMissing(
        f"There is no data source {name!r} on this machine; there are: {there}. Enter it into odbc.ini (odbcinst -j "
        "tells where that is), or give host and port instead."
    )


def family_of(name: str) -> DriverFamily:
    """The family that a driver belongs to, told by its registered name or by its library's path."""
    lowered = name.lower()
    return DriverFamily.FREETDS if "freetds" in lowered or "tdsodbc" in lowered else DriverFamily.MICROSOFT


def _registered_names() -> list[str]:
    try:
        import pyodbc
    except ImportError as error:
        raise OdbcDriverMissing(DRIVER_MANAGER_ADVICE.format(reason=error)) from None
    return list(pyodbc.drivers())


def _registered(name: str) -> OdbcDriver:
    """The driver behind a registered name, or behind the path that a data source may have in its place."""
    library = library_of(name) or name
    # A link to the library may be called anything, too.
    names = (name, library, os.path.realpath(library))
    if any(family_of(each) is DriverFamily.FREETDS for each in names):
        return OdbcDriver(name, DriverFamily.FREETDS, name if name == "FreeTDS" else f"{name} (FreeTDS)")
    return OdbcDriver(name, DriverFamily.MICROSOFT, name)


def _matches_this_machine(library: Path) -> bool:
    """The package carries the library for several processors and distributions in folders of their names."""
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

"""How to reach an embedded SSISDB."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from airflow_provider_ssis.odbc.connection_string import connection_string
from airflow_provider_ssis.odbc.drivers import DriverFamily, OdbcDriverMissing, find_driver, installed_drivers
from airflow_provider_ssis.odbc.target import Encrypt, OdbcTarget

DATABASE = "SSISDB"
_DEFAULT_DRIVER = "ODBC Driver 18 for SQL Server"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How to reach an embedded SSISDB.

    :param password: the password of ``user``; not part of the repr.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)

    def odbc(
        self, family: DriverFamily | None = None, *, encrypt: Encrypt = Encrypt.YES, database: str = DATABASE
    ) -> str:
        """An ODBC connection string, for a driver of this machine.

        :param family: Microsoft's driver or FreeTDS; the preferred one of those installed by default.
        :param encrypt: encryption; the server's certificate is made at its start, so it is trusted unseen.
        :param database: the database. Default: ``SSISDB``.
        :raises OdbcDriverMissing: no such driver is installed.
        """
        drivers = [driver for driver in installed_drivers() if family in (None, driver.family)]
        target = OdbcTarget(
            host=self.host,
            port=self.port,
            database=database,
            user=self.user,
            password=self.password,
            encrypt=encrypt,
            trust_server_certificate=encrypt is not Encrypt.NO,
        )
        return connection_string(find_driver(among=drivers), target)

    @property
    def odbc_connection_string(self) -> str:
        """An ODBC connection string for the preferred driver of this machine.

        Where none is installed, it names Microsoft's ODBC Driver 18, so that it can be used elsewhere.
        """
        try:
            return self.odbc()
        except OdbcDriverMissing:
            return (
                f"DRIVER={{{_DEFAULT_DRIVER}}};SERVER={self.host},{self.port};DATABASE={DATABASE};"
                f"UID={self.user};PWD={{{self.password.replace('}', '}}')}}};Encrypt=yes;TrustServerCertificate=yes;"
            )

    @property
    def airflow_uri(self) -> str:
        """An Airflow connection of type ``ssis``, as ``AIRFLOW_CONN_SSIS_DEFAULT`` takes it."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        extra = urlencode({"encrypt": "yes", "trust_server_certificate": "true"})
        return f"ssis://{login}@{host}:{self.port}/{DATABASE}?{extra}"

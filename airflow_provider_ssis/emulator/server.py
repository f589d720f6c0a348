"""The embedded SSISDB in a separate thread, for tests and notebooks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from airflow_provider_ssis.emulator.endpoint import DATABASE, Endpoint
from airflow_provider_ssis.emulator.faults.backend import Traffic
from airflow_provider_ssis.emulator.faults.book import FaultBook
from airflow_provider_ssis.emulator.loop_server import EmulatorServer
from airflow_provider_ssis.emulator.runs.execute_settings import ExecuteSettings
from airflow_provider_ssis.emulator.runs.scripts import ScriptBook
from airflow_provider_ssis.emulator.ssisdb import Edition, Ssisdb
from airflow_provider_ssis.emulator.tsql.metadata.principals import LoginKind
from airflow_provider_ssis.odbc.drivers import DriverFamily
from airflow_provider_ssis.odbc.target import Encrypt

__all__ = ["Edition", "Endpoint", "ExecuteSettings", "LoginKind", "SsisdbEmulator"]

Result = TypeVar("Result")


class SsisdbEmulator:
    """An embedded SSISDB in a separate thread::

        with SsisdbEmulator() as ssisdb:
            connection = pyodbc.connect(ssisdb.odbc_connection_string, autocommit=True)

    :param host: address to listen on; loopback by default.
    :param port: port to listen on; 0 takes any free one.
    :param password: password of the login ``sa``; a random one by default.
    :param edition: ``azure`` accepts SQL logins everywhere, ``box`` refuses them where a boxed SQL Server does (27123).
    :param data_dir: folder that keeps catalog, logins and databases over restarts; None keeps them in memory.
    :param instance: instance name; a SQL Server Browser (UDP port 1434) answers with the port. None for no Browser.
    :param keytab: file with the key of the server's service principal: accepts Kerberos tickets for it.
    :param token_key: public key, in PEM: accepts access tokens of Entra ID that are signed with its private half.
    :param quirks: where a real catalog has a known fault, do as it does; by default, do what a user expects.
    :param execute: execute packages with the engine: True, or settings with connections and paths. False, the default,
        simulates them.
    :raises ValueError: ``host`` or ``password`` is empty, or ``token_key`` is not a public key.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        password: str | None = None,
        edition: Edition | str = Edition.AZURE,
        data_dir: Path | str | None = None,
        instance: str | None = None,
        keytab: Path | str | None = None,
        token_key: str | None = None,
        quirks: bool = False,
        execute: ExecuteSettings | bool = False,
    ) -> None:
        self._server = EmulatorServer(
            host=host,
            port=port,
            password=password,
            edition=Edition(edition),
            data_dir=None if data_dir is None else Path(data_dir),
            instance=instance,
            keytab=None if keytab is None else Path(keytab),
            token_key=token_key,
            quirks=quirks,
            execute=execute,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ssisdb-emulator", daemon=True)
        self._endpoint: Endpoint | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server; returns when clients can connect.

        :raises OSError: the address cannot be bound, or the data folder cannot be used.
        """
        self._thread.start()
        try:
            self._endpoint = self._run(self._server.start())
        except BaseException:
            self._end_loop()
            raise

    def stop(self) -> None:
        """Stop the server: close connections, end runs."""
        if self._endpoint is None:
            return
        self._endpoint = None
        try:
            self._run(self._server.stop())
        finally:
            self._end_loop()

    def reset(self) -> None:
        """Delete everything in the catalog, created databases, added logins, scripts and faults, and end all runs.

        Connections stay open.
        """
        self._run(self._server.reset())

    def add_login(
        self,
        name: str,
        password: str | None = None,
        *,
        kind: LoginKind | str = LoginKind.SQL,
        server_roles: Sequence[str] = (),
        database_roles: Sequence[str] = (),
    ) -> None:
        """Create a login with a user in SSISDB, or change the login of this name. A reset deletes it.

        :param name: of a SQL login; ``DOMAIN\\user``; a user's principal name, or an application's client id.
        :param password: of a SQL login, and of a Windows account that logs in with NTLM; Kerberos and access tokens
            need none.
        :param kind: what proves the identity. Default: the password of a SQL login.
        :param server_roles: such as ``sysadmin``.
        :param database_roles: such as ``ssis_admin`` or ``ssis_logreader``.
        :raises ValueError: a password is missing, or given where there is none.
        """

        async def add() -> None:
            self._server.add_login(
                name, password, kind=LoginKind(kind), server_roles=server_roles, database_roles=database_roles
            )

        self._run(add())

    def add_worker(self, machine_name: str, *, enabled: bool = True) -> str:
        """Register a simulated worker of Scale Out, and turn Scale Out on. A reset deletes it.

        :param machine_name: the machine that executions on this worker report.
        :param enabled: whether it may run packages; otherwise ``catalog.enable_worker_agent`` lets it.
        :returns: its id, for ``catalog.add_execution_worker``.
        """
        return self._run(self._server.add_worker(machine_name, enabled=enabled))

    def execute_packages(self, settings: ExecuteSettings | None) -> None:
        """Execute, or simulate, the packages that start from now on; :meth:`reset` returns to the constructor's choice.

        :param settings: the connections, paths and scripts of packages that are executed; None to simulate packages.
        """
        self._server.execute_packages(settings)

    @property
    def data_taps_folder(self) -> Path:
        """The folder in which the server writes the files of data taps.

        :raises RuntimeError: the server is not running.
        """
        return self._server.data_taps_folder

    @property
    def certificate(self) -> str:
        """The server's certificate, in PEM, for clients that trust only this server."""
        return self._server.certificate

    @property
    def endpoint(self) -> Endpoint:
        """How to reach the server.

        :raises RuntimeError: the server is not running.
        """
        if self._endpoint is None:
            raise RuntimeError("the embedded SSISDB is not running: use it as a context manager, or call start()")
        return self._endpoint

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self.endpoint.host

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self.endpoint.port

    @property
    def user(self) -> str:
        """A login with all permissions."""
        return self.endpoint.user

    @property
    def password(self) -> str:
        """The password of :attr:`user`."""
        return self.endpoint.password

    @property
    def odbc_connection_string(self) -> str:
        """An ODBC connection string for the preferred driver of this machine."""
        return self.endpoint.odbc_connection_string

    @property
    def airflow_uri(self) -> str:
        """An Airflow connection of type ``ssis``, as ``AIRFLOW_CONN_SSIS_DEFAULT`` takes it."""
        return self.endpoint.airflow_uri

    def odbc(
        self, family: DriverFamily | None = None, *, encrypt: Encrypt = Encrypt.YES, database: str = DATABASE
    ) -> str:
        """An ODBC connection string for a driver or database of your choice; see :meth:`Endpoint.odbc`."""
        return self.endpoint.odbc(family, encrypt=encrypt, database=database)

    @property
    def scripts(self) -> ScriptBook:
        """Scripts for future runs: fail, take time, hang, crash."""
        return self._ssisdb.runtime.scripts

    @property
    def faults(self) -> FaultBook:
        """Faults for future requests: the connection drops, the answer is late, or the answer is an error."""
        return self._server.faults

    @property
    def traffic(self) -> Traffic:
        """Logins and requests since the start or the last reset."""
        return self._server.traffic

    @property
    def _ssisdb(self) -> Ssisdb:
        if self._server.ssisdb is None:
            raise RuntimeError("the embedded SSISDB is not running: use it as a context manager, or call start()")
        return self._server.ssisdb

    def _run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

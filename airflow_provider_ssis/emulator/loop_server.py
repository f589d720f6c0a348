"""The embedded SSISDB on the running event loop: wire protocol, T-SQL, catalog and runs."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from pathlib import Path

from airflow_provider_ssis.emulator.control.faults import fault_procedures
from airflow_provider_ssis.emulator.control.logins import login_procedures
from airflow_provider_ssis.emulator.control.workers import worker_procedures
from airflow_provider_ssis.emulator.data_folder import prepare_data_folder
from airflow_provider_ssis.emulator.endpoint import DATABASE, Endpoint
from airflow_provider_ssis.emulator.faults.backend import FaultyBackend, Traffic
from airflow_provider_ssis.emulator.faults.book import FaultBook
from airflow_provider_ssis.emulator.identities.authenticator import Identities
from airflow_provider_ssis.emulator.identities.windows import check_keytab
from airflow_provider_ssis.emulator.runs.execute_settings import ExecuteSettings
from airflow_provider_ssis.emulator.ssisdb import Edition, Ssisdb, install
from airflow_provider_ssis.emulator.ssisdb.edition import product
from airflow_provider_ssis.emulator.tds.browser import Browser, serve_browser
from airflow_provider_ssis.emulator.tds.server import TdsServer
from airflow_provider_ssis.emulator.tsql.backend import TsqlBackend
from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from airflow_provider_ssis.emulator.tsql.metadata.principals import LoginKind

ADMINISTRATOR = "sa"
"""The login that every embedded SSISDB has; a member of sysadmin."""

_PASSWORD_BYTES = 18


class EmulatorServer:
    """An embedded SSISDB on the running event loop.

    :param host: address to listen on; loopback by default.
    :param port: port to listen on; 0 takes any free one.
    :param password: password of the login ``sa``; a random one by default.
    :param edition: whether SQL logins are refused where a boxed SQL Server refuses them.
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
        edition: Edition = Edition.AZURE,
        data_dir: Path | None = None,
        instance: str | None = None,
        keytab: Path | None = None,
        token_key: str | None = None,
        quirks: bool = False,
        execute: ExecuteSettings | bool = False,
    ) -> None:
        if not host.strip():
            raise ValueError("host is empty, which would mean all addresses. Give 0.0.0.0 or :: for that")
        if password is not None and not password:
            raise ValueError("password is empty. Leave it out for a random one")
        self._host = host
        self._port = port
        self._password = secrets.token_urlsafe(_PASSWORD_BYTES) if password is None else password
        self._edition = edition
        self._data_dir = data_dir
        self._keytab = keytab
        self._instance = instance
        self._quirks = quirks
        self._endpoint: Endpoint | None = None
        self._execute = (ExecuteSettings() if execute else None) if isinstance(execute, bool) else execute
        self._browser: asyncio.DatagramTransport | None = None
        self._identities = Identities(keytab=keytab, token_key=token_key)
        self._engine: Engine | None = None
        self._tds: TdsServer | None = None
        self.ssisdb: Ssisdb | None = None
        self.faults = FaultBook()
        self.traffic = Traffic()

    async def start(self) -> Endpoint:
        """Open the catalog and start to listen.

        :raises OSError: the address cannot be bound, or the data folder or the keytab cannot be used.
        """
        if self._keytab is not None:
            # Fail now, not at the first login.
            check_keytab(self._keytab)
        if self._data_dir is not None:
            prepare_data_folder(self._data_dir)
        engine = Engine(data_dir=self._data_dir, product=product(self._edition), database=DATABASE)
        self._engine = engine
        self.ssisdb = install(engine, edition=self._edition, quirks=self._quirks)
        self.ssisdb.draw_error = self.faults.draw_error
        self._add_administrator()
        engine.metadata.add(*fault_procedures(DATABASE, self.faults), *login_procedures(DATABASE, self.add_login))
        engine.metadata.add(*worker_procedures(DATABASE, self.ssisdb.add_worker))
        backend = FaultyBackend(TsqlBackend(engine), self.faults, self.traffic)
        self._tds = TdsServer(backend, host=self._host, port=self._port, authenticator=self._identities)
        try:
            await self._tds.start()
            host, port = self._tds.address
            if self._instance is not None:
                version = ".".join(map(str, engine.product.version))
                browser = Browser(engine.product.server_name, self._instance, port, version)
                self._browser = await serve_browser(self._host, browser)
        except BaseException:
            await self.stop()
            raise
        self._endpoint = Endpoint(host, port, ADMINISTRATOR, self._password)
        self.execute_packages(self._execute)
        return self._endpoint

    def add_login(
        self,
        name: str,
        password: str | None = None,
        *,
        kind: LoginKind = LoginKind.SQL,
        server_roles: Sequence[str] = (),
        database_roles: Sequence[str] = (),
    ) -> None:
        """Create a login, or change the login of this name; see :meth:`SsisdbEmulator.add_login`."""
        if kind is LoginKind.SQL and password is None:
            raise ValueError("a SQL login needs a password")
        if kind is LoginKind.ENTRA and password is not None:
            raise ValueError("an Entra identity has no password; its access token is its proof")
        if self.ssisdb is None or self._engine is None:
            raise RuntimeError("the embedded SSISDB is not running")
        if kind is LoginKind.WINDOWS and password is not None:
            self._identities.windows.set_password(name, password)
        self.ssisdb.add_login(
            name,
            password if kind is LoginKind.SQL else None,
            kind=kind,
            server_roles=server_roles,
            database_roles=database_roles,
        )

    async def add_worker(self, machine_name: str, *, enabled: bool = True) -> str:
        """Register a simulated worker of Scale Out; see :meth:`SsisdbEmulator.add_worker`."""
        if not machine_name.strip():
            raise ValueError("the name of the worker's machine is empty")
        catalog = self._running_catalog()
        async with catalog.engine.transaction() as store:
            worker_id = catalog.add_worker(store, machine_name, enabled=enabled)
        return str(worker_id).upper()

    def execute_packages(self, settings: ExecuteSettings | None) -> None:
        """Execute or simulate the packages that start from now on; see :meth:`SsisdbEmulator.execute_packages`."""
        if settings is not None and self._endpoint is not None:
            endpoint = self._endpoint
            settings = settings.on(lambda database: endpoint.odbc(database=database))
        self._running_catalog().runtime.execute = settings

    @property
    def data_taps_folder(self) -> Path:
        """The folder of the files of data taps."""
        return self._running_catalog().dumps.data

    def _running_catalog(self) -> Ssisdb:
        if self.ssisdb is None:
            raise RuntimeError("the embedded SSISDB is not running")
        return self.ssisdb

    def _add_administrator(self) -> None:
        self.add_login(ADMINISTRATOR, self._password, server_roles=["sysadmin"])

    async def reset(self) -> None:
        """Delete everything in the catalog, created databases, added logins, scripts and faults.

        Connections stay open. The traffic counters are set to 0.
        """
        self.faults.clear()
        if self._tds is not None:
            self._tds.throttle.clear()
        if self.ssisdb is not None:
            await self.ssisdb.reset()
            self.execute_packages(self._execute)
            self.ssisdb.engine.drop_databases()
            self.ssisdb.engine.logins.clear()
            self._identities.windows.clear()
            self._add_administrator()
        self.traffic.logins = self.traffic.requests = 0

    @property
    def certificate(self) -> str:
        """The server's certificate, in PEM.

        :raises RuntimeError: the server is not running.
        """
        if self._tds is None:
            raise RuntimeError("the embedded SSISDB is not running")
        return self._tds.certificate.pem.decode()

    async def stop(self) -> bool:
        """Close all connections, end all runs and close the catalog, within a bounded time.

        Executions that are running get the status "ended unexpectedly" when the same data folder is opened again.

        :returns: False when a statement that cannot be interrupted still runs. Its thread keeps the process alive.
        """
        if self._browser is not None:
            self._browser.close()
        ended = self._tds is None or await self._tds.close()
        if self.ssisdb is not None:
            await self.ssisdb.close()
        if self._engine is not None and ended:
            self._engine.close()
        self._tds = self.ssisdb = self._engine = self._browser = None
        return ended

"""The listener: accepts connections, and ends all of them when it is closed."""

from __future__ import annotations

import asyncio
import logging
import socket

from airflow_provider_ssis.emulator.session import Authenticator, Backend
from airflow_provider_ssis.emulator.tds.budget import MemoryBudget
from airflow_provider_ssis.emulator.tds.channel import Channel
from airflow_provider_ssis.emulator.tds.connection import Connection
from airflow_provider_ssis.emulator.tds.packets import Limits
from airflow_provider_ssis.emulator.tds.throttle import LoginThrottle
from airflow_provider_ssis.emulator.tds.tls import ServerCertificate

log = logging.getLogger(__name__.rpartition(".")[0])

_STREAM_BUFFER = 1024 * 1024


class TdsServer:
    """A server of SQL Server's wire protocol.

    :param backend: answers logins and requests.
    :param host: address to listen on.
    :param port: port to listen on; 0 takes any free one.
    :param limits: bounds on what one client may send.
    :param authenticator: checks Kerberos tickets, NTLM and access tokens; None accepts SQL logins only.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        authenticator: Authenticator | None = None,
    ) -> None:
        self._backend = backend
        self._authenticator = authenticator
        self._host = host
        self._port = port
        self._limits = limits or Limits()
        self.budget = MemoryBudget(self._limits.total)
        """Memory for requests that are not answered yet."""
        self.throttle = LoginThrottle()
        """Slows down clients that try passwords."""
        self.certificate = ServerCertificate(host)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start to listen.

        :raises OSError: the address cannot be bound.
        """
        self._server = await asyncio.start_server(self._accept, self._host, self._port, limit=_STREAM_BUFFER)

    @property
    def address(self) -> tuple[str, int]:
        """Address and port on which it listens.

        :raises RuntimeError: it does not listen.
        """
        if self._server is None or not self._server.sockets:
            raise RuntimeError("the server does not listen")
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def close(self) -> bool:
        """Stop listening and end all connections.

        :returns: False when a connection did not end in time (``Limits.close_seconds``): a statement that cannot be
            interrupted still runs.
        """
        if self._server is None:
            return True
        self._server.close()
        for task in self._connections:
            task.cancel()
        left: set[asyncio.Task[None]] = set()
        if self._connections:
            _, left = await asyncio.wait(self._connections, timeout=self._limits.close_seconds)
        if left:
            log.warning("%d connections did not end within %g s", len(left), self._limits.close_seconds)
        else:
            await self._server.wait_closed()
        self._server = None
        return not left

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        channel = Channel(reader, writer, self._limits)
        try:
            await Connection(
                channel,
                self._backend,
                self.certificate,
                self._limits,
                self.budget,
                self.throttle,
                self._authenticator,
            ).serve()
        except asyncio.CancelledError:
            # The server closes; asyncio would log a cancelled connection as an error.
            log.debug("%s: connection closed by the server", channel.peer)
        except Exception:
            # No other task reads this result, and a fault in one connection must not affect another.
            log.exception("%s: connection closed after an internal error of this server", channel.peer)

"""A slow network: a TCP proxy that delays data and counts round trips."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

_CHUNK = 64 * 1024


class DelayProxy:
    """Delays data by half the delay in each direction. Data in transit does not delay later data.

    :param host: where the server listens.
    :param port: its port.
    :param delay: seconds by which a round trip takes longer.
    """

    def __init__(self, host: str, port: int, delay: float) -> None:
        self._target = (host, port)
        self._one_way = delay / 2
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.round_trips = 0
        """The number of times that a client sent data after it had received data, over all connections."""

    async def start(self) -> int:
        """Start to listen.

        :return: the port.
        """
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening and end all connections."""
        if self._server is not None:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        for each in (writer, upstream_writer):
            each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        turn = _Turn(self)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, upstream_writer, turn.asked))
                group.create_task(self._pass_on(upstream_reader, writer, turn.answered))
        except* (ConnectionError, asyncio.CancelledError):
            # One side has closed the connection.
            pass
        finally:
            for each in (writer, upstream_writer):
                each.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: Callable[[], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, data = await on_the_way.get()
                await asyncio.sleep(due - loop.time())
                if not data:
                    with contextlib.suppress(OSError):
                        writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()

        delivery = asyncio.create_task(deliver())
        try:
            while True:
                data = await reader.read(_CHUNK)
                if data:
                    note()
                on_the_way.put_nowait((loop.time() + self._one_way, data))
                if not data:
                    break
            await delivery
        finally:
            delivery.cancel()


class _Turn:
    """The side of a connection that sends."""

    def __init__(self, proxy: DelayProxy) -> None:
        self._proxy = proxy
        self._is_asking = False

    def asked(self) -> None:
        if not self._is_asking:
            self._is_asking = True
            self._proxy.round_trips += 1

    def answered(self) -> None:
        self._is_asking = False

"""The SQL Server Browser: answers clients with the port of a named instance (MC-SQLR)."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

PORT: Final = 1434
"""Drivers ask at no other."""

_ENUMERATE: Final = (0x02, 0x03)
_ASK_FOR_INSTANCE: Final = 0x04
_ANSWER: Final = b"\x05"


def answer_to(request: bytes, server: str, instance: str, port: int, version: str) -> bytes | None:
    """The answer to a datagram; None if it does not ask for this instance.

    :param request: the client's datagram.
    :param server: the server's name.
    :param instance: the instance that it is.
    :param port: where that listens.
    :param version: the product's version.
    """
    if not request:
        return None
    if request[0] == _ASK_FOR_INSTANCE:
        asked = request[1:].partition(b"\0")[0].decode("ascii", "replace")
        if asked.lower() != instance.lower():
            return None
    elif request[0] not in _ENUMERATE:
        return None
    text = f"ServerName;{server};InstanceName;{instance};IsClustered;No;Version;{version};tcp;{port};;".encode()
    return _ANSWER + len(text).to_bytes(2, "little") + text


class Browser(asyncio.DatagramProtocol):
    """Answers for one instance.

    :param server: the server's name.
    :param instance: the instance's name.
    :param port: where it listens.
    :param version: the product's version.
    """

    def __init__(self, server: str, instance: str, port: int, version: str) -> None:
        self._about = (server, instance, port, version)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to answer."""
        # No isinstance: asyncio's transports have the right base class only since Python 3.12.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Answer a client."""
        answer = answer_to(data, *self._about)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


async def serve_browser(host: str, browser: Browser) -> asyncio.DatagramTransport:
    """Answer until the transport is closed.

    :param host: address to answer at.
    :raises OSError: something else answers there, a real SQL Server Browser for instance.
    """
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: browser, local_addr=(host, PORT))
    return transport

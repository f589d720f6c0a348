"""The bytes of one connection, with or without TLS, and the packets in them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from airflow_provider_ssis.emulator.tds.budget import MemoryBudget
from airflow_provider_ssis.emulator.tds.packets import (
    DEFAULT_PACKET_SIZE,
    HEADER,
    Limits,
    PacketHeader,
    PacketStatus,
    PacketType,
    ProtocolError,
    RequestMessage,
    split,
)
from airflow_provider_ssis.emulator.tds.payload import Payload

_READ_SIZE = 256 * 1024
_FLUSH_SIZE = 64 * 1024
_LARGE_PIECE = 4 * 1024 * 1024
_BULK_PART = 1024 * 1024
"""Bytes of a bulk load that are handed on together."""
_SECONDS_TO_CLOSE = 5.0


class ConnectionLost(Exception):
    """The client closed the connection."""


class Channel:
    """One connection: messages in, bytes of responses out.

    :param limits: bounds on what the client may send.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits) -> None:
        self._reader = reader
        self._writer = writer
        self._limits = limits
        self._received = bytearray()
        self._tls: ssl.SSLObject | None = None
        self._tls_in = ssl.MemoryBIO()
        self._tls_out = ssl.MemoryBIO()

    @property
    def peer(self) -> str:
        """Address and port of the client."""
        address = self._writer.get_extra_info("peername")
        return f"{address[0]}:{address[1]}" if address else "unknown"

    @property
    def address(self) -> str:
        """Address of the client."""
        return self.peer.rpartition(":")[0]

    @property
    def encrypted(self) -> bool:
        """True while TLS is on."""
        return self._tls is not None

    # --- reading

    async def first_byte(self) -> int:
        """The connection's first byte, which stays unread: with it, TLS differs from TDS."""
        await self._fill(1)
        return self._received[0]

    async def message(self, largest: Callable[[], int], budget: MemoryBudget | None = None) -> RequestMessage:
        """The next message; of a bulk load, the next part of one.

        :param largest: bytes that it may have; asked again for each packet.
        :param budget: counts its bytes. The caller gives ``message.size`` back when it is done with the message.
        :raises ConnectionLost: the client closed the connection.
        :raises ProtocolError: the bytes are not a message, or the message is too large.
        """
        header = await self._header()
        kind, status = header.type, header.status
        payload = Payload()
        taken = 0
        try:
            while True:
                if len(payload) + header.payload_length > (limit := largest()):
                    raise ProtocolError(f"a message of more than {limit} bytes")
                await self._fill(header.payload_length)
                if budget is not None:
                    budget.take(header.payload_length)
                taken += header.payload_length
                with memoryview(self._received) as received:
                    payload.append(received[: header.payload_length])
                del self._received[: header.payload_length]
                if header.ends_message or (kind is PacketType.BULK_LOAD and len(payload) >= _BULK_PART):
                    break
                header = await self._header()
                if header.type is not kind:
                    raise ProtocolError(f"packet of type {header.type.name} inside a message of type {kind.name}")
        except BaseException:
            # The exception keeps this frame alive until the connection is closed, which can take long.
            payload.clear()
            if budget is not None:
                budget.release(taken)
            raise
        return RequestMessage(
            kind,
            payload,
            size=taken,
            ignored=bool(header.status & PacketStatus.IGNORE),
            reset=bool(status & (PacketStatus.RESET_CONNECTION | PacketStatus.RESET_CONNECTION_KEEP_TRANSACTION)),
            keep_transaction=bool(status & PacketStatus.RESET_CONNECTION_KEEP_TRANSACTION),
            is_part=not header.ends_message,
        )

    async def login_message(self) -> RequestMessage:
        """The next message of a client that is not logged in.

        :raises ConnectionLost: the client closed the connection.
        :raises ProtocolError: the bytes are not a message, or the message is too large.
        """
        return await self.message(lambda: self._limits.largest_login)

    async def _header(self) -> PacketHeader:
        await self._fill(HEADER.size)
        header = PacketHeader.parse(bytes(self._received[: HEADER.size]), self._limits.largest_packet)
        del self._received[: HEADER.size]
        return header

    async def _fill(self, count: int) -> None:
        """Receive until there are at least ``count`` unread bytes."""
        while len(self._received) < count:
            data = await self._receive()
            if not data:
                if self._received:
                    raise ProtocolError("the connection ended inside a packet")
                raise ConnectionLost
            self._received += data

    async def _receive(self) -> bytes:
        while self._tls is not None:
            try:
                return self._tls.read(_READ_SIZE)
            except ssl.SSLWantReadError:
                data = await self._read_socket()
                if not data:
                    return b""
                self._tls_in.write(data)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLError as error:
                raise ProtocolError(f"TLS: {error.reason}") from None
        return await self._read_socket()

    async def _read_socket(self) -> bytes:
        """What the client has sent; nothing when it has closed the connection, or was killed."""
        try:
            return await self._reader.read(_READ_SIZE)
        except ConnectionError:
            return b""

    # --- TLS

    async def start_tls(self, context: ssl.SSLContext, *, inside_packets: bool) -> None:
        """Perform the TLS handshake.

        :param inside_packets: handshake records travel in PRELOGIN packets, as TDS 7 has it; otherwise bare (TDS 8).
        :raises ProtocolError: the client refuses, for instance because it does not trust the certificate.
        """
        tls = context.wrap_bio(self._tls_in, self._tls_out, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._send_handshake(inside_packets)
                self._tls_in.write(await self._handshake_bytes(inside_packets))
            except ssl.SSLError as error:
                await self._send_handshake(inside_packets)
                raise ProtocolError(f"TLS handshake: {error.reason}") from None
        await self._send_handshake(inside_packets)
        self._tls = tls

    def stop_tls(self) -> None:
        """Continue without TLS, for a client that encrypts its login only."""
        self._tls = None

    async def _handshake_bytes(self, inside_packets: bool) -> bytes:
        if inside_packets:
            return (await self.login_message()).payload.whole()
        if not self._received:
            await self._fill(1)
        data = bytes(self._received)
        self._received.clear()
        return data

    async def _send_handshake(self, inside_packets: bool) -> None:
        data = self._tls_out.read()
        if not data:
            return
        if inside_packets:
            data = split(PacketType.PRELOGIN, memoryview(data), DEFAULT_PACKET_SIZE, 0, 1, last=True)
        self._writer.write(data)
        await self.drain()

    # --- writing

    def send(self, data: bytes | memoryview) -> None:
        """Queue bytes for the client."""
        if self._tls is None:
            self._writer.write(data)
        else:
            self._tls.write(data)
            self._writer.write(self._tls_out.read())

    async def drain(self) -> None:
        """Wait until the client has read enough of the sent bytes.

        :raises ConnectionLost: the client closed the connection.
        """
        try:
            await self._writer.drain()
        except ConnectionError:
            raise ConnectionLost from None

    async def close(self) -> None:
        """Close the connection. What was sent still reaches the client, if it reads within some seconds."""
        self._received.clear()
        self._writer.close()
        try:
            async with asyncio.timeout(_SECONDS_TO_CLOSE):
                await self._writer.wait_closed()
        except (ConnectionError, ssl.SSLError):
            # The client closed the connection first.
            return
        except TimeoutError:
            self._writer.transport.abort()


class ResponseWriter:
    """Collects the tokens of one response and sends them in packets.

    :param packet_size: bytes of a packet, as agreed at login.
    """

    def __init__(self, channel: Channel, packet_size: int, spid: int) -> None:
        self._channel = channel
        self._packet_size = packet_size
        self._room = packet_size - HEADER.size
        self._spid = spid
        self._pending = bytearray()
        self._packet_number = 1

    def write(self, data: bytes) -> None:
        """Add a token."""
        self._pending += data

    async def write_pieces(self, pieces: list[bytes]) -> None:
        """Add a token in pieces, of which one may be hundreds of megabytes: it is sent part by part, without a copy."""
        for piece in pieces:
            if len(piece) < _LARGE_PIECE:
                self._pending += piece
                continue
            view = memoryview(piece)
            for start in range(0, len(view), _LARGE_PIECE):
                self._pending += view[start : start + _LARGE_PIECE]
                await self.flush()

    @property
    def is_full(self) -> bool:
        """True when it is time to :meth:`flush`."""
        return len(self._pending) >= _FLUSH_SIZE

    async def flush(self) -> None:
        """Send the packets that are full."""
        # The bytes of one packet are kept, so that the last packet can be marked as the end of the message.
        count = (len(self._pending) - 1) // self._room
        if count > 0:
            self._send(count * self._room, last=False)
            await self._channel.drain()

    async def finish(self) -> None:
        """Send the rest: the response ends here."""
        self._send(len(self._pending), last=True)
        await self._channel.drain()

    def _send(self, size: int, *, last: bool) -> None:
        with memoryview(self._pending) as view:
            data = split(
                PacketType.RESPONSE, view[:size], self._packet_size, self._spid, self._packet_number, last=last
            )
        self._packet_number += max(1, -(-size // self._room))
        self._channel.send(data)
        del self._pending[:size]

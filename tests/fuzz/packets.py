"""Packets of SQL Server's wire protocol: the server closes or answers each conversation, and serves other clients."""

from __future__ import annotations

import datetime as dt
import socket
import struct
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from decimal import Decimal
from random import Random

import pytds

from tests.fuzz.mutation import mutated_bytes
from tests.fuzz.server_process import HEALTH_EVERY, SECONDS, ServerProcess
from tests.fuzz.target import FaultFound

_HEADER = struct.Struct(">BBH4x")
_LENGTH = struct.Struct(">I")
_LAST = 1
"""The status bit of a message's last packet."""
_TYPES = (1, 2, 3, 4, 6, 7, 8, 14, 16, 17, 18, 0, 255)
_VALUES = (
    1,
    -(2**40),
    True,
    None,
    1.5,
    Decimal("-12345678901234567890.123"),
    "text",
    "",
    "x" * 9000,
    pytds.Binary(b"\x00\xff" * 50),
    dt.date(2024, 2, 29),
    dt.time(12, 30, 59, 999999),
    dt.datetime(2024, 2, 29, 12, 0, 0, 123000),
    dt.datetime(2024, 2, 29, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    uuid.UUID(int=7),
)

Conversation = tuple[bytes, ...]
"""The messages of a client, from its first to its last."""


class Packets:
    """The wire protocol of the embedded SSISDB, and all that is behind it."""

    name = "packets"

    def __init__(self) -> None:
        self._fed = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run a server, and record conversations with it."""
        with ServerProcess() as self._server:
            self._conversations = _recorded(self._server)
            self._messages = [message for conversation in self._conversations for message in conversation]
            yield

    def make(self, chance: Random) -> bytes:
        """A conversation of which one message is changed; those after it follow sometimes."""
        conversation = list(chance.choice(self._conversations))
        place = chance.randrange(len(conversation))
        message = bytearray(mutated_bytes(chance, conversation[place], self._messages))
        if chance.randrange(3) and len(message) >= _HEADER.size:
            # With a right header the change reaches what is behind the packets.
            kind = chance.choice(_TYPES) if chance.randrange(10) == 0 else conversation[place][0]
            message[: _HEADER.size] = _HEADER.pack(kind, _LAST, min(len(message), 65535))
        # The server may wait for more of the changed message, so nothing after it waits for an answer.
        rest = b"".join([message, *(conversation[place + 1 :] if chance.randrange(2) else [])])
        return b"".join(_LENGTH.pack(len(each)) + each for each in (*conversation[:place], rest))

    def feed(self, data: bytes) -> None:
        """Have the conversation, and wait until the server closes it."""
        messages = []
        while data:
            (length,) = _LENGTH.unpack_from(data)
            messages.append(data[_LENGTH.size : _LENGTH.size + length])
            data = data[_LENGTH.size + length :]
        self._fed += 1
        try:
            _converse(self._server, messages)
            self._server.check()
            if self._fed % HEALTH_EVERY == 0:
                self._server.check_health()
        except FaultFound:
            self._server.restart()
            raise


def _converse(server: ServerProcess, messages: list[bytes]) -> None:
    """Send messages, each after the answer to the one before, and wait until the server closes the connection.

    :raises FaultFound: it does not.
    """
    try:
        with socket.create_connection((server.host, server.port), timeout=SECONDS) as client:
            for message in messages[:-1]:
                client.sendall(message)
                if not _read_message(client):
                    return
            client.sendall(messages[-1])
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
    except TimeoutError as error:
        raise FaultFound("the server neither answers nor closes the connection") from error
    except OSError:
        # The server has closed the connection before everything was sent.
        return


def _read_message(client: socket.socket) -> bytes:
    """Read a whole message; nothing if the connection ends before."""
    message = b""
    while True:
        packet = _read(client, _HEADER.size)
        if len(packet) < _HEADER.size:
            return b""
        _, status, length = _HEADER.unpack(packet)
        packet += _read(client, length - _HEADER.size)
        message += packet
        if status & _LAST:
            return message


def _read(client: socket.socket, count: int) -> bytes:
    data = b""
    with suppress(ConnectionResetError):
        while len(data) < count and (chunk := client.recv(count - len(data))):
            data += chunk
    return data


# --- conversations of a real client -----------------------------------------------------------------------------------


def _recorded(server: ServerProcess) -> list[Conversation]:
    """Conversations of a client that encrypts nothing."""
    return [_record(server, work) for work in (_query, _parameters, _procedure, _transaction, _rows, _cancel)]


def _query(connection: pytds.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, folder_id FROM catalog.folders; SELECT 1 WHERE 1 = 0; PRINT 'x'; SELECT 1 / 0")


def _parameters(connection: pytds.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(["%s"] * len(_VALUES)), _VALUES)


def _procedure(connection: pytds.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.callproc("catalog.create_folder", ("A", pytds.output(param_type="bigint")))


def _transaction(connection: pytds.Connection) -> None:
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@TRANCOUNT")
    connection.rollback()


def _rows(connection: pytds.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE #t (a int, b nvarchar(max))")
        cursor.executemany("INSERT INTO #t VALUES (%s, %s)", [(1, "x" * 5000), (2, None)])
        cursor.execute("SELECT a, b FROM #t")


def _cancel(connection: pytds.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1; SELECT 2")
        cursor.cancel()


def _record(server: ServerProcess, work: Callable[[pytds.Connection], None]) -> Conversation:
    """What a client sends while it works, as messages."""
    messages: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = threading.Thread(target=_relay, args=(listener, server, messages))
        relay.start()
        # The server may refuse the work; the messages count.
        with suppress(pytds.Error), closing(server.connect(port=listener.getsockname()[1])) as connection:
            work(connection)
        relay.join()
    assert len(messages) > 2, "nothing was recorded after the login"
    return tuple(messages)


def _relay(listener: socket.socket, server: ServerProcess, messages: list[bytes]) -> None:
    """Pass one connection on, message by message, and keep those of the client."""
    client, _ = listener.accept()
    with client, socket.create_connection((server.host, server.port), timeout=SECONDS) as upstream:
        back = threading.Thread(target=_pass_on, args=(upstream, client))
        back.start()
        while message := _read_message(client):
            messages.append(message)
            upstream.sendall(message)
        upstream.shutdown(socket.SHUT_WR)
        back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)

"""Clients that send no valid TDS: their connection ends, and other clients are not affected."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.emulator.tds.channel import Channel, ConnectionLost
from airflow_provider_ssis.emulator.tds.packets import Limits
from tests.support.echo_server import PASSWORD, EchoServer, echo_server
from tests.support.waiting import wait_until

LIMITS = Limits(
    largest_login=4096, largest_message=100_000, largest_ahead=20_000, total=150_000, login_seconds=2, close_seconds=2
)


@pytest.fixture(scope="module")
def server() -> Iterator[EchoServer]:
    with echo_server(LIMITS) as echo:
        yield echo


def connect(server: EchoServer) -> pytds.Connection:
    return pytds.connect(dsn=server.host, port=server.port, user="sa", password=PASSWORD, autocommit=True)


def answer(server: EchoServer, data: bytes, *, finish: bool = True) -> bytes:
    """All that the server says to these bytes, until it closes the connection."""
    with socket.create_connection((server.host, server.port), timeout=30) as client:
        client.sendall(data)
        if finish:
            client.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while chunk := client.recv(4096):
                received += chunk
        except ConnectionResetError:
            return received
        return received


def packet(kind: int, payload: bytes, *, length: int | None = None, status: int = 1) -> bytes:
    return struct.pack(">BBHHBB", kind, status, 8 + len(payload) if length is None else length, 0, 1, 0) + payload


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300))
def test_noise_does_not_affect_other_clients(server: EchoServer, data: bytes) -> None:
    with closing(connect(server)) as other:
        answer(server, data)
        cursor = other.cursor()
        cursor.execute("SELECT 1")
        assert "SELECT 1" in [row[0] for row in cursor.fetchall()]


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from([1, 3, 6, 7, 14, 16, 17, 18]), payload=st.binary(max_size=200))
def test_messages_of_noise_before_the_login_are_closed(server: EchoServer, kind: int, payload: bytes) -> None:
    answer(server, packet(kind, payload))
    with closing(connect(server)):
        pass


def test_a_packet_of_an_unknown_type_is_in_the_log(server: EchoServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "airflow_provider_ssis.emulator.tds"):
        assert answer(server, packet(0x63, b"x" * 8), finish=False) == b""
    assert "connection closed: unknown packet type 0x63" in caplog.text


def test_a_packet_with_an_impossible_length_is_in_the_log(server: EchoServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "airflow_provider_ssis.emulator.tds"):
        assert answer(server, packet(0x12, b"", length=3), finish=False) == b""
    assert "packet of 3 bytes" in caplog.text


def test_an_oversized_login_is_refused_before_it_is_read(server: EchoServer, caplog: pytest.LogCaptureFixture) -> None:
    many = packet(0x12, b"x" * 4000, status=0) * 3
    with caplog.at_level(logging.WARNING, "airflow_provider_ssis.emulator.tds"):
        answer(server, many, finish=False)
    assert "a message of more than 4096 bytes" in caplog.text


@pytest.mark.slow
def test_a_client_that_says_nothing_is_sent_away(server: EchoServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "airflow_provider_ssis.emulator.tds"):
        assert answer(server, b"", finish=False) == b""
    assert "no login within 2 s" in caplog.text


def test_an_oversized_request_ends_its_own_connection(server: EchoServer, caplog: pytest.LogCaptureFixture) -> None:
    with closing(connect(server)) as other:
        large = connect(server)
        with (
            caplog.at_level(logging.WARNING, "airflow_provider_ssis.emulator.tds"),
            pytest.raises((pytds.Error, OSError)),
        ):
            large.cursor().execute("x" * 200_000)
        cursor = other.cursor()
        cursor.execute("SELECT 1")
        assert cursor.fetchall()
    assert "a message of more than 100000 bytes" in caplog.text


def test_a_client_that_is_killed_is_not_an_error_of_the_server(
    server: EchoServer, caplog: pytest.LogCaptureFixture
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["tds/8.0"])
    client = context.wrap_socket(socket.create_connection((server.host, server.port), timeout=30))
    # The system resets the connections of a killed process that has not read everything.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    with closing(connect(server)):
        assert "internal error" not in caplog.text


def client_hello() -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    sent = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent).do_handshake()
    return sent.read()


def test_a_client_that_is_killed_before_the_answer_to_its_first_bytes_has_closed_its_connection(
    server: EchoServer,
) -> None:
    class Discarding(asyncio.Transport):
        def write(self, data: object) -> None:
            """The system takes what is sent to a lost connection."""

        def is_closing(self) -> bool:
            return True

    async def scenario() -> None:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        writer = asyncio.StreamWriter(Discarding(), protocol, reader, asyncio.get_running_loop())
        reader.feed_data(client_hello())
        protocol.connection_lost(None)
        with pytest.raises(ConnectionLost):
            await Channel(reader, writer, LIMITS).start_tls(
                server.tds.certificate.from_first_byte, inside_packets=False
            )

    asyncio.run(scenario())


BATCH = 1
HEADERS = struct.pack("<I", 4)


def socket_of(connection: pytds.Connection) -> socket.socket:
    """The socket of a client that logged in, to send what no driver sends."""
    found = connection._tds_socket.sock
    assert isinstance(found, socket.socket)
    return found


def test_bytes_sent_ahead_of_an_answer_are_bounded(server: EchoServer, caplog: pytest.LogCaptureFixture) -> None:
    client = connect(server)
    raw = socket_of(client)
    with caplog.at_level(logging.WARNING, "airflow_provider_ssis.emulator.tds"), suppress(OSError):
        raw.sendall(packet(BATCH, HEADERS + "WAIT".encode("utf-16-le")))
        for _ in range(10):
            raw.sendall(packet(BATCH, HEADERS + b"x" * 4000))
        wait_until(lambda: "bytes" in caplog.text)
    assert "a message of more than" in caplog.text
    wait_until(lambda: server.tds.budget.used == 0)


def test_requests_of_all_clients_together_are_bounded(server: EchoServer, caplog: pytest.LogCaptureFixture) -> None:
    with closing(connect(server)) as other:
        large = connect(server)
        socket_of(large).sendall(packet(BATCH, HEADERS + b"x" * 3996, status=0) * 20)
        wait_until(lambda: server.tds.budget.used == 80_000)
        with (
            caplog.at_level(logging.WARNING, "airflow_provider_ssis.emulator.tds"),
            pytest.raises((pytds.Error, OSError)),
        ):
            connect(server).cursor().execute("x" * 45_000)
        assert "the requests of all clients have more than 150000 bytes together" in caplog.text
        cursor = other.cursor()
        cursor.execute("SELECT 1")
        assert cursor.fetchall()
        socket_of(large).close()
        wait_until(lambda: server.tds.budget.used == 0)
        cursor.execute("x" * 45_000)
        assert cursor.fetchall()


def test_a_large_broken_message_is_freed_while_its_connection_is_open(server: EchoServer) -> None:
    client = connect(server)
    raw = socket_of(client)
    raw.sendall(packet(BATCH, HEADERS + b"x" * 3996, status=0) * 20)
    wait_until(lambda: server.tds.budget.used == 80_000)
    raw.sendall(packet(0x63, b"x"))
    wait_until(lambda: server.tds.budget.used == 0)


@pytest.mark.slow
def test_a_right_password_does_not_wait_for_the_refusals_of_wrong_ones(server: EchoServer) -> None:
    refused: list[str] = []

    def guess(number: int) -> None:
        with pytest.raises((pytds.Error, OSError)):
            pytds.connect(dsn=server.host, port=server.port, user="sa", password=f"guess {number}", login_timeout=60)
        refused.append(f"guess {number}")

    for number in range(4):
        guess(number)
    threads = [threading.Thread(target=guess, args=[number]) for number in range(4, 8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(server.backend.logins) >= 8)
    with closing(connect(server)):
        assert len(refused) < 8
    for thread in threads:
        thread.join()
    server.tds.throttle.clear()


def rpc(name: str, type_info: bytes, value: bytes) -> bytes:
    """A call of a procedure with one parameter."""
    text = name.encode("utf-16-le")
    parameter = b"\x02" + "@p".encode("utf-16-le") + b"\0" + type_info + value
    return packet(3, HEADERS + struct.pack("<H", len(name)) + text + b"\0\0" + parameter)


@pytest.mark.parametrize(
    ("type_info", "value"),
    [
        (b"\x6a\x11\x05\x02", b"\x05\x01" + (10**5).to_bytes(4, "little")),
        (b"\x6d\x08", b"\x08" + struct.pack("<d", float("nan"))),
        (b"\x6d\x04", b"\x04" + struct.pack("<f", float("inf"))),
        (b"\x28", b"\x03" + b"\xff\xff\xff"),
        (b"\x29\x07", b"\x05" + (864_000_000_000).to_bytes(5, "little")),
        (b"\x2b\x07", b"\x0a" + bytes(8) + struct.pack("<h", 2000)),
        (b"\x6f\x08", b"\x08" + struct.pack("<iI", 2**31 - 1, 0)),
    ],
    ids=["decimal", "NaN", "infinity", "date", "time", "offset", "datetime"],
)
def test_a_value_out_of_the_range_of_its_type_is_an_error_of_its_request(
    server: EchoServer, type_info: bytes, value: bytes
) -> None:
    with closing(connect(server)) as client:
        raw = socket_of(client)
        raw.settimeout(30)
        raw.sendall(rpc("echo", type_info, value))
        answer = raw.recv(4096)
        assert answer[8] == 0xAA
        assert int.from_bytes(answer[11:15], "little") == 8023
        raw.sendall(packet(BATCH, HEADERS + "SELECT 1".encode("utf-16-le")))
        assert "SELECT 1".encode("utf-16-le") in raw.recv(4096)

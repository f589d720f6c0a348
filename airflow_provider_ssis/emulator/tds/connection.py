"""One client: from PRELOGIN to the end of the connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from airflow_provider_ssis.emulator.session import (
    ArrowRows,
    Authenticator,
    Backend,
    BulkDataInvalid,
    BulkRows,
    ConnectionDropped,
    DatabaseChanged,
    Event,
    Message,
    ResultColumns,
    ReturnStatus,
    ReturnValue,
    Rows,
    Session,
    StatementDone,
    TransactionBegan,
    TransactionEnded,
    TransactionRequest,
)
from airflow_provider_ssis.emulator.tds import requests, tokens
from airflow_provider_ssis.emulator.tds.budget import MemoryBudget
from airflow_provider_ssis.emulator.tds.bulk import BulkDecoder
from airflow_provider_ssis.emulator.tds.channel import Channel, ConnectionLost, ResponseWriter
from airflow_provider_ssis.emulator.tds.handshake import Handshake
from airflow_provider_ssis.emulator.tds.packets import (
    DEFAULT_PACKET_SIZE,
    Limits,
    PacketType,
    ProtocolError,
    RequestMessage,
)
from airflow_provider_ssis.emulator.tds.throttle import LoginThrottle
from airflow_provider_ssis.emulator.tds.tls import ServerCertificate
from airflow_provider_ssis.emulator.tds.tokens import DoneStatus, EnvironmentChange, Token
from airflow_provider_ssis.emulator.tds.value_encoding import PieceEncoder

log = logging.getLogger(__name__.rpartition(".")[0])

_MOST_REQUESTS_AHEAD = 16
_LARGE_REQUEST = 256 * 1024
_MOST_BULK_AHEAD = 2 * 1024 * 1024
"""Bytes of a bulk load that are received before the server waits until some are stored."""


class Connection:
    """One client.

    :param channel: the client's bytes.
    :param backend: answers logins and requests.
    :param certificate: for TLS.
    :param limits: bounds on what the client may send.
    :param budget: memory for the requests of all clients.
    :param throttle: slows down clients that try passwords.
    :param authenticator: checks Kerberos tickets, NTLM and access tokens; None accepts SQL logins only.
    """

    def __init__(
        self,
        channel: Channel,
        backend: Backend,
        certificate: ServerCertificate,
        limits: Limits,
        budget: MemoryBudget,
        throttle: LoginThrottle,
        authenticator: Authenticator | None = None,
    ) -> None:
        self._channel = channel
        self._backend = backend
        self._limits = limits
        self._budget = budget
        self._handshake = Handshake(channel, backend, certificate, limits, throttle, authenticator)
        self._ahead = 0
        """Bytes of the requests that wait until the request before them is answered."""
        self._session: Session | None = None
        self._packet_size = DEFAULT_PACKET_SIZE
        self._in_transaction = False
        # Filled while a request is answered, so that an attention is noticed at any time. None: the client has left.
        self._inbox: asyncio.Queue[RequestMessage | None] = asyncio.Queue()
        self._taken = asyncio.Event()
        """Set when the session takes a message from the inbox."""
        self._has_more_parts = False
        """Whether parts of the bulk load that is answered now are still to come."""
        self._task: asyncio.Task[Any] | None = None
        self._busy = False
        self._waiting = False
        self._attention = False
        self._client_left = False

    async def serve(self) -> None:
        """Answer the client until it leaves. Its errors end this connection only."""
        self._task = asyncio.current_task()
        reading: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(self._limits.login_seconds):
                client = await self._handshake.log_in()
            if client is None:
                return
            self._session = client.session
            self._packet_size = client.packet_size
            reading = asyncio.create_task(self._read_messages())
            while (message := await self._inbox.get()) is not None:
                self._ahead -= message.size
                self._taken.set()
                try:
                    await self._answer(message, client.session)
                finally:
                    self._budget.release(message.size)
            await reading
        except ConnectionLost:
            log.debug("%s closed its connection", self._channel.peer)
        except ConnectionDropped:
            log.info("%s: connection dropped without an answer, by an injected fault", self._channel.peer)
        except ProtocolError as error:
            log.warning("%s: connection closed: %s", self._channel.peer, error)
        except TimeoutError:
            log.warning("%s: connection closed: no login within %g s", self._channel.peer, self._limits.login_seconds)
        finally:
            if reading is not None:
                reading.cancel()
            self._drop_requests()
            if self._session is not None:
                await self._session.close()
            await self._channel.close()

    async def _read_messages(self) -> None:
        try:
            while True:
                message = await self._channel.message(self._largest_message, self._budget)
                if message.type is PacketType.ATTENTION and self._busy:
                    self._budget.release(message.size)
                    self._attention = True
                    self._interrupt()
                elif message.type is PacketType.BULK_LOAD:
                    self._ahead += message.size
                    self._inbox.put_nowait(message)
                    while self._ahead > _MOST_BULK_AHEAD:
                        self._taken.clear()
                        await self._taken.wait()
                elif self._inbox.qsize() < _MOST_REQUESTS_AHEAD:
                    self._ahead += message.size
                    self._inbox.put_nowait(message)
                else:
                    self._budget.release(message.size)
                    raise ProtocolError(f"more than {_MOST_REQUESTS_AHEAD} requests sent ahead")
        finally:
            self._client_left = True
            self._interrupt()
            self._inbox.put_nowait(None)

    def _largest_message(self) -> int:
        """Bytes that the next message may have: fewer while the client still waits for an answer."""
        if self._busy or not self._inbox.empty():
            return max(0, self._limits.largest_ahead - self._ahead)
        return self._limits.largest_message

    def _drop_requests(self) -> None:
        """Free the requests that will not be answered."""
        while not self._inbox.empty():
            message = self._inbox.get_nowait()
            if message is not None:
                message.payload.clear()
                self._budget.release(message.size)

    def _interrupt(self) -> None:
        """Cancel the request while it waits for the backend. While it writes, it checks the flags itself."""
        if self._waiting and self._task is not None:
            self._waiting = False
            self._task.cancel()

    async def _answer(self, message: RequestMessage, session: Session) -> None:
        response = ResponseWriter(self._channel, self._packet_size, session.spid)
        if message.ignored and message.type is not PacketType.BULK_LOAD:
            response.write(tokens.done(Token.DONE, DoneStatus.ERROR))
        elif message.type is PacketType.ATTENTION:
            response.write(tokens.done(Token.DONE, DoneStatus.ATTENTION))
        else:
            self._busy = True
            try:
                if message.reset:
                    await session.reset(keep_transaction=message.keep_transaction)
                    self._in_transaction = self._in_transaction and message.keep_transaction
                    response.write(tokens.connection_reset())
                if message.type is PacketType.BULK_LOAD:
                    await self._load(message, response, session)
                else:
                    await self._respond(message, response, session)
            finally:
                self._busy = False
        if self._client_left:
            return
        if self._attention:
            self._attention = False
            # The request ends as failed, so that the driver reports it; then the attention is acknowledged.
            response.write(tokens.done(Token.DONE, DoneStatus.ERROR | DoneStatus.MORE))
            response.write(tokens.done(Token.DONE, DoneStatus.ATTENTION))
        await response.finish()

    async def _respond(self, message: RequestMessage, response: ResponseWriter, session: Session) -> None:
        # A large request, such as a table of a million rows, must not delay the other clients.
        large = message.size > _LARGE_REQUEST
        match await asyncio.to_thread(requests.parse, message) if large else requests.parse(message):
            case str() as text:
                await self._send_events(session.batch(text), response, Token.DONE, last=True)
            case Message() as refusal:
                response.write(tokens.message(refusal, self._backend.server_name))
                response.write(tokens.done(Token.DONE_PROCEDURE, DoneStatus.ERROR))
            case TransactionRequest() as request:
                await self._send_events(session.transaction(request), response, Token.DONE, last=True)
            case calls:
                while calls:
                    call = calls.pop(0)
                    last = not calls
                    events = session.call(call)
                    # The values may have hundreds of megabytes: the session frees them when it no longer needs them.
                    del call
                    await self._send_events(events, response, Token.DONE_PROCEDURE, last=last)

    async def _load(self, message: RequestMessage, response: ResponseWriter, session: Session) -> None:
        """Answer a bulk load, which is stored while it arrives."""
        self._has_more_parts = message.is_part
        try:
            await self._send_events(session.bulk(_bulk_rows(self._parts(message))), response, Token.DONE, last=True)
        finally:
            # After an error, the rest of the message is ignored.
            while self._has_more_parts and (part := await self._next_part()) is not None:
                self._budget.release(part.size)

    async def _parts(self, message: RequestMessage) -> AsyncGenerator[RequestMessage]:
        """The parts of the message of a bulk load.

        :raises BulkDataInvalid: the client left.
        """
        yield message
        while self._has_more_parts:
            part = await self._next_part()
            if part is None:
                raise BulkDataInvalid("the client left")
            try:
                yield part
            finally:
                self._budget.release(part.size)

    async def _next_part(self) -> RequestMessage | None:
        """The next part of a bulk load; None when the client has left."""
        part = await self._inbox.get()
        if part is None:
            self._has_more_parts = False
            self._inbox.put_nowait(None)
            return None
        self._ahead -= part.size
        self._taken.set()
        self._has_more_parts = part.is_part
        return part

    async def _send_events(
        self, events: AsyncIterator[Event], response: ResponseWriter, kind: Token, *, last: bool
    ) -> None:
        """Write the events of one request as tokens.

        A DONE token says whether more tokens follow, so each is kept until the next event or the end.
        """
        encoders: tuple[PieceEncoder, ...] = ()
        held: tuple[Token, DoneStatus, int | None] | None = None
        failed = False
        while (event := await self._next(events)) is not None:
            if held is not None:
                response.write(tokens.done(held[0], held[1] | DoneStatus.MORE, held[2]))
                held = None
            match event:
                case Rows(rows):
                    for values in rows:
                        await response.write_pieces(tokens.row(encoders, values))
                        if response.is_full:
                            await response.flush()
                        if self._attention or self._client_left:
                            break
                case ArrowRows():
                    data = await asyncio.to_thread(_encoded, event)
                    for piece in data:
                        await response.write_pieces([piece])
                        if response.is_full:
                            await response.flush()
                        if self._attention or self._client_left:
                            break
                case ResultColumns(columns):
                    response.write(tokens.columns(columns))
                    encoders = tokens.row_encoders(columns)
                case StatementDone(row_count, in_procedure, is_error):
                    status = DoneStatus.ERROR if is_error or failed else DoneStatus.FINAL
                    if self._in_transaction:
                        status |= DoneStatus.IN_TRANSACTION
                    held = (Token.DONE_IN_PROCEDURE if in_procedure else Token.DONE, status, row_count)
                    failed = False
                case Message():
                    response.write(tokens.message(event, self._backend.server_name))
                    failed = failed or event.severity > tokens.LARGEST_ERROR_SEVERITY_OF_INFO
                case ReturnStatus(value):
                    response.write(tokens.return_status(value))
                case ReturnValue():
                    await response.write_pieces(tokens.return_value(event))
                case DatabaseChanged(new, old):
                    response.write(tokens.text_changed(EnvironmentChange.DATABASE, new, old))
                case TransactionBegan(descriptor):
                    self._in_transaction = True
                    response.write(tokens.transaction_began(descriptor))
                case TransactionEnded(descriptor, committed):
                    self._in_transaction = False
                    response.write(tokens.transaction_ended(descriptor, committed=committed))
            if response.is_full:
                await response.flush()
        if self._attention or self._client_left:
            return
        if held is not None and held[0] is not kind:
            response.write(tokens.done(held[0], held[1] | DoneStatus.MORE, held[2]))
            held = None
        if held is None:
            held = (kind, DoneStatus.ERROR if failed else DoneStatus.FINAL, None)
        response.write(tokens.done(held[0], held[1] | (DoneStatus.FINAL if last else DoneStatus.MORE), held[2]))

    async def _next(self, events: AsyncIterator[Event]) -> Event | None:
        """The next event; None at the end, and when the client has cancelled or left."""
        if self._attention or self._client_left:
            await _close(events)
            return None
        self._waiting = True
        try:
            return await anext(events, None)
        except asyncio.CancelledError:
            if self._task is None or not (self._attention or self._client_left):
                raise
            self._task.uncancel()
            return None
        finally:
            self._waiting = False


def _encoded(event: ArrowRows) -> list[bytes]:
    """The tokens of many rows."""
    # Only tables of clients need pyarrow, which takes a tenth of a second to import.
    from airflow_provider_ssis.emulator.tds.row_encoding import encoded

    data = encoded(event.columns, event.arrays, event.count)
    if data is not None:
        return [data]
    encoders = tokens.row_encoders(event.columns)
    return [piece for row in event.rows() for piece in tokens.row(encoders, row)]


async def _bulk_rows(parts: AsyncIterator[RequestMessage]) -> AsyncIterator[BulkRows]:
    """The rows of a bulk load.

    :raises BulkDataInvalid: the bytes are not rows, or the client cancelled the load.
    """
    decoder = BulkDecoder()
    async for part in parts:
        if part.ignored:
            raise BulkDataInvalid("the client cancelled it")
        data = part.payload.whole()
        part.payload.clear()
        problem = ""
        try:
            rows = await asyncio.to_thread(decoder.rows, data, last=not part.is_part)
        except ProtocolError as error:
            problem = str(error)
        if problem:
            raise BulkDataInvalid(problem)
        if rows is not None:
            yield rows


async def _close(events: AsyncIterator[Event]) -> None:
    close = getattr(events, "aclose", None)
    if close is not None:
        await close()

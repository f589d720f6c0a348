"""The start of a connection: PRELOGIN, TLS, LOGIN7 and the server's answer to the login."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from airflow_provider_ssis.emulator.session import Authenticator, Backend, Login, LoginRefused, Message, Session
from airflow_provider_ssis.emulator.tds import login as login7
from airflow_provider_ssis.emulator.tds import prelogin, tokens
from airflow_provider_ssis.emulator.tds.channel import Channel, ResponseWriter
from airflow_provider_ssis.emulator.tds.packets import (
    DEFAULT_PACKET_SIZE,
    Limits,
    PacketType,
    ProtocolError,
    RequestMessage,
    split,
)
from airflow_provider_ssis.emulator.tds.proofs import proven_identity
from airflow_provider_ssis.emulator.tds.throttle import LoginThrottle
from airflow_provider_ssis.emulator.tds.tls import ServerCertificate
from airflow_provider_ssis.emulator.tds.tokens import DoneStatus, EnvironmentChange, Token

log = logging.getLogger(__name__.rpartition(".")[0])

_PRODUCT = "Microsoft SQL Server"
_TLS_RECORD = 0x16
_SMALLEST_PACKET = 512
_OLD_PROTOCOL = Message(17836, 20, 1, "The client uses a version of TDS before 7.2. Set its TDS version to 7.4.")


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A client that has logged in.

    :param session: answers its requests. The caller closes it.
    :param packet_size: bytes of each packet to the client.
    """

    session: Session
    packet_size: int


class Handshake:
    """Logs one client in.

    :param channel: the client's bytes.
    :param backend: checks logins.
    :param certificate: for TLS.
    :param limits: bounds on what the client may send.
    :param throttle: slows down clients that try passwords.
    :param authenticator: checks Kerberos tickets, NTLM and access tokens; None accepts SQL logins only.
    """

    def __init__(
        self,
        channel: Channel,
        backend: Backend,
        certificate: ServerCertificate,
        limits: Limits,
        throttle: LoginThrottle,
        authenticator: Authenticator | None,
    ) -> None:
        self._channel = channel
        self._backend = backend
        self._certificate = certificate
        self._limits = limits
        self._throttle = throttle
        self._authenticator = authenticator

    async def log_in(self) -> LoggedIn | None:
        """Read the client's login and answer it.

        :returns: None if the server refused the login, and the client knows it.
        :raises ProtocolError: the client sent something other than a login.
        """
        if await self._channel.first_byte() == _TLS_RECORD:
            await self._channel.start_tls(self._certificate.from_first_byte, inside_packets=False)
        message = await self._channel.login_message()
        agreed = prelogin.Encryption.NOT_SUPPORTED
        if message.type is PacketType.PRELOGIN:
            agreed = await self._prelogin(message)
            message = await self._channel.login_message()
        if message.type is not PacketType.LOGIN7:
            raise ProtocolError(f"LOGIN7 expected, {message.type.name} came")
        was_encrypted = self._channel.encrypted
        if agreed is prelogin.Encryption.OFF:
            self._channel.stop_tls()
        request = login7.parse(message.payload.whole())
        log.info("%s logs in as %r with %s", self._channel.peer, request.user, request.library_name or "unknown")
        if request.version < login7.OLDEST_VERSION:
            await self._refuse(_OLD_PROTOCOL)
            return None
        try:
            session = await self._open_session(request, encrypted=was_encrypted)
        except LoginRefused as refusal:
            await self._refuse(refusal.message)
            return None
        packet_size = min(
            max(request.packet_size or DEFAULT_PACKET_SIZE, _SMALLEST_PACKET), self._limits.largest_packet
        )
        client = LoggedIn(session, packet_size)
        try:
            await self._welcome(request, client)
        except BaseException:
            # The client left, or the time of its login is over: the caller gets no session that it could close.
            await session.close()
            raise
        return client

    async def _open_session(self, request: login7.LoginMessage, *, encrypted: bool) -> Session:
        address = self._channel.address
        async with self._throttle.attempt(address):
            try:
                return await self._backend.login(
                    Login(
                        user=request.user,
                        password=request.password,
                        database=request.database,
                        host_name=request.host_name,
                        application_name=request.application_name,
                        library_name=request.library_name,
                        language=request.language,
                        encrypted=encrypted,
                        client_address=address,
                        client_process_id=request.client_process_id,
                        identity=await proven_identity(request, self._channel, self._authenticator),
                    )
                )
            except LoginRefused as refusal:
                if refusal.wrong_proof:
                    await self._throttle.delay_refusal(address)
                raise

    async def _prelogin(self, message: RequestMessage) -> prelogin.Encryption:
        options = prelogin.parse(message.payload.whole())
        offered = prelogin.client_encryption(options)
        strict = self._channel.encrypted
        agreed = prelogin.agreed_encryption(offered)
        major, minor, build = self._backend.product_version
        answer = {
            prelogin.Option.VERSION: bytes((major, minor)) + build.to_bytes(2, "big") + b"\0\0",
            prelogin.Option.ENCRYPTION: bytes([agreed]),
            prelogin.Option.INSTANCE: b"\0",
            prelogin.Option.THREAD_ID: b"",
            prelogin.Option.MARS: b"\0",
        }
        federated = options.get(prelogin.Option.FEDERATED_AUTHENTICATION)
        if federated is not None:
            answer[prelogin.Option.FEDERATED_AUTHENTICATION] = federated
        payload = memoryview(prelogin.build(answer))
        self._channel.send(split(PacketType.RESPONSE, payload, DEFAULT_PACKET_SIZE, 0, 1, last=True))
        await self._channel.drain()
        if strict:
            return prelogin.Encryption.ON
        if agreed is not prelogin.Encryption.NOT_SUPPORTED:
            await self._channel.start_tls(self._certificate.inside_tds, inside_packets=True)
        return agreed

    async def _refuse(self, message: Message) -> None:
        log.warning("%s: login refused: %d %s", self._channel.peer, message.number, message.text)
        response = ResponseWriter(self._channel, DEFAULT_PACKET_SIZE, 0)
        response.write(tokens.message(message, self._backend.server_name))
        response.write(tokens.done(Token.DONE, DoneStatus.ERROR))
        await response.finish()

    async def _welcome(self, request: login7.LoginMessage, client: LoggedIn) -> None:
        session = client.session
        response = ResponseWriter(self._channel, DEFAULT_PACKET_SIZE, session.spid)
        server = self._backend.server_name
        response.write(tokens.text_changed(EnvironmentChange.DATABASE, session.database, "master"))
        response.write(tokens.message(_database_message(session.database), server))
        response.write(tokens.collation_set())
        response.write(tokens.text_changed(EnvironmentChange.LANGUAGE, "us_english", ""))
        response.write(tokens.message(Message(5703, 0, 1, "Changed language setting to us_english."), server))
        version = min(request.version, login7.VERSION)
        response.write(tokens.login_acknowledged(version, _PRODUCT, self._backend.product_version))
        response.write(
            tokens.text_changed(EnvironmentChange.PACKET_SIZE, str(client.packet_size), str(DEFAULT_PACKET_SIZE))
        )
        if login7.FEDERATED_AUTHENTICATION in request.features:
            response.write(tokens.feature_acknowledged(login7.FEDERATED_AUTHENTICATION))
        response.write(tokens.done(Token.DONE, DoneStatus.FINAL))
        await response.finish()


def _database_message(database: str) -> Message:
    return Message(5701, 0, 2, f"Changed database context to '{database}'.")

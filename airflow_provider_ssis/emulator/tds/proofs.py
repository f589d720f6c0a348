"""The proofs of identity that a client sends instead of a password: Windows tokens, or an access token."""

from __future__ import annotations

from airflow_provider_ssis.emulator.session import Authenticator, Identity, LoginRefused, Message
from airflow_provider_ssis.emulator.tds import tokens
from airflow_provider_ssis.emulator.tds.channel import Channel, ResponseWriter
from airflow_provider_ssis.emulator.tds.login import FEDERATED_AUTHENTICATION, LoginMessage
from airflow_provider_ssis.emulator.tds.packets import DEFAULT_PACKET_SIZE, PacketType, ProtocolError
from airflow_provider_ssis.emulator.tds.reader import MessageReader, decode_utf16

_SECURITY_TOKEN = 0x01
_SQL_LOGINS_ONLY = Message(
    18452, 14, 1, "Login failed: this server knows SQL logins only. Give a user name and a password."
)
_NO_TOKEN_FROM_THE_DRIVER = Message(
    18456,
    14,
    1,
    "Login failed: the driver asks the server where to get an access token. Give the driver a token instead.",
)


async def proven_identity(
    request: LoginMessage, channel: Channel, authenticator: Authenticator | None
) -> Identity | None:
    """Who the client proves to be; None for one that gives a name and a password instead.

    :param request: its LOGIN7.
    :param authenticator: checks the proof; None rejects all.
    :raises LoginRefused: the proof is not accepted.
    :raises ProtocolError: the client sends another message than its next token.
    """
    federated = request.features.get(FEDERATED_AUTHENTICATION)
    if request.sspi is None and federated is None:
        return None
    if authenticator is None:
        raise LoginRefused(_SQL_LOGINS_ONLY)
    if federated is not None:
        return authenticator.identify(access_token(federated))
    login, token = authenticator.begin(), request.sspi or b""
    while True:
        answer = login.step(token)
        if answer:
            # A separate message, the last one too: Microsoft's driver ignores everything after the token.
            response = ResponseWriter(channel, DEFAULT_PACKET_SIZE, 0)
            response.write(tokens.sspi(answer))
            await response.finish()
        if login.identity is not None:
            return login.identity
        message = await channel.login_message()
        if message.type is not PacketType.SSPI:
            raise ProtocolError(f"the next token of an integrated login expected, {message.type.name} came")
        token = message.payload.whole()


def access_token(data: bytes) -> str:
    """The access token in the feature extension FEDAUTH of LOGIN7 (MS-TDS, 2.2.6.4).

    :raises LoginRefused: the driver has no token yet.
    :raises ProtocolError: the extension is cut off.
    """
    reader = MessageReader(data)
    if reader.u8() >> 1 != _SECURITY_TOKEN:
        raise LoginRefused(_NO_TOKEN_FROM_THE_DRIVER)
    return decode_utf16(reader.take(reader.u32()))

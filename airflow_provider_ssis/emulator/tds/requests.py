"""Requests of a client: SQL batches, remote procedure calls, transaction manager requests (MS-TDS, 2.2.6)."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.session import (
    Message,
    RpcParameter,
    RpcRequest,
    TransactionAction,
    TransactionRequest,
)
from airflow_provider_ssis.emulator.tds.packets import InvalidValue, PacketType, ProtocolError, RequestMessage
from airflow_provider_ssis.emulator.tds.payload import Payload
from airflow_provider_ssis.emulator.tds.reader import MessageReader, decode_utf16
from airflow_provider_ssis.emulator.tds.value_decoding import read_type

WELL_KNOWN_PROCEDURES: Final = {
    1: "sp_cursor",
    2: "sp_cursoropen",
    3: "sp_cursorprepare",
    4: "sp_cursorexecute",
    5: "sp_cursorprepexec",
    6: "sp_cursorunprepare",
    7: "sp_cursorfetch",
    8: "sp_cursoroption",
    9: "sp_cursorclose",
    10: "sp_executesql",
    11: "sp_prepare",
    12: "sp_execute",
    13: "sp_prepexec",
    14: "sp_prepexecrpc",
    15: "sp_unprepare",
}

_INVALID_VALUE: Final = 8023
_BY_NUMBER: Final = 0xFFFF
_NEXT_CALL: Final = 0xFF
_NEXT_CALL_NOT_EXECUTED: Final = 0xFE
_BY_REFERENCE: Final = 0x01
_DEFAULT_VALUE: Final = 0x02
_BEGIN_NEXT: Final = 0x01
_TRANSACTION_ACTIONS: Final = {
    5: TransactionAction.BEGIN,
    7: TransactionAction.COMMIT,
    8: TransactionAction.ROLLBACK,
    9: TransactionAction.SAVE,
}


def parse(message: RequestMessage) -> str | TransactionRequest | list[RpcRequest] | Message:
    """Read a request and free its bytes.

    :returns: the request; or the error for a value that its type cannot have.
    :raises ProtocolError: the bytes are not a request.
    """
    problem = ""
    try:
        match message.type:
            case PacketType.SQL_BATCH:
                return sql_batch(message.payload)
            case PacketType.RPC:
                return procedure_calls(message.payload)
            case PacketType.TRANSACTION:
                return transaction_request(message.payload)
        problem = f"a message of type {message.type.name} is not supported"
    except InvalidValue as error:
        text = f"The value of a parameter is out of the range of its type: {error}."
        return Message(_INVALID_VALUE, 16, 1, text)
    except ProtocolError as error:
        # Raised again without its traceback, which would keep the bytes until the connection is closed.
        problem = str(error)
    finally:
        message.payload.clear()
    raise ProtocolError(problem)


def sql_batch(payload: Payload) -> str:
    """The text of a SQL batch."""
    reader = _behind_headers(payload)
    return decode_utf16(reader.take(reader.left))


def procedure_calls(payload: Payload) -> list[RpcRequest]:
    """The procedure calls of an RPC message, one as a rule."""
    reader = _behind_headers(payload)
    calls = []
    while not reader.at_end:
        calls.append(_procedure_call(reader))
    if not calls:
        raise ProtocolError("an RPC message without a call")
    return calls


def transaction_request(payload: Payload) -> TransactionRequest:
    """A transaction manager request."""
    reader = _behind_headers(payload)
    number = reader.u16()
    action = _TRANSACTION_ACTIONS.get(number)
    if action is None:
        raise ProtocolError(f"transaction manager request {number} is not supported (distributed transactions)")
    if action is TransactionAction.BEGIN:
        reader.u8()
        return TransactionRequest(action, _transaction_name(reader))
    name = _transaction_name(reader)
    begin_next = action is not TransactionAction.SAVE and not reader.at_end and bool(reader.u8() & _BEGIN_NEXT)
    return TransactionRequest(action, name, begin_next)


def _behind_headers(payload: Payload) -> MessageReader:
    """Skip ALL_HEADERS (notifications, transaction descriptor, trace), which this server does not need."""
    reader = MessageReader(payload)
    length = reader.u32()
    if length < 4:
        raise ProtocolError(f"request headers of {length} bytes")
    reader.take(length - 4)
    return reader


def _procedure_call(reader: MessageReader) -> RpcRequest:
    length = reader.u16()
    if length == _BY_NUMBER:
        number = reader.u16()
        if number not in WELL_KNOWN_PROCEDURES:
            raise ProtocolError(f"unknown procedure number {number}")
        name = WELL_KNOWN_PROCEDURES[number]
    else:
        name = reader.text(length)
    reader.u16()
    parameters: list[RpcParameter] = []
    while not reader.at_end:
        if reader.peek() in (_NEXT_CALL, _NEXT_CALL_NOT_EXECUTED):
            reader.u8()
            break
        parameters.append(_parameter(reader, len(parameters) + 1))
    return RpcRequest(name, tuple(parameters))


def _parameter(reader: MessageReader, number: int) -> RpcParameter:
    name = reader.b_varchar()
    status = reader.u8()
    wire = read_type(reader)
    try:
        value = wire.decode(reader)
    except InvalidValue as error:
        raise InvalidValue(f'parameter {number} ("{name}") of type {wire.type.name}: {error}') from None
    is_default = bool(status & _DEFAULT_VALUE)
    return RpcParameter(
        name, wire.type, None if is_default else value, output=bool(status & _BY_REFERENCE), default=is_default
    )


def _transaction_name(reader: MessageReader) -> str:
    return "" if reader.at_end else decode_utf16(reader.take(reader.u8()))

"""The interface between the wire protocol and the backend.

The protocol layer (``tds/``) contains no SQL: it turns bytes into the requests below and the events below into bytes.
The T-SQL layer (``tsql/``) handles no bytes: it implements :class:`Backend` and :class:`Session`.

A request is answered by an asynchronous stream of events in the order in which they belong on the wire. An
attention (cancel) of the client cancels the task that iterates the stream, so a session must tolerate
``asyncio.CancelledError`` at each of its awaits and stay usable. Two requests never run at once in one session.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from airflow_provider_ssis.emulator.datatypes import Column, SqlType

# --- requests -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of a client without a SQL login.

    :param name: the login that it is on this server.
    :param kind: as in ``sys.server_principals``: U Windows, E Entra ID.
    :param scheme: the kind of proof, as ``CONNECTIONPROPERTY('auth_scheme')`` shows it.
    :param also_known_as: other names that the login may have.
    """

    name: str
    kind: str
    scheme: str
    also_known_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Login:
    """The login of a client, as it is in LOGIN7.

    :param identity: the proven identity; None for a SQL login, whose ``user`` and ``password`` are to be checked.
    """

    user: str
    password: str = field(repr=False)
    database: str
    host_name: str
    application_name: str
    library_name: str
    language: str = ""
    encrypted: bool = True
    client_address: str = ""
    client_process_id: int = 0
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class RpcParameter:
    """One argument of a remote procedure call.

    :param name: with its ``@``, or empty for a positional argument.
    :param default: the client asked for the parameter's default; ``value`` is then None.
    """

    name: str
    type: SqlType
    value: Any
    output: bool = False
    default: bool = False


@dataclass(frozen=True, slots=True)
class RpcRequest:
    """A remote procedure call.

    :param procedure: the name as the client sent it; the well-known numbers (10 ``sp_executesql``, 11 ``sp_prepare``,
        12 ``sp_execute``, 13 ``sp_prepexec``, 15 ``sp_unprepare``, the cursor procedures 1 to 9) come as their names.
    """

    procedure: str
    parameters: tuple[RpcParameter, ...]


class TransactionAction(Enum):
    """What a transaction manager request asks for."""

    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    SAVE = "save"


@dataclass(frozen=True, slots=True)
class TransactionRequest:
    """A transaction manager request.

    :param begin_next: COMMIT and ROLLBACK may ask for a new transaction at once.
    """

    action: TransactionAction
    name: str = ""
    begin_next: bool = False


@dataclass(frozen=True, slots=True)
class BulkRows:
    """Some rows of a bulk load.

    :param columns: the names and types of the values, as the client sends them.
    :param arrays: a pyarrow array for each column: a uniqueidentifier as text, a datetimeoffset as a struct of
        microseconds since 1970 in UTC (``us``) and the offset in ``minutes``.
    :param longest: the length of the longest text or bytes of each column; a character above U+FFFF counts as two.
    :param count: the number of rows.
    """

    columns: tuple[Column, ...]
    arrays: tuple[Any, ...]
    longest: tuple[int, ...]
    count: int


class BulkDataInvalid(Exception):
    """The rows of a bulk load cannot be read, or the client cancels it."""


# --- events ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResultColumns:
    """A result set begins."""

    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of the result set that began last."""

    rows: list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class ArrowRows:
    """Many rows of the result set that began last.

    :param columns: those of the result set.
    :param arrays: a pyarrow array for each column: a uniqueidentifier as text, a datetimeoffset as a struct of
        microseconds since 1970 in UTC (``us``) and the offset in ``minutes``.
    :param count: the number of rows.
    """

    columns: tuple[Column, ...]
    arrays: tuple[Any, ...]
    count: int

    def rows(self) -> list[tuple[Any, ...]]:
        """The rows as :class:`Rows` has them."""
        values = [_python_values(column.type, array) for column, array in zip(self.columns, self.arrays, strict=True)]
        return list(zip(*values, strict=True))


def _python_values(type: SqlType, array: Any) -> list[Any]:  # noqa: A002 - the field's own word
    values = array.to_pylist()
    if type.name == "uniqueidentifier":
        return [None if value is None else uuid.UUID(value) for value in values]
    if type.name == "datetimeoffset":
        return [None if value is None else _moment(**value) for value in values]
    return list(values)


def _moment(us: int, minutes: int) -> dt.datetime:
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (epoch + dt.timedelta(microseconds=us)).astimezone(dt.timezone(dt.timedelta(minutes=minutes)))


@dataclass(frozen=True, slots=True)
class StatementDone:
    """A statement ended.

    :param row_count: rows returned or affected; None where SQL Server reports no count (or under SET NOCOUNT ON).
    :param in_procedure: True for a statement inside a procedure or ``sp_executesql``.
    """

    row_count: int | None = None
    in_procedure: bool = False
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """An error (severity 11 and above) or an informational message."""

    number: int
    severity: int
    state: int
    text: str
    line: int = 1
    procedure: str = ""


@dataclass(frozen=True, slots=True)
class ReturnStatus:
    """The return value of a procedure called by RPC."""

    value: int


@dataclass(frozen=True, slots=True)
class ReturnValue:
    """An OUTPUT argument of a procedure called by RPC.

    :param ordinal: the argument's position among all arguments of the call, from 0.
    """

    ordinal: int
    name: str
    type: SqlType
    value: Any


@dataclass(frozen=True, slots=True)
class DatabaseChanged:
    """The session's current database changed (USE, or at login)."""

    new: str
    old: str


@dataclass(frozen=True, slots=True)
class TransactionBegan:
    """A transaction began; ``descriptor`` is a number other than 0 that names it."""

    descriptor: int


@dataclass(frozen=True, slots=True)
class TransactionEnded:
    """The transaction ended."""

    descriptor: int
    committed: bool


Event = (
    ResultColumns
    | Rows
    | ArrowRows
    | StatementDone
    | Message
    | ReturnStatus
    | ReturnValue
    | DatabaseChanged
    | TransactionBegan
    | TransactionEnded
)


# --- the interfaces --------------------------------------------------------------------------------------


class LoginRefused(Exception):
    """The backend refuses the login; the message goes to the client and the connection is closed.

    :param message: the error that is sent to the client.
    :param wrong_proof: the password, ticket or token is wrong. Clients that try many of them are slowed down.
    """

    def __init__(self, message: Message, *, wrong_proof: bool = False) -> None:
        super().__init__(message.text)
        self.message = message
        self.wrong_proof = wrong_proof


class ConnectionDropped(Exception):
    """The connection must end without an answer; a session or backend can raise it at any request."""


class IntegratedLogin(Protocol):
    """An integrated login: tokens of the client in, tokens of the server out."""

    identity: Identity | None
    """The identity of the client; None while it is not proven."""

    def step(self, token: bytes) -> bytes:
        """Take a token; the answer is empty if there is none.

        :raises LoginRefused: the proof is not accepted.
        """


class Authenticator(Protocol):
    """Checks the proofs of identity that clients send instead of a password."""

    def begin(self) -> IntegratedLogin:
        """Start an integrated login (Kerberos, NTLM)."""

    def identify(self, token: str) -> Identity:
        """The identity in an access token.

        :raises LoginRefused: the token is not accepted.
        """


class Session(Protocol):
    """The session of one client."""

    @property
    def spid(self) -> int:
        """The session's number, ``@@SPID``; the protocol layer puts it in every packet header."""

    @property
    def database(self) -> str:
        """The current database."""

    def batch(self, text: str) -> AsyncIterator[Event]:
        """Run a SQL batch."""

    def call(self, request: RpcRequest) -> AsyncIterator[Event]:
        """Run a remote procedure call."""

    def transaction(self, request: TransactionRequest) -> AsyncIterator[Event]:
        """Carry out a transaction manager request."""

    def bulk(self, rows: AsyncIterator[BulkRows]) -> AsyncIterator[Event]:
        """Take the rows of a bulk load, for the INSERT BULK before it.

        :param rows: at least one part; raises :class:`BulkDataInvalid`.
        """

    async def reset(self, *, keep_transaction: bool = False) -> None:
        """Reset the state of the session, for a connection pool that reuses the connection."""

    async def close(self) -> None:
        """The connection ended: roll back, and release locks."""


class Backend(Protocol):
    """Answers logins and requests of the wire protocol."""

    @property
    def server_name(self) -> str:
        """The name that ``@@SERVERNAME`` gives and that errors carry."""

    @property
    def product_version(self) -> tuple[int, int, int]:
        """Major, minor and build number, sent in PRELOGIN and LOGINACK."""

    async def login(self, login: Login) -> Session:
        """Open a session.

        :raises LoginRefused: wrong password (18456), unknown database (4060), and similar errors.
        """

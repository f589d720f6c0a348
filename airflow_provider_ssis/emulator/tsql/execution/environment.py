"""The values that a query can request from its session: variables, ``@@`` functions, logins, server properties."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import INT, SqlType, Variant
from airflow_provider_ssis.emulator.tsql.execution.databases.database_rights import ROLES
from airflow_provider_ssis.emulator.tsql.execution.databases.sequences import NextValues, RowVersions
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.locks.application_locks import LOCK_OWNERS, lock_mode, lock_name
from airflow_provider_ssis.emulator.tsql.execution.permissions import has_permission
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import find_table
from airflow_provider_ssis.emulator.tsql.metadata.names import split_name
from airflow_provider_ssis.emulator.tsql.metadata.objects import DatabasePrincipal, WritableTable
from airflow_provider_ssis.emulator.tsql.metadata.principals import Login, Principal
from airflow_provider_ssis.emulator.tsql.metadata.sequence_views import LAST_VALUE
from airflow_provider_ssis.emulator.tsql.metadata.system_views import COLLATION
from airflow_provider_ssis.emulator.tsql.metadata.table_views import ROW_COUNT
from airflow_provider_ssis.emulator.tsql.query.change import NEXT_IDENTITY
from airflow_provider_ssis.emulator.tsql.query.rules.computed_columns import NEXT_ROW_VERSION
from airflow_provider_ssis.emulator.tsql.query.rules.sequences import NEXT_VALUE
from airflow_provider_ssis.emulator.tsql.query.rules.user_modules import CALL_FUNCTION

_ROLE: Final = "R"
_BRITISH_ID: Final = 23
"""``@@LANGID`` of British English."""
_DATABASE_STATUS: Final = {"status": "ONLINE", "updateability": "READ_WRITE", "useraccess": "MULTI_USER"}


class Environment(Mapping[str, Any]):
    """The values of one session and frame, by the names that compiled queries use."""

    def __init__(self, session: SessionState, frame: Frame) -> None:
        self._session = session
        self._frame = frame
        self._once: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name in self._frame.values:
            return self._frame.values[name]
        if name in _ONCE:
            # One object for the whole statement, which knows the values of each row.
            return self._once.setdefault(name, _VALUES[name](self._session, self._frame))
        return _VALUES[name](self._session, self._frame)

    def __iter__(self) -> Iterator[str]:
        yield from self._frame.values
        yield from _VALUES

    def __len__(self) -> int:
        return len(self._frame.values) + len(_VALUES)


_ONCE: Final = frozenset({CALL_FUNCTION, NEXT_VALUE, NEXT_ROW_VERSION})
Value = Callable[[SessionState, Frame], Any]


def _server_property(session: SessionState, name: str) -> Variant | None:
    product = session.engine.product
    major, minor, build = product.version
    texts = {
        "productversion": product.version_text,
        "productlevel": "RTM",
        "productmajorversion": str(major),
        "productminorversion": str(minor),
        "productbuild": str(build),
        "edition": product.edition,
        "servername": product.server_name,
        "machinename": product.server_name,
        "computernamephysicalnetbios": product.server_name,
        "collation": COLLATION,
    }
    numbers = {
        "engineedition": product.engine_edition,
        "isclustered": 0,
        "ishadrenabled": 0,
        "isintegratedsecurityonly": 0,
        "isfulltextinstalled": 0,
        "issingleuser": 0,
        "lcid": 1033,
    }
    key = name.lower()
    if key in texts:
        return Variant(SqlType("nvarchar", length=128), texts[key])
    return Variant(INT, numbers[key]) if key in numbers else None


def _connection_property(session: SessionState, name: str) -> Variant | None:
    texts = {
        "net_transport": "TCP",
        "protocol_type": "TSQL",
        "auth_scheme": "SQL" if session.login.identity is None else session.login.identity.scheme,
        "client_net_address": session.login.client_address,
        "local_net_address": "127.0.0.1",
        "physical_net_transport": "TCP",
    }
    text = texts.get(name.lower())
    return None if text is None else Variant(SqlType("nvarchar", length=48), text)


def _database_property(database: str, name: str) -> Variant | None:
    if name.lower() == "collation":
        return Variant(SqlType("nvarchar", length=128), COLLATION)
    text = _DATABASE_STATUS.get(name.lower())
    return None if text is None else Variant(SqlType("nvarchar", length=128), text)


def _collation_property(collation: Any, name: Any) -> Variant | None:
    """``COLLATIONPROPERTY``, with the values of which the server is sure; all collations that it has are Latin."""
    if collation is None or "latin1_general" not in str(collation).lower():
        return None
    page = 65001 if str(collation).lower().endswith("_utf8") else 1252
    value = {"codepage": page, "lcid": 1033}.get(str(name).lower())
    return None if value is None else Variant(INT, value)


def _session_context(session: SessionState, key: Any) -> Variant | None:
    found = session.context.get(str(key).lower())
    return None if found is None else found.value


def _is_server_role_member(session: SessionState, role: Any, login: Any = None) -> int | None:
    """``IS_SRVROLEMEMBER``, of the session's own login by default."""
    principal = session.principal if login is None else session.engine.logins.by_name(str(login))
    return None if principal is None or role is None else int(principal.has_server_role(str(role)))


def _is_role_member(session: SessionState, role: Any, member: Any = None) -> int | None:
    """``IS_MEMBER`` and ``IS_ROLEMEMBER``: of the session's own user by default. NULL for a role that is not there."""
    wanted = str(role).lower()
    created = session.engine.databases.get(session.database)
    if created is not None:
        name = session.user if member is None else str(member)
        return int(wanted in created.roles_of(name)) if wanted in (*ROLES, *created.roles, "public") else None
    kinds = {each.name.lower(): each.kind for each in session.metadata.database_principals(session.database)}
    if role is None or kinds.get(wanted) != _ROLE:
        return None
    if member is None or str(member).lower() == session.principal.user.lower():
        return int(session.principal.has_database_role(wanted))
    if str(member).lower() in kinds:
        return int(wanted in session.engine.logins.roles_of(str(member)) | {"public"})
    # Tools give the name of a login too.
    principal = session.engine.logins.by_name(str(member))
    return None if principal is None else int(principal.has_database_role(wanted))


def _login(field: Callable[[Login | Principal], Any]) -> Value:
    """A value of a login, which is given by its name, its sid or its id: the session's own by default."""

    def ask(session: SessionState, frame: Frame) -> Callable[..., Any]:
        def answer(key: Any = None, _: Any = None) -> Any:
            if key is None:
                return field(session.principal)
            for login in session.engine.logins.all():
                if key in (login.sid, login.id) or str(key).lower() == login.name.lower():
                    return field(login)
            return None

        return answer

    return ask


def _user(own: Callable[[SessionState], Any], field: Callable[[DatabasePrincipal], Any]) -> Value:
    """A value of a user or role of the database, which is given by its name or id: the session's own by default."""

    def ask(session: SessionState, frame: Frame) -> Callable[..., Any]:
        def answer(key: Any = None) -> Any:
            if key is None:
                return own(session)
            for found in session.metadata.database_principals(session.database):
                if key == found.id or str(key).lower() == found.name.lower():
                    return field(found)
            return None

        return answer

    return ask


def _lock_mode(session: SessionState, principal: Any, resource: Any, owner: Any) -> str:
    """``APPLOCK_MODE``."""
    name = lock_name(session.database, principal, resource)
    return session.engine.locks.mode(name, session.spid, of_transaction=str(owner).lower() == "transaction")


def _lock_test(session: SessionState, principal: Any, resource: Any, mode: Any, owner: Any) -> int | None:
    """``APPLOCK_TEST``: 1 for a lock that would be granted at once."""
    known = lock_mode(mode)
    if known is None or str(owner).lower() not in LOCK_OWNERS:
        return None
    return int(session.engine.locks.is_free(lock_name(session.database, principal, resource), session.spid, known))


def _decimal(number: int | None) -> Decimal | None:
    return None if number is None else Decimal(number)


def _identity_value(value: Callable[[SessionState, WritableTable], int | None]) -> Value:
    """A function of a table's IDENTITY."""

    def ask(session: SessionState, frame: Frame) -> Callable[[Any], Decimal | None]:
        def answer(name: Any) -> Decimal | None:
            table = None if name is None else find_table(session, split_name(str(name)), frame)
            return None if table is None or table.rules.identity is None else _decimal(value(session, table))

        return answer

    return ask


def _seed(session: SessionState, table: WritableTable) -> int | None:
    return table.rules.identity.seed if table.rules.identity else None


def _increment(session: SessionState, table: WritableTable) -> int | None:
    return table.rules.identity.increment if table.rules.identity else None


def _cursor_status(session: SessionState, frame: Frame, kind: Any, name: Any) -> int | None:
    return None if kind is None or name is None else session.cursors.status(str(kind), str(name), frame)


def _error(field: Callable[[Any], Any]) -> Value:
    return lambda session, frame: field(session.errors[-1]) if session.errors else None


_VALUES: Final[dict[str, Value]] = {
    "@@cpu_busy": lambda session, frame: 0,
    "@@cursor_rows": lambda session, frame: session.cursors.row_count,
    "@@datefirst": lambda session, frame: session.options.date_first,
    "@@dbts": lambda session, frame: RowVersions(session.engine.sequences).last(session.database),
    "@@error": lambda session, frame: session.last_error,
    "@@fetch_status": lambda session, frame: session.cursors.fetch_status,
    "@@identity": lambda session, frame: _decimal(session.last_identity),
    "@@langid": lambda session, frame: 0 if session.options.language == "us_english" else _BRITISH_ID,
    "@@language": lambda session, frame: session.options.language,
    "@@lock_timeout": lambda session, frame: session.options.lock_timeout,
    "@@max_connections": lambda session, frame: 32767,
    "@@max_precision": lambda session, frame: 38,
    "@@microsoftversion": lambda session, frame: session.engine.product.version[0] << 24,
    "@@nestlevel": lambda session, frame: frame.level,
    "@@options": lambda session, frame: 5496,
    "@@procid": lambda session, frame: 0,
    "@@rowcount": lambda session, frame: session.row_count,
    "@@servername": lambda session, frame: session.engine.product.server_name,
    "@@servicename": lambda session, frame: "MSSQLSERVER",
    "@@spid": lambda session, frame: session.spid,
    "@@textsize": lambda session, frame: session.options.text_size,
    "@@trancount": lambda session, frame: session.transactions.count,
    "@@version": lambda session, frame: session.engine.product.full_text,
    "sysdatetimeoffset()": lambda session, frame: session.engine.now(),
    NEXT_IDENTITY: lambda session, frame: None,
    ROW_COUNT: lambda session, frame: session.count_rows,
    "ident_current()": _identity_value(lambda session, table: session.identities_of(table).last(table)),
    "ident_incr()": _identity_value(_increment),
    "ident_seed()": _identity_value(_seed),
    "cursor_status()": lambda session, frame: partial(_cursor_status, session, frame),
    "app_name()": lambda session, frame: session.login.application_name,
    "current_transaction_id()": lambda session, frame: session.transactions.id,
    "error_line()": _error(lambda error: error.line),
    "error_message()": _error(lambda error: error.text),
    "error_number()": _error(lambda error: error.number),
    "error_procedure()": _error(lambda error: error.procedure or None),
    "error_severity()": _error(lambda error: error.severity),
    "error_state()": _error(lambda error: error.state),
    "host_name()": lambda session, frame: session.login.host_name,
    "original_login()": lambda session, frame: session.impersonation.original(session.principal).name,
    "rowcount_big()": lambda session, frame: session.row_count,
    "scope_identity()": lambda session, frame: _decimal(frame.last_identity),
    "xact_state()": lambda session, frame: session.transactions.state,
    "db_name()": lambda session, frame: session.database,
    "applock_mode()": lambda session, frame: lambda *arguments: _lock_mode(session, *arguments),
    "applock_test()": lambda session, frame: lambda *arguments: _lock_test(session, *arguments),
    "collationproperty()": lambda session, frame: _collation_property,
    "connectionproperty()": lambda session, frame: lambda name: _connection_property(session, str(name)),
    "databasepropertyex()": lambda session, frame: lambda database, name: _database_property(str(database), str(name)),
    "has_dbaccess()": lambda session, frame: (
        lambda name: (
            None if (found := session.metadata.database_name(str(name))) is None else int(session.may_use(found))
        )
    ),
    "may()": lambda session, frame: session.may,
    LAST_VALUE: lambda session, frame: session.engine.sequences.last,
    CALL_FUNCTION: lambda session, frame: session.functions.statement(),
    NEXT_ROW_VERSION: lambda session, frame: RowVersions(session.engine.sequences),
    NEXT_VALUE: lambda session, frame: NextValues(session.engine.sequences, session.metadata),
    "has_perms_by_name()": lambda session, frame: partial(has_permission, session),
    "is_member()": lambda session, frame: partial(_is_role_member, session),
    "is_rolemember()": lambda session, frame: partial(_is_role_member, session),
    "is_srvrolemember()": lambda session, frame: partial(_is_server_role_member, session),
    "serverproperty()": lambda session, frame: lambda name: _server_property(session, str(name)),
    "sessionproperty()": lambda session, frame: lambda name: Variant(INT, 1),
    "session_context()": lambda session, frame: partial(_session_context, session),
    "suser_id()": _login(lambda login: login.login_id if isinstance(login, Principal) else login.id),
    "suser_name()": _login(lambda login: login.name),
    "suser_sid()": _login(lambda login: login.sid),
    "suser_sname()": _login(lambda login: login.name),
    "user_id()": _user(lambda session: session.user_id, lambda user: user.id),
    "user_name()": _user(lambda session: session.user, lambda user: user.name),
    "database_principal_id()": _user(lambda session: session.user_id, lambda user: user.id),
}

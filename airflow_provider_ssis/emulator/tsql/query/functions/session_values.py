"""The values that a query can request from its session: the names in :attr:`CompiledQuery.parameters` except variables.

A session supplies values under these names when it runs a query. Those in :data:`ASKED` are functions: the session
supplies a callable, which gets the arguments as Python values (None for NULL) and returns a Python value.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ssis.emulator.datatypes import (
    BIGINT,
    DATETIMEOFFSET,
    INT,
    SMALLINT,
    SQL_VARIANT,
    SqlType,
)
from airflow_provider_ssis.emulator.tsql.metadata.computed_view import NOW
from airflow_provider_ssis.emulator.tsql.values.moments import narrowed

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder
    from airflow_provider_ssis.emulator.tsql.query.typed import Typed

NAME: Final = SqlType("nvarchar", length=128)
_IDENTITY: Final = SqlType("numeric", precision=38, scale=0)
_SID: Final = SqlType("varbinary", length=85)
_DATETIME: Final = SqlType("datetime")
_DATETIME2: Final = SqlType("datetime2", scale=7)

GLOBALS: Final[Mapping[str, SqlType]] = {
    "@@cpu_busy": INT,
    "@@cursor_rows": INT,
    "@@datefirst": SqlType("tinyint"),
    "@@dbts": SqlType("varbinary", length=8),
    "@@error": INT,
    "@@fetch_status": INT,
    "@@identity": _IDENTITY,
    "@@langid": SMALLINT,
    "@@language": NAME,
    "@@lock_timeout": INT,
    "@@max_connections": INT,
    "@@max_precision": SqlType("tinyint"),
    "@@microsoftversion": INT,
    "@@nestlevel": INT,
    "@@options": INT,
    "@@procid": INT,
    "@@rowcount": INT,
    "@@servername": NAME,
    "@@servicename": NAME,
    "@@spid": SMALLINT,
    "@@textsize": INT,
    "@@trancount": INT,
    "@@version": SqlType("nvarchar", length=300),
}
"""The functions whose names begin with ``@@``."""

CONSTANT_CALLS: Final[Mapping[str, SqlType]] = {
    NOW: DATETIMEOFFSET,
    "app_name()": NAME,
    "current_transaction_id()": BIGINT,
    "error_line()": INT,
    "error_message()": SqlType("nvarchar", length=4000),
    "error_number()": INT,
    "error_procedure()": NAME,
    "error_severity()": INT,
    "error_state()": INT,
    "host_name()": NAME,
    "original_login()": NAME,
    "rowcount_big()": BIGINT,
    "scope_identity()": _IDENTITY,
    "xact_state()": SMALLINT,
}
"""Functions without arguments."""

ASKED: Final[Mapping[str, tuple[int, int, SqlType]]] = {
    "applock_mode()": (3, 3, NAME),
    "applock_test()": (4, 4, SMALLINT),
    "cursor_status()": (2, 2, SMALLINT),
    "ident_current()": (1, 1, _IDENTITY),
    "ident_incr()": (1, 1, _IDENTITY),
    "ident_seed()": (1, 1, _IDENTITY),
    "collationproperty()": (2, 2, SQL_VARIANT),
    "connectionproperty()": (1, 1, SQL_VARIANT),
    "databasepropertyex()": (2, 2, SQL_VARIANT),
    "has_dbaccess()": (1, 1, INT),
    "has_perms_by_name()": (3, 5, INT),
    "is_member()": (1, 1, INT),
    "is_rolemember()": (1, 2, INT),
    "is_srvrolemember()": (1, 2, INT),
    "serverproperty()": (1, 1, SQL_VARIANT),
    "sessionproperty()": (1, 1, SQL_VARIANT),
    "session_context()": (1, 1, SQL_VARIANT),
    "suser_id()": (0, 1, INT),
    "suser_name()": (0, 1, NAME),
    "suser_sid()": (0, 2, _SID),
    "suser_sname()": (0, 1, NAME),
    "user_id()": (0, 1, INT),
    "user_name()": (0, 1, NAME),
    "database_principal_id()": (0, 1, INT),
}
"""Functions with arguments: the fewest, the most, and the type of the result.

``serverproperty()`` and the other properties return a :class:`~airflow_provider_ssis.emulator.datatypes.Variant`.
"""


def asked(binder: Binder, name: str, arguments: list[Typed]) -> Typed:
    """A call of one of the functions in :data:`ASKED`."""
    result = ASKED[name][2]
    binder.compilation.needed[name] = None
    evaluators = [argument.evaluate for argument in arguments]
    if any(evaluate is None for evaluate in evaluators):
        return binder.session_call(name, arguments, result)

    def evaluate(values: Mapping[str, Any]) -> Any:
        return values[name](*[each(values) for each in evaluators if each is not None])

    key = f"{name} {' '.join(argument.sql for argument in arguments)}"
    return binder.computed(key, evaluate, result)


def at_this_time(binder: Binder, name: str, narrow: Callable[[dt.datetime], Any], result: SqlType) -> Typed:
    """A function of the current time, the same for the whole statement."""
    binder.compilation.needed[NOW] = None
    return binder.computed(name, lambda values: narrow(values[NOW]), result)


def getdate(binder: Binder) -> Typed:
    """``GETDATE()``."""
    return at_this_time(binder, "getdate()", lambda now: narrowed(now, _DATETIME), _DATETIME)


def getutcdate(binder: Binder) -> Typed:
    """``GETUTCDATE()``."""
    return at_this_time(binder, "getutcdate()", lambda now: narrowed(now.astimezone(dt.UTC), _DATETIME), _DATETIME)


def sysdatetime(binder: Binder) -> Typed:
    """``SYSDATETIME()``."""
    return at_this_time(binder, "sysdatetime()", lambda now: narrowed(now, _DATETIME2), _DATETIME2)


def sysutcdatetime(binder: Binder) -> Typed:
    """``SYSUTCDATETIME()``."""
    return at_this_time(
        binder, "sysutcdatetime()", lambda now: narrowed(now.astimezone(dt.UTC), _DATETIME2), _DATETIME2
    )


WORDS: Final[Mapping[str, Callable[[Binder], Typed]]] = {
    "current_timestamp": getdate,
    "current_user": lambda binder: asked(binder, "user_name()", []),
    "session_user": lambda binder: asked(binder, "user_name()", []),
    "system_user": lambda binder: asked(binder, "suser_sname()", []),
    "user": lambda binder: asked(binder, "user_name()", []),
}
"""Functions that are written without parentheses."""

"""System procedures: dynamic SQL, prepared statements, application locks, and what drivers ask about types.

Each is an asynchronous generator of events; :data:`SYSTEM_PROCEDURES` names them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ssis.emulator.datatypes import BIT, INT, NVARCHAR_MAX, SMALLINT, TINYINT, Column, SqlType
from airflow_provider_ssis.emulator.session import Event, ResultColumns, Rows, StatementDone
from airflow_provider_ssis.emulator.tsql import conversion
from airflow_provider_ssis.emulator.tsql.calls import ActualArgument
from airflow_provider_ssis.emulator.tsql.errors import SqlError
from airflow_provider_ssis.emulator.tsql.locks import MODES
from airflow_provider_ssis.emulator.tsql.procedures import ProcedureParameter, parse_signature

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.interpreter import Interpreter, Outcome
    from airflow_provider_ssis.emulator.tsql.session import TsqlSession

SystemProcedure = Callable[
    ["TsqlSession", "Interpreter", Sequence[ActualArgument], int, "Outcome"], AsyncIterator[Event]
]
NAME: Final = SqlType("nvarchar", length=128)


# --- dynamic SQL and prepared statements


async def execute_sql(
    session: TsqlSession,
    interpreter: Interpreter,
    arguments: Sequence[ActualArgument],
    level: int,
    outcome: Outcome,
) -> AsyncIterator[Event]:
    """``sp_executesql @stmt, @params, values …``."""
    (text, declarations), values = _leading(arguments, "@stmt", "@params")
    async for event in _run(interpreter, text, declarations, values, level, outcome):
        yield event


async def prepare(
    session: TsqlSession,
    interpreter: Interpreter,
    arguments: Sequence[ActualArgument],
    level: int,
    outcome: Outcome,
) -> AsyncIterator[Event]:
    """``sp_prepare @handle OUTPUT, @params, @stmt``."""
    (_, declarations, text), _rest = _leading(arguments, "@handle", "@params", "@stmt")
    _set_handle(arguments, outcome, session.prepare(text, declarations))
    outcome.status = 0
    return
    yield


async def prepare_and_execute(
    session: TsqlSession,
    interpreter: Interpreter,
    arguments: Sequence[ActualArgument],
    level: int,
    outcome: Outcome,
) -> AsyncIterator[Event]:
    """``sp_prepexec @handle OUTPUT, @params, @stmt, values …``."""
    (_, declarations, text), values = _leading(arguments, "@handle", "@params", "@stmt")
    _set_handle(arguments, outcome, session.prepare(text, declarations))
    async for event in _run(interpreter, text, declarations, values, level, outcome):
        yield event


async def execute_prepared(
    session: TsqlSession,
    interpreter: Interpreter,
    arguments: Sequence[ActualArgument],
    level: int,
    outcome: Outcome,
) -> AsyncIterator[Event]:
    """``sp_execute @handle, values …``."""
    statement = session.prepared.get(_handle(arguments))
    if statement is None:
        raise SqlError(8179, f"There is no prepared statement with the handle {_handle(arguments)}.")
    async for event in _run(interpreter, statement.text, statement.declarations, arguments[1:], level, outcome):
        yield event


async def unprepare(
    session: TsqlSession,
    interpreter: Interpreter,
    arguments: Sequence[ActualArgument],
    level: int,
    outcome: Outcome,
) -> AsyncIterator[Event]:
    """``sp_unprepare @handle``."""
    if session.prepared.pop(_handle(arguments), None) is None:
        raise SqlError(8179, f"There is no prepared statement with the handle {_handle(arguments)}.")
    outcome.status = 0
    return
    yield


async def _run(
    interpreter: Interpreter,
    text: str,
    declarations: str,
    values: Sequence[ActualArgument],
    level: int,
    outcome: Outcome,
) -> AsyncIterator[Event]:
    """Run dynamic SQL with its parameters as variables."""
    from airflow_provider_ssis.emulator.tsql.interpreter import Frame

    frame = Frame(level=level)
    parameters = _declared(declarations)
    given: list[tuple[ProcedureParameter, ActualArgument]] = []
    for position, value in enumerate(values):
        if value.name:
            parameter = next((p for p in parameters if p.name.lower() == value.name.lower()), None)
        else:
            parameter = parameters[position] if position < len(parameters) else None
        if parameter is None:
            raise SqlError(8178, f"The statement has no parameter for the value {value.name or position + 1}.")
        given.append((parameter, value))
        assigned = conversion.assign(value.value, value.type, parameter.type)
        frame.variables[parameter.name.lower()] = (parameter.type, assigned)
    for parameter in parameters:
        if parameter.name.lower() not in frame.variables:
            raise SqlError(
                8178, f"The parameterized statement expects the parameter '{parameter.name}', which was not supplied."
            )
    try:
        async for event in interpreter.nested(text, frame):
            yield event
        outcome.status = frame.return_value
    finally:
        for parameter, value in given:
            if value.output:
                outcome.outputs.append((value, parameter.type, frame.variables[parameter.name.lower()][1]))


def _declared(declarations: str) -> tuple[ProcedureParameter, ...]:
    try:
        return parse_signature(declarations)
    except ValueError as error:
        raise SqlError(102, f"Incorrect syntax in the declaration of parameters: {error}.", severity=15) from None


def _leading(arguments: Sequence[ActualArgument], *names: str) -> tuple[list[str], Sequence[ActualArgument]]:
    """The texts of the first arguments, and the arguments behind them."""
    texts = []
    for position, name in enumerate(names):
        argument = arguments[position] if position < len(arguments) else None
        if argument is None:
            texts.append("")
            continue
        if name == "@handle":
            texts.append("")
            continue
        text = conversion.assign(argument.value, argument.type, NVARCHAR_MAX)
        if text is None and name == "@stmt":
            raise SqlError(214, f"The procedure expects the parameter '{name}' to be text, not NULL.", state=2)
        texts.append(text or "")
    return texts, arguments[len(names) :]


def _handle(arguments: Sequence[ActualArgument]) -> int:
    if not arguments or not isinstance(arguments[0].value, int):
        raise SqlError(214, "The procedure expects the parameter '@handle' to be a whole number.", state=2)
    return arguments[0].value


def _set_handle(arguments: Sequence[ActualArgument], outcome: Outcome, handle: int) -> None:
    outcome.outputs.append((arguments[0], INT, handle))


# --- application locks

_GET_LOCK: Final = parse_signature(
    "@Resource nvarchar(255), @LockMode nvarchar(32), @LockOwner nvarchar(32) = 'Transaction', @LockTimeout int = -2,"
    " @DbPrincipal nvarchar(128) = 'public'"
)
_RELEASE_LOCK: Final = parse_signature(
    "@Resource nvarchar(255), @LockOwner nvarchar(32) = 'Transaction', @DbPrincipal nvarchar(128) = 'public'"
)


async def get_lock(
    session: TsqlSession,
    interpreter: Interpreter,
    arguments: Sequence[ActualArgument],
    level: int,
    outcome: Outcome,
) -> AsyncIterator[Event]:
    """``sp_getapplock``: the status says whether the lock was granted (0, 1) or not (-1, -2, -999)."""
    values = _bound("sp_getapplock", _GET_LOCK, arguments, session)
    mode = next((known for known in MODES if known.lower() == str(values["lockmode"]).lower()), None)
    owner = str(values["lockowner"]).lower()
    if mode is None or owner not in ("session", "transaction") or not values["resource"]:
        raise SqlError(
            15600, "sp_getapplock was given a resource, mode or owner that there is not.", procedure="sp_getapplock"
        )
    if owner == "transaction" and not session.in_transaction:
        raise SqlError(
            1227, "sp_getapplock with the owner Transaction needs an open transaction.", procedure="sp_getapplock"
        )
    milliseconds = session.options.lock_timeout if values["locktimeout"] == -2 else values["locktimeout"]
    outcome.status = await session.engine.locks.acquire(
        f"{session.database}:{values['resource']}",
        session.spid,
        mode,
        of_transaction=owner == "transaction",
        seconds=None if milliseconds < 0 else milliseconds / 1000,
    )
    return
    yield


async def release_lock(
    session: TsqlSession,
    interpreter: Interpreter,
    arguments: Sequence[ActualArgument],
    level: int,
    outcome: Outcome,
) -> AsyncIterator[Event]:
    """``sp_releaseapplock``.

    :raises SqlError: 1223, the session does not hold the lock.
    """
    values = _bound("sp_releaseapplock", _RELEASE_LOCK, arguments, session)
    of_transaction = str(values["lockowner"]).lower() == "transaction"
    resource = f"{session.database}:{values['resource']}"
    if not session.engine.locks.release(resource, session.spid, of_transaction=of_transaction):
        outcome.status = -999
        text = f"The application lock '{values['resource']}' is not held by this session, so it cannot be released."
        raise SqlError(1223, text, procedure="sp_releaseapplock")
    outcome.status = 0
    return
    yield


def _bound(
    name: str, signature: tuple[ProcedureParameter, ...], arguments: Sequence[ActualArgument], session: TsqlSession
) -> Any:
    from airflow_provider_ssis.emulator.tsql.calls import bind
    from airflow_provider_ssis.emulator.tsql.procedures import Procedure, ProcedureCall

    async def body(call: ProcedureCall) -> int:
        return 0

    return bind(Procedure("master", "sys", name, signature, body), arguments, session.engine.metadata).values


# --- what drivers ask

_TYPE_COLUMNS: Final = (
    Column("TYPE_NAME", NAME, nullable=False),
    Column("DATA_TYPE", SMALLINT, nullable=False),
    Column("PRECISION", INT),
    Column("LITERAL_PREFIX", SqlType("varchar", length=32)),
    Column("LITERAL_SUFFIX", SqlType("varchar", length=32)),
    Column("CREATE_PARAMS", SqlType("varchar", length=32)),
    Column("NULLABLE", SMALLINT, nullable=False),
    Column("CASE_SENSITIVE", SMALLINT, nullable=False),
    Column("SEARCHABLE", SMALLINT, nullable=False),
    Column("UNSIGNED_ATTRIBUTE", SMALLINT),
    Column("MONEY", SMALLINT, nullable=False),
    Column("AUTO_INCREMENT", SMALLINT),
    Column("LOCAL_TYPE_NAME", NAME),
    Column("MINIMUM_SCALE", SMALLINT),
    Column("MAXIMUM_SCALE", SMALLINT),
    Column("SQL_DATA_TYPE", SMALLINT, nullable=False),
    Column("SQL_DATETIME_SUB", SMALLINT),
    Column("NUM_PREC_RADIX", INT),
    Column("INTERVAL_PRECISION", SMALLINT),
    Column("USERTYPE", SMALLINT),
)

# Name, ODBC type, precision, prefix, suffix, parameters, searchable, unsigned, largest scale, verbose type, sub-type.
_TYPES: Final[
    tuple[tuple[str, int, int, str | None, str | None, str | None, int, int | None, int | None, int, int | None], ...]
] = (
    ("datetimeoffset", -155, 34, "'", "'", "scale", 3, None, 7, -155, None),
    ("time", -154, 16, "'", "'", "scale", 3, None, 7, -154, None),
    ("xml", -152, 0, "N'", "'", None, 0, None, None, -152, None),
    ("sql_variant", -150, 8000, None, None, None, 2, None, 0, -150, None),
    ("uniqueidentifier", -11, 36, "'", "'", None, 2, None, None, -11, None),
    ("ntext", -10, 1073741823, "N'", "'", None, 1, None, None, -10, None),
    ("nvarchar", -9, 4000, "N'", "'", "max length", 3, None, None, -9, None),
    ("sysname", -9, 128, "N'", "'", None, 3, None, None, -9, None),
    ("nchar", -8, 4000, "N'", "'", "length", 3, None, None, -8, None),
    ("bit", -7, 1, None, None, None, 2, None, 0, -7, None),
    ("tinyint", -6, 3, None, None, None, 2, 1, 0, -6, None),
    ("bigint", -5, 19, None, None, None, 2, 0, 0, -5, None),
    ("image", -4, 2147483647, "0x", None, None, 0, None, None, -4, None),
    ("varbinary", -3, 8000, "0x", None, "max length", 2, None, None, -3, None),
    ("binary", -2, 8000, "0x", None, "length", 2, None, None, -2, None),
    ("text", -1, 2147483647, "'", "'", None, 1, None, None, -1, None),
    ("char", 1, 8000, "'", "'", "length", 3, None, None, 1, None),
    ("numeric", 2, 38, None, None, "precision,scale", 2, 0, 38, 2, None),
    ("decimal", 3, 38, None, None, "precision,scale", 2, 0, 38, 3, None),
    ("money", 3, 19, "$", None, None, 2, 0, 4, 3, None),
    ("smallmoney", 3, 10, "$", None, None, 2, 0, 4, 3, None),
    ("int", 4, 10, None, None, None, 2, 0, 0, 4, None),
    ("smallint", 5, 5, None, None, None, 2, 0, 0, 5, None),
    ("float", 6, 53, None, None, None, 2, 0, None, 6, None),
    ("real", 7, 24, None, None, None, 2, 0, None, 7, None),
    ("varchar", 12, 8000, "'", "'", "max length", 3, None, None, 12, None),
    ("date", 91, 10, "'", "'", None, 3, None, 0, 9, 1),
    ("datetime2", 93, 27, "'", "'", "scale", 3, None, 7, 9, 3),
    ("datetime", 93, 23, "'", "'", None, 3, None, 3, 9, 3),
    ("smalldatetime", 93, 16, "'", "'", None, 3, None, 0, 9, 3),
)


async def type_information(
    session: TsqlSession,
    interpreter: Interpreter,
    arguments: Sequence[ActualArgument],
    level: int,
    outcome: Outcome,
) -> AsyncIterator[Event]:
    """``sp_datatype_info @data_type``: the types as ODBC sees them, all of them for 0."""
    wanted = arguments[0].value if arguments and isinstance(arguments[0].value, int) else 0
    rows = []
    for name, odbc, precision, prefix, suffix, create, searchable, unsigned, scale, verbose, sub in _TYPES:
        if wanted in (0, odbc):
            radix = None if unsigned is None else 2 if name in ("float", "real") else 10
            identity = None if unsigned is None else 0
            smallest = None if scale is None else 0
            row = [name, odbc, precision, prefix, suffix, create, 1, 0, searchable, unsigned, int("money" in name)]
            row += [identity, name, smallest, scale, verbose, sub, radix, None, 0]
            rows.append(tuple(row))
    yield ResultColumns(_TYPE_COLUMNS)
    yield Rows(rows)
    yield StatementDone(len(rows), in_procedure=True)
    outcome.status = 0


_UNDECLARED_COLUMNS: Final = (
    Column("parameter_ordinal", INT, nullable=False),
    Column("name", NAME, nullable=False),
    Column("suggested_system_type_id", INT, nullable=False),
    Column("suggested_system_type_name", SqlType("nvarchar", length=256)),
    Column("suggested_max_length", SMALLINT, nullable=False),
    Column("suggested_precision", TINYINT, nullable=False),
    Column("suggested_scale", TINYINT, nullable=False),
    Column("suggested_user_type_id", INT),
    Column("suggested_user_type_database", NAME),
    Column("suggested_user_type_schema", NAME),
    Column("suggested_user_type_name", NAME),
    Column("suggested_assembly_qualified_type_name", SqlType("nvarchar", length=4000)),
    Column("suggested_xml_collection_id", INT),
    Column("suggested_xml_collection_database", NAME),
    Column("suggested_xml_collection_schema", NAME),
    Column("suggested_xml_collection_name", NAME),
    Column("suggested_is_xml_document", BIT, nullable=False),
    Column("suggested_is_case_sensitive", BIT, nullable=False),
    Column("suggested_is_fixed_length_clr_type", BIT, nullable=False),
    Column("suggested_is_input", BIT, nullable=False),
    Column("suggested_is_output", BIT, nullable=False),
    Column("formal_parameter_name", NAME),
    Column("suggested_tds_type_id", INT, nullable=False),
    Column("suggested_tds_length", INT, nullable=False),
)
_NVARCHAR_ID: Final = 231


async def undeclared_parameters(
    session: TsqlSession,
    interpreter: Interpreter,
    arguments: Sequence[ActualArgument],
    level: int,
    outcome: Outcome,
) -> AsyncIterator[Event]:
    """``sp_describe_undeclared_parameters @tsql``: every parameter may be text, which converts to what is needed."""
    (text,), _ = _leading(arguments, "@stmt")
    names = dict.fromkeys(name.lower() for name in re.findall(r"@P\d+", text, re.IGNORECASE))
    rows = [
        (ordinal, name, _NVARCHAR_ID, "nvarchar(4000)", 8000, 0, 0)
        + ((None,) * 9)
        + (False, False, False, True, False, None, _NVARCHAR_ID, 8000)
        for ordinal, name in enumerate(names, 1)
    ]
    yield ResultColumns(_UNDECLARED_COLUMNS)
    yield Rows(rows)
    yield StatementDone(len(rows), in_procedure=True)
    outcome.status = 0


async def not_supported(
    session: TsqlSession,
    interpreter: Interpreter,
    arguments: Sequence[ActualArgument],
    level: int,
    outcome: Outcome,
) -> AsyncIterator[Event]:
    """Server cursors: said, not pretended."""
    raise SqlError(
        16937,
        "Server cursors are not supported by the embedded SSISDB. Use a forward-only, read-only cursor of the client.",
    )
    yield


SYSTEM_PROCEDURES: Final[dict[str, SystemProcedure]] = {
    "sp_executesql": execute_sql,
    "sp_prepare": prepare,
    "sp_prepexec": prepare_and_execute,
    "sp_execute": execute_prepared,
    "sp_unprepare": unprepare,
    "sp_getapplock": get_lock,
    "sp_releaseapplock": release_lock,
    "sp_datatype_info": type_information,
    "sp_datatype_info_90": type_information,
    "sp_datatype_info_100": type_information,
    "sp_describe_undeclared_parameters": undeclared_parameters,
    **dict.fromkeys(
        ("sp_cursor", "sp_cursoropen", "sp_cursorprepare", "sp_cursorexecute", "sp_cursorprepexec", "sp_cursorfetch"),
        not_supported,
    ),
}

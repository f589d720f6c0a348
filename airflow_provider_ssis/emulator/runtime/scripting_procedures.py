"""Scripting of runs through T-SQL: the procedures of schema ``emulator``, so that any client can drive it.

They do what the methods of :class:`ScriptBook` do. Names left out fit every run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from airflow_provider_ssis.emulator.runtime.scripts import DEFAULT_ERROR_CODE, FOREVER, ScriptBook
from airflow_provider_ssis.emulator.tsql.errors import SqlError
from airflow_provider_ssis.emulator.tsql.procedures import Procedure, ProcedureCall, parse_signature

SCHEMA: Final = "emulator"
_WHERE: Final = (
    "@package_name nvarchar(260) = NULL, @project_name nvarchar(128) = NULL, @folder_name nvarchar(128) = NULL,"
    " @times int = NULL"
)
_MESSAGE: Final = "N'The task failed because it was told to.'"
_EXECUTABLE: Final = "@executable nvarchar(4000) = NULL"


def scripting_procedures(database: str, scripts: ScriptBook) -> list[Procedure]:
    """The procedures of schema ``emulator``.

    :param scripts: where they put their instructions.
    """

    def fail_executable(given: dict[str, Any], where: dict[str, Any]) -> None:
        scripts.fail(
            executable=given["executable"],
            message=given["message"],
            code=_code(given["code"]),
            **where,
        )

    def take_time(given: dict[str, Any], where: dict[str, Any]) -> None:
        scripts.take(given["seconds"], executable=given["executable"], **where)

    def hang_in_pending(given: dict[str, Any], where: dict[str, Any]) -> None:
        scripts.hang(FOREVER if given["seconds"] is None else given["seconds"], **where)

    def end_unexpectedly(given: dict[str, Any], where: dict[str, Any]) -> None:
        scripts.crash(executable=given["executable"], **where)

    def write_messages(given: dict[str, Any], where: dict[str, Any]) -> None:
        scripts.write(given["messages"], executable=given["executable"], **where)

    def raise_warning(given: dict[str, Any], where: dict[str, Any]) -> None:
        scripts.warn(given["message"], executable=given["executable"], **where)

    def release(given: dict[str, Any], where: dict[str, Any]) -> None:
        scripts.release()

    def clear_scripts(given: dict[str, Any], where: dict[str, Any]) -> None:
        scripts.clear()

    declared: list[tuple[str, str, Callable[[dict[str, Any], dict[str, Any]], None]]] = [
        (
            "fail_executable",
            f"{_EXECUTABLE}, @message nvarchar(max) = {_MESSAGE}, @code sql_variant = {DEFAULT_ERROR_CODE}, {_WHERE}",
            fail_executable,
        ),
        ("take_time", f"@seconds float, {_EXECUTABLE}, {_WHERE}", take_time),
        ("hang_in_pending", f"@seconds float = NULL, {_WHERE}", hang_in_pending),
        ("end_unexpectedly", f"{_EXECUTABLE}, {_WHERE}", end_unexpectedly),
        ("write_messages", f"@messages int, {_EXECUTABLE}, {_WHERE}", write_messages),
        ("raise_warning", f"@message nvarchar(max), {_EXECUTABLE}, {_WHERE}", raise_warning),
        ("release", "", release),
        ("clear_scripts", "", clear_scripts),
    ]
    return [_procedure(database, name, signature, act) for name, signature, act in declared]


def _procedure(
    database: str, name: str, signature: str, act: Callable[[dict[str, Any], dict[str, Any]], None]
) -> Procedure:
    async def body(call: ProcedureCall) -> None:
        if not call.session.principal.is_sysadmin:
            raise SqlError(229, f"Only members of sysadmin may run emulator.{name}.", severity=14, ends_batch=True)
        given = dict(call.arguments)
        where = {
            short: given.pop(f"{short}_name") for short in ("package", "project", "folder") if f"{short}_name" in given
        }
        if "times" in given:
            where["times"] = given.pop("times")
        act(given, where)

    return Procedure(database, SCHEMA, name, parse_signature(signature), body)


def _code(value: Any) -> int:
    """A code given as a number, as 0x… or as text."""
    plain = getattr(value, "value", value)
    if isinstance(plain, bytes):
        return int.from_bytes(plain, "big")
    try:
        return int(str(plain), 0)
    except ValueError:
        raise SqlError(8114, f"'{plain}' is no message code: give a number, or hexadecimal as 0xC0202009.") from None

"""The parameters of Execute SQL tasks: names and type codes, which depend on the type of connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.variables import BuiltParameter, BuiltVariable, Variable
from airflow_provider_ssis.project.datatypes import VARIABLE_TYPES
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.package.tasks import ParameterBinding

if TYPE_CHECKING:
    from airflow_provider_ssis.project.builder.executables import ScopeBuilder

_DIRECTIONS = ("Input", "Output", "ReturnValue")
_OLE_DB: Mapping[str, int] = {
    each.name: each.variant_type for each in VARIABLE_TYPES if each.name not in ("Empty", "DBNull", "Char", "Object")
} | {"String": 130}
_ADO_NET: Mapping[str, int] = {
    "Boolean": 3,
    "Byte": 2,
    "Currency": 4,
    "DateTime": 6,
    "Decimal": 7,
    "Double": 8,
    "Int16": 10,
    "Int32": 11,
    "Int64": 12,
    "SByte": 14,
    "Single": 15,
    "String": 16,
    "UInt32": 19,
    "UInt64": 20,
}
_CODES = {"OLEDB": _OLE_DB, "EXCEL": _OLE_DB, "ADO.NET": _ADO_NET}
"""The codes of variables' types: OLE DB's DBTYPE and ADO.NET's DbType."""


@dataclass(frozen=True, slots=True)
class SqlParameter:
    """A parameter of a SQL statement.

    :param variable: the variable that gives or gets the value.
    :param direction: ``Input``, ``Output`` or ``ReturnValue``. Default: ``Input``.
    :param name: its name or number in the statement. Default: None, its position: from 0 for OLE DB and Excel, from
        1 for ODBC. ADO.NET needs a name.
    :param data_type: a code whose meaning depends on the type of connection. Default: None, that of the variable's
        type; ODBC needs a code.
    :param size: the size of a text. Default: -1, that of the value.
    """

    variable: Variable
    direction: str = "Input"
    name: str | None = None
    data_type: int | None = None
    size: int = -1


def bindings(
    parameters: tuple[SqlParameter, ...], kind: str, task: str, scope: ScopeBuilder
) -> tuple[ParameterBinding, ...]:
    """Return the parameters as a task stores them.

    :param parameters: the parameters.
    :param kind: the type of connection: ``OLEDB``, ...
    :param task: the name of the task, for errors.
    :param scope: the container of the task.
    :raises BuildError: a variable is not visible, a direction is unknown, or a name or code is needed.
    """
    return tuple(_binding(position, each, kind, task, scope) for position, each in enumerate(parameters))


def _binding(position: int, found: SqlParameter, kind: str, task: str, scope: ScopeBuilder) -> ParameterBinding:
    variable = scope.variable_name(found.variable)

    def error(problem: str) -> BuildError:
        return BuildError(f"the task {task} has a parameter for {variable} {problem}", part=scope.package.part)

    if found.direction not in _DIRECTIONS:
        raise error(f"with the direction {found.direction!r}, not one of {', '.join(_DIRECTIONS)}")
    if found.direction != "Input":
        scope.target_name(found.variable)
    name = found.name
    if name is None:
        if kind == "ADO.NET":
            raise error("without a name, which ADO.NET needs")
        name = str(position + 1 if kind == "ODBC" else position)
    code = found.data_type
    if code is None:
        declared = scope.visible(variable)
        type_name = declared.value.data_type.name if isinstance(declared, (BuiltVariable, BuiltParameter)) else ""
        code = _CODES.get(kind, {}).get(type_name)
    if code is None:
        raise error(f"without a type code, which a connection of type {kind} needs for it")
    return ParameterBinding(name, variable, found.direction, code, found.size)

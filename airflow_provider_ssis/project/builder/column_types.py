"""The types of columns: their names in expressions, their OLE DB codes, and their names in data flows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_provider_ssis.datatypes import COLUMN_TYPES, TYPE_PARAMETERS, DataTypeCode
from airflow_provider_ssis.project.errors import BuildError


@dataclass(frozen=True, slots=True)
class BuiltType:
    """A type of columns.

    :param name: its name in expressions: ``DT_WSTR``.
    :param code: its OLE DB code, as in flat files and parameters of OLE DB.
    :param pipeline_name: its name in data flows of formats 6 and 8: ``wstr``.
    :param parts: which of ``length``, ``precision``, ``scale`` and ``code_page`` a column of the type has.
    """

    name: str
    code: int
    pipeline_name: str
    parts: tuple[str, ...] = ()


BUILT_TYPES: Mapping[str, BuiltType] = {
    code.name: BuiltType(code.name, int(code), name, TYPE_PARAMETERS.get(code, ()))
    for name, code in COLUMN_TYPES.items()
    if code is not DataTypeCode.DT_FILETIME
}
"""The types by name, without DT_FILETIME: no package that shows how Visual Studio stores it is known."""

TYPE_NAMES: Mapping[int, str] = {each.code: name for name, each in BUILT_TYPES.items()}
"""The names of the types by their OLE DB code."""


def column_type(name: str, owner: str) -> BuiltType:
    """Return the type with a name.

    :param name: ``DT_WSTR``, ...
    :param owner: the column, for errors.
    :raises BuildError: there is no such type.
    """
    if name not in BUILT_TYPES:
        known = ", ".join(BUILT_TYPES)
        raise BuildError(f"the column {owner} has the unknown type {name!r}", advice=f"Types: {known}")
    return BUILT_TYPES[name]

"""Columns in data flows, and expressions that refer to them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from airflow_provider_ssis.project.builder.column_types import column_type
from airflow_provider_ssis.project.errors import BuildError

_TOKEN = re.compile(
    r"""(?P<keep>"(?:[^"\\]|\\.)*"|@\[[^\]]*\]|@\w+|\d[\w.]*|\s+)"""
    r"|(?P<name>(?:\[[^\]]+\]|[^\W\d]\w*)(?:\.(?:\[[^\]]+\]|[^\W\d]\w*))?)|(?P<other>.)",
    re.DOTALL,
)
_WORDS = ("TRUE", "FALSE", "NULL")


_LENGTHS = {"DT_WSTR": 4000, "DT_STR": 8000, "DT_BYTES": 8000}
_SCALES = {"DT_DECIMAL": 28, "DT_DBTIME2": 7, "DT_DBTIMESTAMP2": 7, "DT_DBTIMESTAMPOFFSET": 7}
"""The largest scales; that of DT_NUMERIC is its precision. Source: "Integration Services Data Types"."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, query or data flow.

    :param data_type: its type: ``DT_WSTR``, ``DT_I4``, ... Default: ``DT_WSTR``.
    :param length: the length of a text or of bytes. Default: 50.
    :param precision: the precision of DT_NUMERIC. Default: 18.
    :param scale: the scale of decimals and times. Default: 0.
    :param code_page: the code page of DT_STR and DT_TEXT. Default: 1252.
    """

    name: str
    data_type: str = "DT_WSTR"
    length: int = 50
    precision: int = 18
    scale: int = 0
    code_page: int = 1252

    def renamed(self, name: str) -> Column:
        """Return a column of another name and the same type."""
        return replace(self, name=name)

    def attributes(self, prefix: str = "") -> dict[str, object]:
        """Return the attributes of the type.

        :param prefix: ``cached`` for an input column. Default: none.
        :raises BuildError: the type is unknown, or has no such length, precision or scale.
        """
        found = column_type(self.data_type, self.name)
        limits = {"length": _LENGTHS.get(found.name), "precision": 38, "scale": _SCALES.get(found.name, self.precision)}
        for part in found.parts:
            largest = limits.get(part)
            if largest is not None and not 0 <= getattr(self, part) <= largest:
                raise BuildError(
                    f"the column {self.name} of the type {found.name} has the {part} {getattr(self, part)}",
                    advice=f"It is a number from 0 to {largest}",
                )
        values: dict[str, object] = {"dataType": found.pipeline_name}
        names = {"length": self.length, "precision": self.precision, "scale": self.scale, "code_page": self.code_page}
        code_page = "codepage" if prefix else "codePage"
        values |= {code_page if each == "code_page" else each: names[each] or None for each in found.parts}
        return {prefix + (name[0].upper() + name[1:] if prefix else name): value for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class FlowColumn:
    """A column in a data flow, and the output column that made it.

    :param lineage_id: the reference of the output column.
    :param sort_position: its position in the key by which the rows are sorted, from 1; negative for descending, 0 for
        none. Default: 0.
    :param comparison_flags: how the key compares texts. Default: 0.
    """

    column: Column
    lineage_id: str
    sort_position: int = 0
    comparison_flags: int = 0

    def cached_attributes(self) -> dict[str, object]:
        """Return the copies of its name, type and position in the key that an input column stores."""
        return {
            "cachedName": self.column.name,
            "cachedComparisonFlags": self.comparison_flags or None,
            "cachedSortKeyPosition": self.sort_position or None,
            **self.column.attributes("cached"),
        }


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column by which rows are sorted.

    :param descending: whether the largest value comes first. Default: False.
    :param comparison_flags: how texts are compared, the sum of 1 (ignore case), 2 (ignore accents), 4 (ignore
        symbols), 65536 (ignore the type of kana) and 131072 (ignore width). Default: 0.
    """

    name: str
    descending: bool = False
    comparison_flags: int = 0


def sort_keys(keys: Sequence[SortKey | str]) -> dict[str, tuple[int, int]]:
    """Return the position and the comparison flags of each column of a sort key.

    :param keys: the columns in the order of the key; a name is an ascending key.
    """
    found = [SortKey(each) if isinstance(each, str) else each for each in keys]
    return {
        each.name: (-position if each.descending else position, each.comparison_flags)
        for position, each in enumerate(found, start=1)
    }


def stored_expression(text: str, columns: Mapping[str, FlowColumn], owner: str) -> tuple[str, list[FlowColumn]]:
    """Return an expression as data flows store it, and the columns that it uses.

    References become ``#{lineage id}``, and names of functions get brackets.

    :param text: the expression, with columns as ``[Name]`` or ``Name``.
    :param columns: the columns upstream, by name.
    :param owner: the component, for errors.
    :raises BuildError: the expression refers to a column that is not upstream.
    """
    found: dict[str, FlowColumn] = {}
    parts = []
    tokens = list(_TOKEN.finditer(text))
    for at, token in enumerate(tokens):
        name = token["name"]
        if name is None:
            parts.append(token[0])
            continue
        plain = name.strip("[]")
        following = next((each[0] for each in tokens[at + 1 :] if each[0].strip()), "")
        if name[0] != "[" and (plain.upper() in _WORDS or plain.upper().startswith("DT_")):
            parts.append(name)
        elif name[0] != "[" and following == "(":
            parts.append(f"[{plain.upper()}]")
        elif plain in columns:
            found[plain] = columns[plain]
            parts.append(f"#{{{columns[plain].lineage_id}}}")
        else:
            known = ", ".join(columns) or "none"
            raise BuildError(f"the component {owner} refers to the unknown column {name}", advice=f"Columns: {known}")
    return "".join(parts), list(found.values())

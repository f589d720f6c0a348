"""The columns of a view's query one by one, so that a query binds and reads only those that it needs.

DuckDB binds all columns of a view before it drops the unused ones. For a view of 35 columns that takes longer than the
rest of a query for one of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from airflow_provider_ssis.emulator.tsql.values.storage import quoted

_PARTS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+|[(),*]|[^\w'"(),*]+""")
_ALIAS = re.compile(r"\sAS\s+(\w+|\"[^\"]+\")$", re.IGNORECASE)
_ENDS = frozenset("UNION EXCEPT INTERSECT GROUP HAVING QUALIFY WINDOW ORDER LIMIT OFFSET SAMPLE".split())
"""Words after FROM with which the rows depend on more than each single column."""
_KEEP_ALL = frozenset("DISTINCT UNNEST WITH OVER".split())
_DEPTH = {"(": 1, ")": -1}


@dataclass(frozen=True, slots=True)
class ViewColumns:
    """A view's query, taken apart.

    :param expressions: the DuckDB text of each column.
    :param rest: the query from FROM on.
    """

    expressions: tuple[str, ...]
    rest: str

    def source(self, alias: str, names: Sequence[str], wanted: Collection[str], *, spare_join: str = "") -> str:
        """A source with some of the columns, under their names; with the first one if none is wanted.

        :param alias: the name of the source.
        :param names: the names of all columns of the view.
        :param wanted: those to select.
        :param spare_join: the text of a join that finds one row for each; it is left out if its columns are not read.
        """
        chosen = [
            (name, expression) for name, expression in zip(names, self.expressions, strict=True) if name in wanted
        ] or [(names[0], self.expressions[0])]
        # Named outside of the query: inside, a condition could mean the new name instead of a table's column.
        expressions, columns = (", ".join(part) for part in zip(*((e, quoted(n)) for n, e in chosen), strict=True))
        rest = self.rest.replace(spare_join, "", 1)
        if spare_join and _reads(f"{expressions} {rest}", spare_join):
            rest = self.rest
        return f"(SELECT {expressions} {rest}) AS {alias}({columns})"


def _reads(text: str, join: str) -> bool:
    """Whether a text reads a column of the table of ``JOIN table alias ON …``."""
    return re.search(rf"\b{join.split()[2]}\.", text) is not None


@lru_cache(maxsize=512)
def view_columns(select: str, names: tuple[str, ...]) -> ViewColumns | None:
    """A view's query, taken apart; None if its columns depend on each other.

    :param select: DuckDB SQL.
    :param names: the names of the view's columns.
    """
    parts = _PARTS.findall(select)
    words = [part.upper() for part in parts]
    if words[:1] != ["SELECT"] or not _KEEP_ALL.isdisjoint(words):
        return None
    expressions, depth, place = [""], 0, 1
    while place < len(parts) and (depth or words[place] != "FROM"):
        depth += _DEPTH.get(parts[place], 0)
        if parts[place] == "," and not depth:
            expressions.append("")
        else:
            expressions[-1] += parts[place]
        place += 1
    outside = _top_level(words[place:])
    if place == len(parts) or not _ENDS.isdisjoint(outside):
        return None
    rest = "".join(parts[place:])
    columns = tuple(expression.strip() for expression in expressions)
    if len(columns) != len(names) or any(column.endswith("*") for column in columns):
        return None
    if any(found and found[1].strip('"').upper() in words[place:] for found in map(_ALIAS.search, columns)):
        # DuckDB lets a condition use the names of the outputs.
        return None
    return ViewColumns(columns, rest)


def _top_level(words: Sequence[str]) -> set[str]:
    """The words outside of parentheses."""
    found, depth = set(), 0
    for word in words:
        if not depth:
            found.add(word)
        depth += _DEPTH.get(word, 0)
    return found

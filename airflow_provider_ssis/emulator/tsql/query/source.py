"""The text of a query with its syntax tree: each query is parsed once, when its batch is parsed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from airflow_provider_ssis.emulator.tsql.query.dialect import parse_query
from airflow_provider_ssis.emulator.tsql.query.unsupported import explained
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.recent import Recent

_LONGEST: Final = 200_000
"""Characters of a query without its long literals. Parsing it, which cannot be interrupted, takes some seconds."""
_REMEMBERED: Final = 2048
_LONGEST_REMEMBERED: Final = 20_000


@dataclass(frozen=True, slots=True)
class QueryText:
    """One SELECT, WITH, INSERT, UPDATE or DELETE; for an expression or a condition, the SELECT of its value.

    :param line: the line of the batch in which it begins, from 1.
    :param tree: the syntax tree. Compiling does not change it.
    :param variables: the variables that it reads, in lower case with their ``@``.
    """

    sql: str
    line: int
    tree: exp.Expr = field(compare=False, repr=False)
    variables: tuple[str, ...] = field(compare=False, repr=False)

    @classmethod
    def parse(cls, sql: str, line: int = 1) -> QueryText:
        """Parse a query; one that was parsed recently is shared, also by batches with other types of variables.

        :raises SqlError: 102, 105, 156, 191, 8623 with the line in the batch.
        """
        if len(sql) > _LONGEST:
            text = f"The query has {len(sql):,} characters. This server runs queries of up to {_LONGEST:,}. Split it."
            raise SqlError(8623, text, line=line)
        known = _PARSED.get((sql, line))
        if known is not None:
            return known
        try:
            tree = parse_query(sql)
            variables = tuple(sorted({f"@{each.name.lower()}" for each in tree.find_all(exp.Parameter)}))
            found = cls(sql, line, tree, variables)
        except SqlError as failure:
            error = explained(failure, sql)
            error.line = line + max(error.line, 1) - 1
            raise error from None
        except RecursionError:
            raise SqlError(191, "Some part of the query nests too deeply.", severity=15, line=line) from None
        if len(sql) <= _LONGEST_REMEMBERED:
            _PARSED.put((sql, line), found)
        return found


_PARSED: Final[Recent[tuple[str, int], QueryText]] = Recent(_REMEMBERED)

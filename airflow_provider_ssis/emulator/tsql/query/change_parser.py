"""INSERT, UPDATE, DELETE and MERGE as T-SQL writes them.

sqlglot's own rules for them are those of many databases: they accept no TOP, no OUTPUT before FROM or VALUES, and few
joins. The nodes are sqlglot's, with these parts:

========== =========================================================================================
``this``    the changed table; of INSERT a Schema where columns are named
``limit``   TOP
``returning`` a list of OUTPUT clauses; ``into`` of each is a Table, or a Schema where columns are named
``source``  of UPDATE and DELETE: a Select with FROM, joins, WHERE and OPTION, without a select list
``using``, ``on``, ``whens``  of MERGE
========== =========================================================================================
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.parsers.tsql import TSQLParser
from sqlglot.tokenizer_core import TokenType

_MOST_OUTPUTS: Final = 2


class ChangeParser(TSQLParser):
    """The rules for statements that change rows."""

    def parse_insert(self) -> exp.Expression:
        """``INSERT [TOP (n)] [INTO] table [(columns)] [OUTPUT …] VALUES … | query | DEFAULT VALUES``."""
        limit = self._parse_limit(top=True)
        self._match(TokenType.INTO)
        target = self._target()
        columns = self._column_list()
        returning = self._outputs()
        default = bool(self._match(TokenType.DEFAULT) and self._match_text_seq("VALUES"))
        node = exp.Insert(this=exp.Schema(this=target, expressions=columns) if columns is not None else target)
        if not default:
            source = self._parse_derived_table_values() or self._parse_ddl_select()
            if source is None:
                self.raise_error("VALUES or a query is expected")
            node.set("expression", source)
        return _with(node, limit=limit, returning=returning, default=default)

    def parse_update(self) -> exp.Expression:
        """``UPDATE [TOP (n)] table SET … [OUTPUT …] [FROM …] [WHERE …]``."""
        limit = self._parse_limit(top=True)
        node = exp.Update(this=self._target())
        if not self._match(TokenType.SET):
            self.raise_error("SET is expected")
        node.set("expressions", self._parse_csv(self._setting))
        returning = self._outputs()
        return _with(node, limit=limit, returning=returning, source=self._source())

    def parse_delete(self) -> exp.Expression:
        """``DELETE [TOP (n)] [FROM] table [OUTPUT …] [FROM …] [WHERE …]``."""
        limit = self._parse_limit(top=True)
        self._match(TokenType.FROM)
        node = exp.Delete(this=self._target())
        returning = self._outputs()
        return _with(node, limit=limit, returning=returning, source=self._source())

    def parse_merge(self) -> exp.Expression:
        """``MERGE [TOP (n)] [INTO] table [AS alias] USING source ON condition WHEN … [OUTPUT …]``."""
        limit = self._parse_limit(top=True)
        self._match(TokenType.INTO)
        target = self._target()
        alias = self._parse_table_alias(alias_tokens=self.UPDATE_ALIAS_TOKENS)
        if alias is not None:
            target.set("alias", alias)
        if not self._match(TokenType.USING):
            self.raise_error("USING is expected")
        using = self._parse_table()
        if not self._match(TokenType.ON):
            self.raise_error("ON is expected")
        condition = self._parse_disjunction()
        whens = []
        while self._match(TokenType.WHEN):
            whens.append(self._when())
        if not whens:
            self.raise_error("WHEN is expected")
        node = exp.Merge(this=target, using=using, on=condition, whens=whens)
        return _with(node, limit=limit, returning=self._outputs(), options=self._parse_options())

    def _when(self) -> exp.When:
        matched = not self._match(TokenType.NOT)
        if not self._match_text_seq("MATCHED"):
            self.raise_error("MATCHED is expected")
        by_source = False
        if not matched and self._match_text_seq("BY"):
            by_source = bool(self._match_text_seq("SOURCE"))
            if not by_source and not self._match_text_seq("TARGET"):
                self.raise_error("SOURCE or TARGET is expected")
        condition = self._parse_disjunction() if self._match(TokenType.AND) else None
        if not self._match(TokenType.THEN):
            self.raise_error("THEN is expected")
        return exp.When(matched=matched, source=by_source, condition=condition, then=self._action())

    def _action(self) -> exp.Expression:
        if self._match(TokenType.DELETE):
            return exp.Delete()
        if self._match(TokenType.UPDATE):
            if not self._match(TokenType.SET):
                self.raise_error("SET is expected")
            return exp.Update(expressions=self._parse_csv(self._setting))
        if not self._match(TokenType.INSERT):
            self.raise_error("INSERT, UPDATE or DELETE is expected")
        columns = self._column_list()
        if self._match(TokenType.DEFAULT) and self._match_text_seq("VALUES"):
            return exp.Insert(this=exp.Schema(expressions=columns or []), default=True)
        if not self._match_text_seq("VALUES"):
            self.raise_error("VALUES is expected")
        node = exp.Insert(expression=self._parse_value())
        if columns is not None:
            node.set("this", exp.Schema(expressions=columns))
        return node

    def _target(self) -> exp.Table:
        """The changed table with its hints."""
        table = self._parse_table_parts(schema=True)
        if not isinstance(table, exp.Table):
            self.raise_error("a table is expected")
            raise ParseError("a table is expected")
        if self._match_pair(TokenType.WITH, TokenType.L_PAREN):
            self._parse_csv(lambda: self._parse_function() or self._parse_var(any_token=True))
            self._match_r_paren()
        return table

    def _column_list(self) -> list[exp.Expr] | None:
        """``(a, b)``; None where a query in parentheses follows, or nothing."""
        following = self._next.token_type if self._next is not None else None
        if self._curr is None or self._curr.token_type != TokenType.L_PAREN or following in _QUERY_BEGINS:
            return None
        self._match(TokenType.L_PAREN)
        columns = self._parse_csv(self._column_name)
        self._match_r_paren()
        return columns

    def _column_name(self) -> exp.Expr | None:
        # A name of several parts: only the last one matters.
        name = self._parse_id_var()
        while self._match(TokenType.DOT):
            name = self._parse_id_var()
        return name

    def _setting(self) -> exp.Expr | None:
        """``column = value``, ``@variable = value`` or ``@variable = column = value``."""
        target = self._parse_parameter() if self._match(TokenType.PARAMETER) else self._parse_column()
        if not self._match(TokenType.EQ):
            self.raise_error("= is expected")
        if isinstance(target, exp.Parameter) and self._curr and self._next and self._next.token_type == TokenType.EQ:
            return exp.EQ(this=target, expression=self._setting())
        value = exp.var("DEFAULT") if self._match(TokenType.DEFAULT) else self._parse_disjunction()
        return exp.EQ(this=target, expression=value)

    def _outputs(self) -> list[exp.Returning]:
        found: list[exp.Returning] = []
        while self._match(TokenType.RETURNING):
            items = self._parse_csv(self._parse_expression)
            into: exp.Expr | None = None
            if self._match(TokenType.INTO):
                into = self._parse_table_parts(schema=True)
                columns = self._column_list()
                if columns is not None:
                    into = exp.Schema(this=into, expressions=columns)
            found.append(exp.Returning(expressions=items, into=into))
        if len(found) > _MOST_OUTPUTS:
            self.raise_error("Two OUTPUT clauses are allowed at most")
        return found

    def _source(self) -> exp.Select:
        select = exp.Select()
        clause = self._parse_from()
        if clause is not None:
            select.set("from_", clause)
        found = self._parse_query_modifiers(select)
        return found if isinstance(found, exp.Select) else select


_QUERY_BEGINS: Final = (TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN, TokenType.VALUES)


def _with(node: exp.Expression, **parts: object) -> exp.Expression:
    for name, value in parts.items():
        if value not in (None, [], False):
            node.set(name, value)
    return node

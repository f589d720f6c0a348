"""Random T-SQL batches: right ones, ones with wrong types and values, and ones with a word changed.

``make fuzz`` and the tests of the T-SQL engine run them. Each batch either works or ends in an error with SQL Server's
own number; :func:`unexpected` says what is wrong with an answer.
"""

# ruff: noqa: E501 - a table of statements reads best with one on each line

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeVar

from airflow_provider_ssis.emulator.tsql.language.lexer import Kind, tokenize
from airflow_provider_ssis.emulator.tsql.query.rules.calls import FUNCTIONS
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from tests.support.tsql_session import Answer

T = TypeVar("T")

SETUP: Final = """
CREATE TABLE #t (id bigint, name nvarchar(50), small varchar(5), amount decimal(9, 2), ratio float, at datetime2(3),
    moment datetimeoffset, day date, mark sql_variant, is_open bit, guid uniqueidentifier, data varbinary(20));
INSERT #t VALUES (1, N'Alpha 🙂', 'abc', 1.25, 0.5, '2026-02-01T10:30:00', '2026-01-01T00:00:00+02:00', '2026-03-01', 5, 1,
    '6F9619FF-8B86-D011-B42D-00C04FC964FF', 0x1F);
INSERT #t VALUES (2, N'', 'x', -99.99, 1e300, '9999-12-31', '0001-01-01', '0001-01-01', N'text', 0, NEWID(), 0x);
INSERT #t (id) VALUES (NULL);
"""
"""The table that the batches read."""

_COLUMNS: Final = "id name small amount ratio at moment day mark is_open guid data".split()
_LITERALS: Final = (
    *(
        "0",
        "1",
        "-1",
        "2147483647",
        "-2147483648",
        "9223372036854775807",
        "1.5",
        "0.0",
        "-0.01",
        "1e0",
        "1e308",
        "-1e-308",
    ),
    *("99999999999999999999999999999999999999", "0.00000000000000000000000000000000000001", "NULL", "0x", "0x0102FF"),
    *(
        "'x'",
        "''",
        "' '",
        "'12'",
        "'1e5'",
        "'2026-01-31'",
        "'23:59:59.9999999'",
        "'2026-01-01T10:00:00+14:00'",
        "'%a_[b-'",
    ),
    *(
        "N'🙂'",
        "N'a🙂b'",
        "N'ß İ'",
        "'a' + CHAR(0)",
        "REPLICATE('a', 8001)",
        "CAST(N'x' AS nvarchar(max))",
        "GETDATE()",
    ),
    *(
        "SYSDATETIMEOFFSET()",
        "NEWID()",
        "@i",
        "@s",
        "@d",
        "@v",
        "@@ROWCOUNT",
        "@@ERROR",
        "DB_NAME()",
        "$1.5",
        "N'yyyy-MM-dd'",
    ),
)
_TYPES: Final = (
    *(
        "bit",
        "tinyint",
        "smallint",
        "int",
        "bigint",
        "decimal(5, 2)",
        "decimal(38, 0)",
        "decimal(38, 38)",
        "money",
        "smallmoney",
    ),
    *(
        "real",
        "float",
        "char(3)",
        "varchar(2)",
        "varchar(max)",
        "nchar(3)",
        "nvarchar(1)",
        "nvarchar(max)",
        "binary(4)",
    ),
    *("varbinary(2)", "varbinary(max)", "uniqueidentifier", "date", "time(0)", "time(7)", "datetime", "smalldatetime"),
    *("datetime2(0)", "datetime2(7)", "datetimeoffset(3)", "sql_variant", "xml", "sysname", "table", "nosuch"),
)
_BY_KIND: Final = {
    "text": ("N'abc'", "name", "N'🙂🙂'", "'12'", "small", "CAST(N'x' AS nvarchar(max))", "N'%a%'", "N''", "NULL"),
    "number": (
        "0",
        "1",
        "-1",
        "2147483647",
        "-2147483648",
        "9223372036854775807",
        "1.5",
        "1e308",
        "id",
        "amount",
        "ratio",
        "NULL",
        "CAST(1 AS bit)",
        "CAST(255 AS tinyint)",
        "CAST(-1.5 AS money)",
        "CAST(2 AS real)",
        "99999999999999999999999999999999999999",
    ),
    "moment": (
        "at",
        "moment",
        "day",
        "GETDATE()",
        "SYSDATETIMEOFFSET()",
        "CAST('9999-12-31' AS date)",
        "CAST('0001-01-01' AS datetime2)",
        "CAST('23:59:59.99' AS time)",
        "'2026-01-31'",
        "CAST('1900-01-01' AS smalldatetime)",
        "NULL",
    ),
    "other": ("data", "0x", "0x01", "mark", "guid", "NEWID()", "is_open", "NULL"),
}
_PARTS: Final = (
    "year quarter month dayofyear day week iso_week weekday hour minute second millisecond microsecond nanosecond tzoffset "
    "yy qq mm dd wk hh mi ss ms nosuch"
).split()
_AGGREGATES: Final = (
    "SUM AVG MIN MAX COUNT COUNT_BIG STDEV STDEVP VAR VARP STRING_AGG CHECKSUM_AGG APPROX_COUNT_DISTINCT".split()
)
_WINDOWS: Final = "ROW_NUMBER RANK DENSE_RANK NTILE LAG LEAD FIRST_VALUE LAST_VALUE PERCENT_RANK CUME_DIST".split()
_DATED: Final = frozenset("dateadd datediff datediff_big datename datepart datetrunc date_bucket".split())
_WORDS: Final = (
    "SELECT FROM WHERE GROUP BY ORDER HAVING DISTINCT TOP UNION ALL EXCEPT OVER ( ) , * . = < > + - / % NULL NOT AND OR IN "
    "LIKE BETWEEN IS CASE WHEN THEN ELSE END AS @i @nosuch #t #nosuch 0 'x' name nosuch WITH INSERT UPDATE DELETE SET "
    "DECLARE EXEC BEGIN TRY CATCH IF WHILE RETURN ; PRINT INTO JOIN ON CROSS APPLY OUTER PIVOT UNPIVOT FOR DESC OFFSET ROWS "
    "FETCH NEXT ONLY PARTITION VALUES TRAN COMMIT ROLLBACK"
).split()


class Batches:
    """Makes random batches.

    :param random: the source of randomness, so that a batch can be made again.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._in_table = False

    def batch(self) -> str:
        """One batch."""
        made = f"DECLARE @i int = 3, @s nvarchar(20) = N'a🙂', @d datetime2 = '2026-01-01', @v sql_variant = 1;\n{self._statement(2)}"
        for _ in range(self._pick((0, 0, 0, 1, 2))):
            made = self.mutated(made)
        return made

    def expression(self) -> str:
        """A query with one function, operator or conversion of values that mostly go together."""
        pick, kind = self._pick, self._pick(sorted(_BY_KIND))
        one, other = pick(_BY_KIND[kind]), pick(_BY_KIND[kind if self._chance(0.7) else pick(sorted(_BY_KIND))])
        name = pick(sorted(FUNCTIONS))
        function = FUNCTIONS[name]
        most = function.least + 2 if function.most is None else function.most
        arguments = [
            pick(_BY_KIND[kind if self._chance(0.6) else pick(sorted(_BY_KIND))])
            for _ in range(self._random.randint(function.least, most))
        ]
        if name in _DATED and arguments:
            arguments[0] = pick(_PARTS)
        call = f"{name.upper()}({', '.join(arguments)})"
        value = pick(
            (
                call,
                call,
                call,
                f"{one} {pick('+-*/%&|^')} {other}",
                f"{pick(('CAST', 'TRY_CAST'))}({one} AS {pick(_TYPES)})",
                f"CONVERT({pick(_TYPES)}, {one}, {self._random.randint(-1, 140)})",
                f"CASE WHEN {one} {pick(('=', '<', '!>', 'LIKE'))} {other} THEN {one} ELSE {other} END",
                f"{pick(_AGGREGATES)}({pick(('', 'DISTINCT '))}{one}{pick(('', ', 1'))})",
                f"{pick((*_WINDOWS, *_AGGREGATES))}({pick(('', one))}{pick(('', f', {other}'))}) OVER (ORDER BY {other})",
            )
        )
        return pick(
            (
                f"SELECT {value} AS a FROM #t",
                f"SELECT DISTINCT {value} AS a FROM #t ORDER BY a",
                f"SELECT id FROM #t WHERE {value} = {other}",
                f"SELECT TOP (3) id FROM #t ORDER BY {value}",
                f"SELECT {value}, COUNT(*) FROM #t GROUP BY {value}",
                f"SELECT x FROM (SELECT {value} AS x FROM #t) q WHERE x IS NOT NULL UNION SELECT {other} FROM #t",
                f"DECLARE @x {pick(_TYPES)}; SELECT @x = {value} FROM #t",
                f"SELECT {value} AS a",
            )
        )

    def mutated(self, text: str) -> str:
        """A batch with a word removed, added, moved or put into parentheses."""
        try:
            words = [token.text for token in tokenize(text) if token.kind is not Kind.END]
        except SqlError:
            words = text.split()
        if not words:
            return "SELECT"
        place = self._random.randrange(len(words))
        match self._random.randrange(6):
            case 0:
                del words[place]
            case 1:
                words.insert(place, self._pick(_WORDS))
            case 2:
                words[place] = self._pick(_WORDS)
            case 3:
                words[place] = self._value(2)
            case 4:
                other = self._random.randrange(len(words))
                words[place], words[other] = words[other], words[place]
            case _:
                words[place] = f"({words[place]})"
        return " ".join(words)

    # --- statements

    def _statement(self, depth: int) -> str:
        value, condition = self._value, self._condition
        makers: Sequence[Callable[[], str]] = (
            lambda: self._select(depth),
            lambda: self._select(depth),
            lambda: self._select(depth),
            lambda: f"SELECT {value(3)} AS a",
            lambda: f"SET @{self._pick('isdv')} = {value(3)}",
            lambda: self._reading("SELECT @i = {}, @s = {} FROM #t", value, value),
            lambda: f"IF {condition(2)} PRINT {value(2)} ELSE SELECT {value(2)}",
            lambda: f"INSERT #t ({self._pick(_COLUMNS)}) VALUES ({value(2)})",
            lambda: self._reading(f"INSERT #t ({self._pick(_COLUMNS)}) SELECT {{}} FROM #t", value),
            lambda: self._reading(f"UPDATE #t SET {self._pick(_COLUMNS)} = {{}} WHERE {{}}", value, condition),
            lambda: self._reading("DELETE #t WHERE {}", condition),
            lambda: (
                f"DECLARE @t TABLE (a {self._pick(_TYPES)}, b {self._pick(_TYPES)}); INSERT @t VALUES ({value(2)}, {value(2)}); SELECT * FROM @t"
            ),
            lambda: f"DECLARE @x {self._pick(_TYPES)} = {value(2)}; SELECT @x, {value(1)}",
            lambda: (
                f"BEGIN TRY {self._statement(0)} END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_MESSAGE() END CATCH"
            ),
            lambda: f"BEGIN TRAN; {self._statement(0)}; IF @@TRANCOUNT > 0 ROLLBACK",
            lambda: f"RAISERROR({value(1)}, {value(0)}, {value(0)}, {value(0)})",
            lambda: self._reading("SELECT {} AS a INTO #n FROM #t; SELECT * FROM #n; DROP TABLE #n", value),
            lambda: f"EXEC sp_executesql N'SELECT @p', N'@p {self._pick(_TYPES)}', @p = {self._pick(_LITERALS)}",
            lambda: self._changed(depth),
            lambda: self._changed(depth),
        )
        self._in_table = False
        return self._pick(makers)()

    def _changed(self, depth: int) -> str:
        """A statement about cursors, jumps, changed rows with their rules, XML or JSON."""
        pick, value, condition, column = self._pick, self._value, self._condition, self._pick(_COLUMNS)
        kind = pick(_TYPES)
        rules = (
            f"CREATE TABLE #r (k int IDENTITY {pick(('PRIMARY KEY', 'UNIQUE', 'NOT NULL'))}, "
            f"a {kind} DEFAULT ({pick(_LITERALS)}), b {pick(_TYPES)} {pick(('UNIQUE', 'NULL', 'NOT NULL'))}); "
        )
        makers: Sequence[Callable[[], str]] = (
            lambda: self._reading(
                f"UPDATE TOP (2) #t SET {column} = {{}}, @i = id OUTPUT deleted.*, inserted.{column} WHERE {{}}",
                value,
                condition,
            ),
            lambda: self._reading("DELETE #t OUTPUT deleted.id, {} WHERE {}", value, condition),
            lambda: self._reading(
                f"WITH d AS (SELECT *, ROW_NUMBER() OVER ({self._window()}) AS n FROM #t) DELETE FROM d WHERE {{}}",
                condition,
            ),
            lambda: self._reading(
                f"MERGE #t AS t USING (SELECT {{}} AS x) AS s ON {{}} WHEN MATCHED THEN UPDATE SET {column} = {{}} "
                f"WHEN NOT MATCHED THEN INSERT ({column}) VALUES ({{}}) OUTPUT $action, inserted.{column};",
                self._literal,
                condition,
                value,
                self._literal,
            ),
            lambda: self._reading(
                f"UPDATE u SET {column} = {{}} FROM #t JOIN #t AS u ON {{}} WHERE {{}}", value, condition, condition
            ),
            lambda: (
                f"{rules}INSERT #r (a, b) OUTPUT inserted.* VALUES ({pick(('DEFAULT', value(1)))}, {value(1)}); "
                f"INSERT #r (b) {self._select(0)}; SELECT SCOPE_IDENTITY(); DROP TABLE #r"
            ),
            lambda: (
                f"{rules}INSERT #r (b) VALUES ({value(1)}); ALTER TABLE #r ADD c {pick(_TYPES)} DEFAULT ({pick(_LITERALS)}); "
                f"CREATE {pick(('', 'UNIQUE '))}INDEX i ON #r (b); UPDATE #r SET b = {pick(_LITERALS)}; DROP TABLE #r"
            ),
            lambda: (
                f"DECLARE c CURSOR LOCAL {pick(('', 'SCROLL', 'STATIC'))} FOR {self._select(depth)}; OPEN c; "
                f"FETCH {pick(('NEXT', 'LAST', 'ABSOLUTE 2', 'PRIOR'))} FROM c {pick(('', 'INTO @i', 'INTO @s'))}; SELECT @@FETCH_STATUS"
            ),
            lambda: f"IF {condition(1)} GOTO done {self._select(0)} done: PRINT {value(1)}",
            lambda: f"{self._select(depth)} FOR {pick(('XML PATH', 'XML RAW', 'XML AUTO', 'JSON PATH', 'JSON AUTO'))}",
            lambda: self._reading(
                "SELECT (SELECT {} AS x FOR XML PATH (''), TYPE).value('.', '" + kind + "') FROM #t", value
            ),
            lambda: self._reading(
                f"SELECT {pick(('PERCENTILE_CONT', 'PERCENTILE_DISC'))}(0.5) WITHIN GROUP (ORDER BY {{}}) OVER () FROM #t",
                value,
            ),
            lambda: self._reading(
                "SELECT id, (SELECT {} FROM #t AS u WHERE u.id = #t.id) AS x, COUNT(*) FROM #t GROUP BY id HAVING {}",
                value,
                condition,
            ),
        )
        return pick(makers)()

    def _literal(self, depth: int) -> str:
        """A literal, or now and then a value that reads columns."""
        return self._value(depth) if self._chance(0.1) else self._pick(_LITERALS)

    def _reading(self, text: str, *parts: Callable[[int], str]) -> str:
        """A statement whose parts may read the columns of the table."""
        self._in_table = True
        return text.format(*[part(2) for part in parts])

    def _select(self, depth: int) -> str:
        self._in_table = True
        value, condition, pick = self._value, self._condition, self._pick
        items = ", ".join(f"{value(2)} AS c{place}" for place in range(1, pick((2, 3, 4))))
        text = f"SELECT {pick(('', '', 'DISTINCT ', f'TOP ({value(0)}) ', 'TOP (50) PERCENT '))}{items} FROM {self._source(depth)}"
        if self._chance(0.4):
            text += f" WHERE {condition(2)}"
        if self._chance(0.3):
            text += f" GROUP BY {pick((self._column(), value(1), 'ROLLUP (id, name)', 'GROUPING SETS ((id), ())'))}"
        if self._chance(0.15):
            text += f" HAVING {condition(1)}"
        if depth and self._chance(0.15):
            text += f" {pick(('UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT'))} {self._select(0)}"
        if self._chance(0.3):
            text += f" ORDER BY {pick((value(1), '1', 'c1', self._column(), 'NEWID()', '(SELECT NULL)', '99'))}{pick(('', ' DESC'))}"
            if self._chance(0.3):
                text += f" OFFSET {value(0)} ROWS FETCH NEXT {value(0)} ROWS ONLY"
        return text

    def _source(self, depth: int) -> str:
        pick = self._pick
        if not depth:
            return "#t"
        inner = f"(SELECT {self._column()} AS a FROM #t) AS q"
        return pick(
            (
                "#t",
                "#t",
                f"#t JOIN {inner} ON {self._condition(1)}",
                "#t LEFT JOIN #t AS u ON #t.id = u.id",
                f"#t CROSS APPLY (SELECT {self._value(1)} AS x) AS y",
                f"(VALUES ({self._value(0)}, {self._value(0)}), ({self._value(0)}, {self._value(0)})) AS v (id, name)",
                f"(SELECT *, {self._value(1)} AS extra FROM #t) AS #t",
                f"STRING_SPLIT({self._value(1)}, {self._value(0)})",
                f"GENERATE_SERIES({self._value(0)}, {self._value(0)})",
                "sys.objects AS o",
            )
        )

    # --- values

    def _value(self, depth: int) -> str:
        if depth <= 0:
            return self._column() if self._chance(0.3) else self._pick(_LITERALS)
        value, pick = self._value, self._pick
        makers: Sequence[Callable[[], str]] = (
            self._column,
            lambda: pick(_LITERALS),
            lambda: f"({value(depth - 1)} {pick(('+', '-', '*', '/', '%', '&', '|', '^'))} {value(depth - 1)})",
            lambda: f"- {value(depth - 1)}",
            lambda: self._call(depth),
            lambda: self._call(depth),
            lambda: self._call(depth),
            lambda: f"{pick(('CAST', 'TRY_CAST'))}({value(depth - 1)} AS {pick(_TYPES)})",
            lambda: (
                f"{pick(('CONVERT', 'TRY_CONVERT'))}({pick(_TYPES)}, {value(depth - 1)}, {pick(('0', '1', '2', '101', '112', '126', '127', '999', '-1'))})"
            ),
            lambda: f"CASE WHEN {self._condition(depth - 1)} THEN {value(depth - 1)} ELSE {value(depth - 1)} END",
            lambda: f"CASE {value(depth - 1)} WHEN {value(depth - 1)} THEN {value(depth - 1)} END",
            lambda: f"{pick(_AGGREGATES)}({pick(('', 'DISTINCT '))}{value(depth - 1)})",
            lambda: f"STRING_AGG({value(depth - 1)}, {value(0)})",
            lambda: f"{pick((*_WINDOWS, *_AGGREGATES))}({pick(('', value(0)))}) OVER ({self._window()})",
            lambda: f"(SELECT {value(depth - 1)})",
            lambda: (
                f"(SELECT {pick(('', 'TOP 1 '))}{value(depth - 1)} FROM #t AS u{pick(('', ' WHERE u.id = #t.id'))})"
            ),
            lambda: (
                f"{value(depth - 1)} AT TIME ZONE {pick((chr(39) + 'UTC' + chr(39), chr(39) + 'Mars' + chr(39), value(0)))}"
            ),
        )
        return pick(makers)()

    def _call(self, depth: int) -> str:
        name = self._pick(sorted(FUNCTIONS))
        function = FUNCTIONS[name]
        most = function.least + 2 if function.most is None else function.most
        count = self._random.randint(function.least, most) if self._chance(0.9) else self._random.randint(0, 5)
        arguments = [self._value(depth - 1) for _ in range(count)]
        if name in _DATED and arguments:
            arguments[0] = self._pick(_PARTS)
        return f"{name.upper()}({', '.join(arguments)})"

    def _window(self) -> str:
        pick = self._pick
        return pick(("", f"PARTITION BY {self._value(1)} ")) + pick(
            (
                "",
                f"ORDER BY {self._value(1)}",
                "ORDER BY NEWID()",
                "ORDER BY (SELECT NULL)",
                "ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
                "ORDER BY id RANGE UNBOUNDED PRECEDING",
                "ROWS 1 PRECEDING",
                "ORDER BY 1",
            )
        )

    def _condition(self, depth: int) -> str:
        value, pick = self._value, self._pick
        inner = depth - 1
        makers: Sequence[Callable[[], str]] = (
            lambda: f"{value(inner)} {pick(('=', '<>', '<', '>=', '!<'))} {value(inner)}",
            lambda: f"{value(inner)} {pick(('', 'NOT '))}LIKE {value(inner)}{pick(('', f' ESCAPE {value(0)}'))}",
            lambda: f"{value(inner)} {pick(('', 'NOT '))}IN ({value(inner)}, {value(0)})",
            lambda: f"{value(inner)} IN (SELECT {value(0)} FROM #t)",
            lambda: f"{value(inner)} BETWEEN {value(inner)} AND {value(0)}",
            lambda: f"{value(inner)} IS {pick(('', 'NOT '))}NULL",
            lambda: f"EXISTS (SELECT {value(0)} FROM #t AS u WHERE u.id = {value(0)})",
            lambda: f"{value(inner)} {pick(('=', '<'))} {pick(('ANY', 'ALL'))} (SELECT {value(0)} FROM #t)",
            lambda: f"NOT ({value(0)} = {value(0)}) OR {value(0)} > {value(0)}",
        )
        return pick(makers)()

    def _column(self) -> str:
        return self._pick(_COLUMNS if self._in_table else _LITERALS)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _pick(self, items: Sequence[T]) -> T:
        return self._random.choice(items)


def unexpected(found: Answer) -> str:
    """The fault of an answer: an internal error, or a value that no client could receive; empty for none."""
    for error in found.errors:
        if error.number == INTERNAL_ERROR and error.text.startswith(INTERNAL_TEXTS):
            return error.text
    for rows in found.results:
        for row in rows:
            for value in row:
                if isinstance(value, str):
                    value.encode("utf-16-le", "surrogatepass")
    return ""


INTERNAL_ERROR: Final = 50000
INTERNAL_TEXTS: Final = ("Internal error", "The emulated server")

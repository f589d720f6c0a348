"""Expressions: each is computed twice, in Python and by DuckDB, and both give this type and value."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_ssis.emulator.datatypes import INT, SqlType, Variant
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from tests.support.query_engine import NOW, QueryEngine

D = Decimal


@pytest.fixture(scope="module")
def engine() -> Iterator[QueryEngine]:
    engine = QueryEngine()
    engine.declare("@i", "int", 7)
    engine.declare("@b", "bigint", 2**40)
    engine.declare("@t", "tinyint", 200)
    engine.declare("@s", "nvarchar(20)", "Straße")
    engine.declare("@v", "varchar(20)", "text  ")
    engine.declare("@null", "varchar(10)", None)
    engine.declare("@d", "datetimeoffset", NOW)
    five_hours = dt.timezone(dt.timedelta(hours=5))
    engine.declare("@noon", "datetimeoffset", dt.datetime(2020, 1, 1, 12, tzinfo=five_hours))
    engine.declare("@night", "datetimeoffset", dt.datetime(2020, 1, 1, 2, tzinfo=five_hours))
    engine.declare("@dt", "datetime", dt.datetime(2026, 11, 23, 20, 0, 0, 123000))
    engine.declare("@date", "date", dt.date(2026, 11, 23))
    engine.declare("@time", "time(3)", dt.time(20, 0, 0, 123000))
    engine.declare("@guid", "uniqueidentifier", uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff"))
    engine.declare("@dec", "decimal(9,2)", D("12.35"))
    engine.declare("@bit", "bit", True)
    engine.declare("@bin", "varbinary(8)", b"\x01\x02")
    engine.declare("@variant", "sql_variant", Variant(SqlType("nvarchar", length=20), "Abc"))
    engine.declare("@number", "sql_variant", Variant(INT, 5))
    yield engine
    engine.close()


LITERALS = [
    ("1", "int", 1),
    ("2147483648", "numeric(10,0)", D(2147483648)),
    ("1.50", "numeric(3,2)", D("1.50")),
    ("1e3", "float", 1000.0),
    ("'it''s'", "varchar(4)", "it's"),
    ("N'日本'", "nvarchar(2)", "日本"),
    ("'日本'", "varchar(2)", "??"),
    ("''", "varchar(1)", ""),
    ("0x0aFF", "varbinary(2)", b"\x0a\xff"),
    ("NULL", "int", None),
    ("-5", "int", -5),
    ("-2147483648", "numeric(10,0)", D(-2147483648)),
    (".5", "numeric(1,1)", D("0.5")),
    ("$1.50", "money", D("1.5000")),
    ("{ts '2026-01-02 03:04:05'}", "datetime", dt.datetime(2026, 1, 2, 3, 4, 5)),
    ("{d '2026-01-02'}", "datetime", dt.datetime(2026, 1, 2)),
    ("@i", "int", 7),
    ("@I", "int", 7),
    ("@d", "datetimeoffset(7)", NOW),
    ("@variant", "sql_variant", Variant(SqlType("nvarchar", length=20), "Abc")),
    ("((@i))", "int", 7),
]

ARITHMETIC = [
    ("7 / 2", "int", 3),
    ("-7 / 2", "int", -3),
    ("7 % 3", "int", 1),
    ("-7 % 3", "int", -1),
    ("@i * 3 - 1", "int", 20),
    ("1 + @b", "bigint", 2**40 + 1),
    ("@t + 1", "int", 201),
    ("7.0 / 2", "numeric(7,6)", D("3.500000")),
    ("CAST(1 AS int) * @dec", "decimal(20,2)", D("12.35")),
    ("CAST(1 AS bigint) / @dec", "decimal(31,10)", D("0.0809716599")),
    ("CAST(0.1 AS real) + 1", "real", 1.100000023841858),
    ("CAST(0.1 AS real) * @dec", "real", 1.2350000143051147),
    ("CAST(0.5 AS real) + CAST(1 AS money)", "real", 1.5),
    ("CAST(0.5 AS real) + CAST(1 AS float)", "float", 1.5),
    ("POWER(CAST(100 AS decimal(5,2)), 2)", "decimal(38,2)", D("10000.00")),
    ("@bit + 1", "int", 2),
    ("@dec + 1", "decimal(10,2)", D("13.35")),
    ("@dec * @dec", "decimal(19,4)", D("152.5225")),
    ("@dec / 3", "decimal(13,6)", D("4.116666")),
    ("1e0 / 4", "float", 0.25),
    ("@i + 0.5", "numeric(12,1)", D("7.5")),
    ("'5' + 1", "int", 6),
    ("1 + '5'", "int", 6),
    ("@null + 1", "int", None),
    ("NULL + 1", "int", None),
    ("5 & 3", "int", 1),
    ("5 | 3", "int", 7),
    ("5 ^ 3", "int", 6),
    ("~5", "int", -6),
    ("~@bit", "bit", False),
    ("'a' + 'b'", "varchar(2)", "ab"),
    ("'a' + N'b'", "nvarchar(2)", "ab"),
    ("'a' + NULL", "varchar(2)", None),
    ("@v + 'x'", "varchar(21)", "text  x"),
    ("0x01 + 0x02", "varbinary(2)", b"\x01\x02"),
    ("@dt + 1", "datetime", dt.datetime(2026, 11, 24, 20, 0, 0, 123000)),
    ("@dt - 0.5", "datetime", dt.datetime(2026, 11, 23, 8, 0, 0, 123000)),
    ("-0.001 * 0.001 / 100000", "numeric(14,13)", D("-1.00E-11")),
    ("CAST(-0.001 AS decimal(5,2))", "decimal(5,2)", D("0.00")),
    ("- @dec", "decimal(9,2)", D("-12.35")),
]

CONVERSIONS = [
    ("CAST('42' AS int)", "int", 42),
    ("CAST(' 42 ' AS bigint)", "bigint", 42),
    ("CAST(1 AS bit)", "bit", True),
    ("CAST('False' AS bit)", "bit", False),
    ("CAST(2.9 AS int)", "int", 2),
    ("CAST(@dec AS decimal(5,1))", "decimal(5,1)", D("12.4")),
    ("CAST(300 AS varchar)", "varchar(30)", "300"),
    ("CAST('abcdef' AS nvarchar(3))", "nvarchar(3)", "abc"),
    ("CAST('ab' AS char(4))", "char(4)", "ab  "),
    ("CAST(12345 AS varchar(3))", "varchar(3)", "*"),
    ("CAST(@i AS sql_variant)", "sql_variant", Variant(INT, 7)),
    ("CAST(@variant AS nvarchar(10))", "nvarchar(10)", "Abc"),
    ("CAST(@number AS int) + 1", "int", 6),
    ("CAST(@d AS datetime)", "datetime", dt.datetime(2026, 11, 23, 20, 0, 0, 123000)),
    ("CAST(@d AS datetime2)", "datetime2(7)", dt.datetime(2026, 11, 23, 20, 0, 0, 123456)),
    ("CAST(@d AS date)", "date", dt.date(2026, 11, 23)),
    ("CAST(@date AS datetime2(0))", "datetime2(0)", dt.datetime(2026, 11, 23)),
    (
        "CAST('2026-11-23T10:00:00+05:30' AS datetimeoffset)",
        "datetimeoffset(7)",
        dt.datetime(2026, 11, 23, 10, tzinfo=dt.timezone(dt.timedelta(minutes=330))),
    ),
    ("CONVERT(varchar(10), @dt, 101)", "varchar(10)", "11/23/2026"),
    ("CONVERT(varchar(8), @dt, 112)", "varchar(8)", "20261123"),
    ("CONVERT(nvarchar(40), @d, 121)", "nvarchar(40)", "2026-11-23 20:00:00.1234560 +02:00"),
    ("CONVERT(nvarchar(40), @d, 127)", "nvarchar(40)", "2026-11-23T18:00:00.1234560Z"),
    ("CONVERT(varchar(30), @dt)", "varchar(30)", "Nov 23 2026  8:00PM"),
    ("CONVERT(varchar(30), @dt, @i + 113)", "varchar(30)", "2026-11-23 20:00:00"),
    ("CONVERT(date, '23/11/2026', 103)", "date", dt.date(2026, 11, 23)),
    ("CONVERT(varchar(10), @bin, 1)", "varchar(10)", "0x0102"),
    ("CONVERT(varbinary(10), '0x0aff', 1)", "varbinary(10)", b"\x0a\xff"),
    ("CAST(@guid AS nvarchar(36))", "nvarchar(36)", "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
    (
        "CAST('{6F9619FF-8B86-D011-B42D-00C04FC964FF}' AS uniqueidentifier)",
        "uniqueidentifier",
        uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff"),
    ),
    ("CAST(255 AS varbinary(2))", "varbinary(2)", b"\x00\xff"),
    ("CAST(0x0100 AS int)", "int", 256),
    ("TRY_CAST('x' AS int)", "int", None),
    ("TRY_CAST('5' AS int)", "int", 5),
    ("TRY_CONVERT(datetime, 'never')", "datetime", None),
    ("CAST(NULL AS nvarchar(5))", "nvarchar(5)", None),
    ("CAST(1.5 AS real)", "real", 1.5),
    ("CAST(123456789.0 AS varchar(30))", "varchar(30)", "123456789.0"),
    ("CAST(CAST(1234567.0 AS float) AS varchar(30))", "varchar(30)", "1.23457e+006"),
    ("CAST('$1,234.56' AS money)", "money", D("1234.5600")),
    ("CONVERT(varchar(20), CAST(1234.5 AS money), 1)", "varchar(20)", "1,234.50"),
    ("CAST('x' AS sysname)", "nvarchar(128)", "x"),
]

CONDITIONALS = [
    ("CASE WHEN @i = 7 THEN 'seven' ELSE 'other' END", "varchar(5)", "seven"),
    ("CASE @i WHEN 1 THEN 1 WHEN 7 THEN 2.5 END", "numeric(11,1)", D("2.5")),
    ("CASE WHEN @null = 'x' THEN 1 ELSE 0 END", "int", 0),
    ("IIF(@i > 5, 'big', N'small')", "nvarchar(5)", "big"),
    ("ISNULL(@null, 'abcdefghijklmnop')", "varchar(10)", "abcdefghij"),
    ("ISNULL(NULL, 'abc')", "varchar(3)", "abc"),
    ("COALESCE(@null, 'abcdefghijklmnop')", "varchar(16)", "abcdefghijklmnop"),
    ("COALESCE(NULL, @i, 2)", "int", 7),
    ("NULLIF(@i, 7)", "int", None),
    ("GREATEST(@i, 2, NULL, 9.5)", "numeric(11,1)", Decimal("9.5")),
    ("LEAST('b', 'A', @null)", "varchar(10)", "A"),
    ("LEAST(NULL, @i)", "int", 7),
    ("NULLIF('a', 'A')", "varchar(1)", None),
    ("CHOOSE(2, 'a', 'bb', 'c')", "varchar(2)", "bb"),
    ("CHOOSE(9, 'a', 'b')", "varchar(1)", None),
]

STRINGS = [
    ("LEN('abc   ')", "int", 3),
    ("LEN(N'日本')", "int", 2),
    ("DATALENGTH(N'ab ')", "int", 6),
    ("DATALENGTH('ab ')", "int", 3),
    ("DATALENGTH(@i)", "int", 4),
    ("DATALENGTH(@d)", "int", 10),
    ("UPPER('aé')", "varchar(2)", "AÉ"),
    ("LOWER(N'AÉ')", "nvarchar(2)", "aé"),
    ("LEFT('abcdef', 2)", "varchar(2)", "ab"),
    ("RIGHT('abcdef', 2)", "varchar(2)", "ef"),
    ("RIGHT('abc', 0)", "varchar(1)", ""),
    ("SUBSTRING('abcdef', 2, 3)", "varchar(3)", "bcd"),
    ("SUBSTRING('abcdef', 0, 3)", "varchar(3)", "ab"),
    ("SUBSTRING('abcdef', 5, 10)", "varchar(6)", "ef"),
    ("CHARINDEX('C', 'abcabc')", "int", 3),
    ("CHARINDEX('c', 'abcabc', 4)", "int", 6),
    ("CHARINDEX('z', 'abc')", "int", 0),
    (
        "CONVERT(datetime, @noon, 1)",
        "datetime",
        dt.datetime(2020, 1, 1, 7),
    ),
    (
        "CONVERT(datetime, @noon, 0)",
        "datetime",
        dt.datetime(2020, 1, 1, 12),
    ),
    (
        "CONVERT(datetime2(0), @night, 1)",
        "datetime2(0)",
        dt.datetime(2019, 12, 31, 21),
    ),
    (
        "CONVERT(smalldatetime, @night, 1)",
        "smalldatetime",
        dt.datetime(2019, 12, 31, 21),
    ),
    ("CONVERT(date, @night, 1)", "date", dt.date(2019, 12, 31)),
    ("CONVERT(time(0), @night, 1)", "time(0)", dt.time(21)),
    ("CAST(99999999999999999999999999999999999999 AS decimal(38, 0))", "decimal(38,0)", Decimal("9" * 38)),
    ("ABS(-12345678901234567890123456789012345678)", "numeric(38,0)", Decimal(12345678901234567890123456789012345678)),
    (
        "FORMAT(-12345678901234567890123456789012345678, 'C0')",
        "nvarchar(4000)",
        f"(${12345678901234567890123456789012345678:,})",
    ),
    ("PATINDEX('%[0-9]%', 'ab3d')", "int", 3),
    ("REPLACE('aXbxc', 'x', '--')", "varchar(8000)", "a--b--c"),
    ("STUFF('abcdef', 2, 3, 'ZZ')", "varchar(8000)", "aZZef"),
    ("LTRIM('  a ')", "varchar(4)", "a "),
    ("RTRIM('  a ')", "varchar(4)", "  a"),
    ("TRIM('  a ')", "varchar(4)", "a"),
    ("TRIM('x' FROM 'xxaxx')", "varchar(5)", "a"),
    ("CONCAT('a', NULL, 1, @bit)", "varchar(26)", "a11"),
    ("CONCAT_WS('-', 'a', NULL, 'b')", "varchar(8000)", "a-b"),
    ("REPLICATE('ab', 3)", "varchar(8000)", "ababab"),
    ("LEN(REPLICATE(N'ab', 5000))", "int", 4000),
    ("NCHAR(0xD800)", "nchar(1)", "\ufffd"),
    ("SPACE(3) + '|'", "varchar(8000)", "   |"),
    ("REVERSE('abc')", "varchar(3)", "cba"),
    ("STR(123.456, 8, 2)", "varchar(8000)", "  123.46"),
    ("STR(123456, 3)", "varchar(8000)", "***"),
    ("QUOTENAME('a]b')", "nvarchar(258)", "[a]]b]"),
    ("QUOTENAME('it''s', '''')", "nvarchar(258)", "'it''s'"),
    ("ASCII('A')", "int", 65),
    ("CHAR(65)", "char(1)", "A"),
    ("UNICODE(N'日')", "int", 0x65E5),
    ("NCHAR(26085)", "nchar(1)", "日"),
    ("PARSENAME('a.b.c', 1)", "nvarchar(128)", "c"),
    ("PARSENAME('a.b.c', 3)", "nvarchar(128)", "a"),
    ("FORMAT(1234.5, 'N2')", "nvarchar(4000)", "1,234.50"),
    ("FORMAT(5, '000')", "nvarchar(4000)", "005"),
    ("FORMAT(0.256, 'P1')", "nvarchar(4000)", "25.6%"),
    ("FORMAT(@d, 'yyyy-MM-dd HH:mm:ss.fff')", "nvarchar(4000)", "2026-11-23 20:00:00.123"),
    ("FORMAT(@date, 'd')", "nvarchar(4000)", "11/23/2026"),
    ("ISNUMERIC('12.5')", "int", 1),
    ("ISNUMERIC('abc')", "int", 0),
    ("ISNUMERIC(NULL)", "int", 0),
    ("HASHBYTES('MD5', 'abc')", "varbinary(8000)", bytes.fromhex("900150983cd24fb0d6963f7d28e17f72")),
    (
        "CONVERT(varchar(40), HASHBYTES('SHA1', N'a'), 2)",
        "varchar(40)",
        hashlib.sha1(b"a\0", usedforsecurity=False).hexdigest().upper(),
    ),
]

NUMBERS = [
    ("ABS(-5)", "int", 5),
    ("ABS(@dec)", "decimal(9,2)", D("12.35")),
    ("CEILING(@dec)", "decimal(9,0)", D(13)),
    ("FLOOR(-1.5)", "numeric(2,0)", D(-2)),
    ("ROUND(123.456, 2)", "numeric(6,3)", D("123.460")),
    ("ROUND(123.456, -1)", "numeric(6,3)", D("120.000")),
    ("ROUND(123.456, 1, 1)", "numeric(6,3)", D("123.400")),
    ("ROUND(150, -2)", "int", 200),
    ("ROUND(123, 456, 2)", "int", 123),
    ("ROUND(CAST(1234567890123456789012.125 AS decimal(38,3)), 2)", "decimal(38,3)", D("1234567890123456789012.130")),
    ("ROUND(1e300, 2)", "float", 1e300),
    ("POWER(2, 10)", "int", 1024),
    ("POWER(CAST(2 AS bigint), 40)", "bigint", 2**40),
    ("POWER(CAST(2 AS tinyint), 9)", "int", 512),
    ("POWER(CAST(1.5 AS money), 2)", "money", D("2.2500")),
    ("POWER(2.0e0, 0.5)", "float", 2**0.5),
    ("SQRT(16)", "float", 4.0),
    ("SQUARE(3)", "float", 9.0),
    ("SIGN(-2.5)", "numeric(2,1)", D(-1)),
    ("EXP(0)", "float", 1.0),
    ("LOG(8, 2)", "float", 3.0),
    ("PI()", "float", 3.141592653589793),
]

MOMENTS = [
    ("YEAR(@d)", "int", 2026),
    ("MONTH('2026-05-06')", "int", 5),
    ("DAY(@date)", "int", 23),
    ("DATEPART(weekday, @date)", "int", 2),
    ("DATEPART(week, '2026-01-04')", "int", 2),
    ("DATEPART(iso_week, '2026-01-04')", "int", 1),
    ("DATEPART(quarter, @date)", "int", 4),
    ("DATEPART(dayofyear, @date)", "int", 327),
    ("DATEPART(ms, @dt)", "int", 123),
    ("DATEPART(tz, @d)", "int", 120),
    ("DATENAME(month, @date)", "nvarchar(30)", "November"),
    ("DATENAME(dw, @date)", "nvarchar(30)", "Monday"),
    ("DATEADD(day, -1, @date)", "date", dt.date(2026, 11, 22)),
    ("DATEADD(month, 1, '2026-01-31')", "datetime", dt.datetime(2026, 2, 28)),
    ("DATEADD(hh, 5, @d)", "datetimeoffset(7)", NOW + dt.timedelta(hours=5)),
    ("DATEADD(ms, 1500, @time)", "time(3)", dt.time(20, 0, 1, 623000)),
    ("DATEDIFF(day, '2026-01-01 23:59', '2026-01-02 00:01')", "int", 1),
    ("DATEDIFF(second, '2026-01-01', '2026-01-01 00:01')", "int", 60),
    ("DATEDIFF(year, '2025-12-31', '2026-01-01')", "int", 1),
    ("DATEDIFF(week, '2026-01-03', '2026-01-04')", "int", 1),
    ("DATEDIFF_BIG(ms, '1970-01-01', @dt)", "bigint", 1795464000123),
    ("DATEDIFF(hour, @d, SWITCHOFFSET(@d, '+05:30'))", "int", 0),
    ("SWITCHOFFSET(@d, '+00:00')", "datetimeoffset(7)", NOW.astimezone(dt.UTC)),
    ("CAST(SWITCHOFFSET(@d, '-05:00') AS datetime2)", "datetime2(7)", dt.datetime(2026, 11, 23, 13, 0, 0, 123456)),
    (
        "TODATETIMEOFFSET(@dt, '+01:00')",
        "datetimeoffset(7)",
        dt.datetime(2026, 11, 23, 20, 0, 0, 123000, tzinfo=dt.timezone(dt.timedelta(hours=1))),
    ),
    ("EOMONTH('2024-02-10')", "date", dt.date(2024, 2, 29)),
    ("EOMONTH(@date, 1)", "date", dt.date(2026, 12, 31)),
    ("DATEFROMPARTS(2026, 2, 3)", "date", dt.date(2026, 2, 3)),
    ("POWER(2.0, 0.5) * 10", "numeric(38,1)", Decimal("14.0")),
    ("ISNUMERIC('-') + ISNUMERIC('$') + ISNUMERIC('--')", "int", 2),
    ("SMALLDATETIMEFROMPARTS(2026, 2, 3, 4, 5)", "smalldatetime", dt.datetime(2026, 2, 3, 4, 5)),
    ("DATETIMEFROMPARTS(2026, 2, 3, 4, 5, 6, 7)", "datetime", dt.datetime(2026, 2, 3, 4, 5, 6, 7000)),
    ("DATETRUNC(month, @d)", "datetimeoffset(7)", dt.datetime(2026, 11, 1, tzinfo=NOW.tzinfo)),
    ("ISDATE('2026-02-30')", "int", 0),
    ("ISDATE('2026-02-28')", "int", 1),
    ("@dt AT TIME ZONE 'UTC'", "datetimeoffset(3)", dt.datetime(2026, 11, 23, 20, 0, 0, 123000, tzinfo=dt.UTC)),
    ("CAST(@d AT TIME ZONE 'Pacific Standard Time' AS datetime2(0))", "datetime2(0)", dt.datetime(2026, 11, 23, 10)),
    ("GETDATE()", "datetime", dt.datetime(2026, 11, 23, 20, 0, 0, 123000)),
    ("GETUTCDATE()", "datetime", dt.datetime(2026, 11, 23, 18, 0, 0, 123000)),
    ("CURRENT_TIMESTAMP", "datetime", dt.datetime(2026, 11, 23, 20, 0, 0, 123000)),
    ("SYSDATETIME()", "datetime2(7)", dt.datetime(2026, 11, 23, 20, 0, 0, 123456)),
    ("SYSUTCDATETIME()", "datetime2(7)", dt.datetime(2026, 11, 23, 18, 0, 0, 123456)),
    ("SYSDATETIMEOFFSET()", "datetimeoffset(7)", NOW),
]

NAME = SqlType("nvarchar", length=128)

SESSION = [
    ("@@ROWCOUNT", "int", 3),
    ("@@SPID", "smallint", 51),
    ("SUSER_SNAME()", "nvarchar(128)", "sa"),
    ("SYSTEM_USER", "nvarchar(128)", "sa"),
    ("CURRENT_USER", "nvarchar(128)", "dbo"),
    ("IS_SRVROLEMEMBER('sysadmin')", "int", 1),
    ("SERVERPROPERTY('ProductVersion')", "sql_variant", Variant(NAME, "16.0.4000.1")),
    ("CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(2))", "nvarchar(2)", "16"),
    ("SERVERPROPERTY('nothing')", "sql_variant", None),
    ("DB_NAME()", "nvarchar(128)", "SSISDB"),
    ("DB_ID()", "smallint", 5),
    ("DB_ID('master')", "smallint", 1),
    ("DB_ID('nowhere')", "smallint", None),
    ("DB_NAME(1)", "nvarchar(128)", "master"),
    ("SCHEMA_NAME(1)", "nvarchar(128)", "dbo"),
    ("SCHEMA_ID('catalog')", "int", 5),
    ("OBJECT_NAME(OBJECT_ID('[catalog].[folders]'))", "nvarchar(128)", "folders"),
    ("OBJECT_ID('SSISDB.catalog.folders', 'V')", "int", None),
    ("OBJECT_ID('tempdb..#missing')", "int", None),
    ("TYPE_NAME(231)", "nvarchar(128)", "nvarchar"),
    ("COL_LENGTH('catalog.folders', 'name')", "smallint", 256),
    ("COL_NAME(OBJECT_ID('catalog.folders'), 2)", "nvarchar(128)", "name"),
    ("OBJECTPROPERTY(OBJECT_ID('catalog.folders'), 'IsUserTable')", "int", 1),
    ("OBJECTPROPERTY(OBJECT_ID('catalog.folders'), 'TableHasIdentity')", "int", None),
    ("ERROR_MESSAGE()", "nvarchar(4000)", None),
    ("SQL_VARIANT_PROPERTY(@variant, 'BaseType')", "sql_variant", Variant(NAME, "nvarchar")),
    ("SQL_VARIANT_PROPERTY(@variant, 'MaxLength')", "sql_variant", Variant(INT, 40)),
    ("SQL_VARIANT_PROPERTY(CAST(@dec AS sql_variant), 'Precision')", "sql_variant", Variant(INT, 9)),
    ("SQL_VARIANT_PROPERTY(CAST(@dec AS sql_variant), 'Scale')", "sql_variant", Variant(INT, 2)),
    ("SQL_VARIANT_PROPERTY(NULL, 'BaseType')", "sql_variant", None),
]

ALL = [*LITERALS, *ARITHMETIC, *CONVERSIONS, *CONDITIONALS, *STRINGS, *NUMBERS, *MOMENTS, *SESSION]


@pytest.mark.parametrize(("expression", "type_text", "value"), ALL, ids=[each[0] for each in ALL])
def test_an_expression_has_its_type_and_value(engine: QueryEngine, expression: str, type_text: str, value: Any) -> None:
    assert engine.value(expression) == (type_text, value)


CONDITIONS: list[tuple[str, bool | None]] = [
    ("1 = 1", True),
    ("'abc' = 'ABC  '", True),
    ("N'ß' = 'ß'", True),
    ("'a' < 'B'", True),
    ("@v = 'TEXT'", True),
    ("'5' = 5", True),
    ("1.0 = 1", True),
    ("@null = 'x'", None),
    ("NOT (@null = 'x')", None),
    ("@null = 'x' OR 1 = 1", True),
    ("@null = 'x' AND 1 = 0", False),
    ("@null IS NULL", True),
    ("@i IS NOT NULL", True),
    ("@i IN (1, 7)", True),
    ("@i NOT IN (1, NULL)", None),
    ("@i BETWEEN 1 AND 7", True),
    ("@i NOT BETWEEN 1 AND 7", False),
    ("'Hello' LIKE 'h_l%'", True),
    ("'50%' LIKE '50!%' ESCAPE '!'", True),
    ("'a5' LIKE 'a[0-9]'", True),
    ("'a5' LIKE 'a[^0-9]'", False),
    ("'x' LIKE NULL", None),
    ("@guid = '6f9619ff-8b86-d011-b42d-00c04fc964ff'", True),
    ("@dt = '2026-11-23 20:00:00.123'", True),
    ("@d = SWITCHOFFSET(@d, '+00:00')", True),
    ("@d > @dt", False),
    ("@bit = 1", True),
    ("@bit = 'True'", True),
    ("@variant = 'abc'", True),
    ("@number = 5", True),
    ("@number = '5'", False),
    ("@number > '5'", True),
    ("CAST(9223372036854775807 AS sql_variant) > CAST(CAST(1 AS money) AS sql_variant)", True),
    ("@bin = 0x0102", True),
    ("EXISTS (SELECT 1 WHERE 1 = 0)", False),
]


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS, ids=[each[0] for each in CONDITIONS])
def test_a_condition_is_true_false_or_unknown(engine: QueryEngine, condition: str, expected: bool | None) -> None:
    outcome = f"CASE WHEN {condition} THEN 'true' WHEN NOT ({condition}) THEN 'false' ELSE 'unknown' END"
    assert engine.value(outcome)[1] == {True: "true", False: "false", None: "unknown"}[expected]


FAULTS = [
    ("1 / 0", 8134),
    ("5 % 0", 8134),
    ("1.5 / 0", 8134),
    ("2147483647 + 1", 8115),
    ("CAST(922337203685477 AS money) + 1", 8115),
    ("-CAST(-214748.3648 AS smallmoney)", 8115),
    ("CAST(300 AS tinyint)", 220),
    ("CAST('a' AS int)", 245),
    ("CAST('a' AS decimal(5,2))", 8114),
    ("CAST('99999999999' AS int)", 248),
    ("CAST('never' AS datetime)", 241),
    ("CAST('1600-01-01' AS datetime)", 242),
    ("CAST('x' AS uniqueidentifier)", 8169),
    ("CONVERT(varchar(10), @dt, 999)", 281),
    ("CAST(1000 AS decimal(3,1))", 8115),
    ("SUBSTRING('a', 1, -1)", 537),
    ("DATEFROMPARTS(2026, 2, 30)", 289),
    ("DATEADD(year, 9000, @date)", 517),
    ("SQRT(-1)", 3623),
    ("ROUND(99.9, -2)", 8115),
    ("ROUND(2147483647, -1)", 8115),
    ("ABS(CAST(-2147483648 AS int))", 8115),
    ("CAST(REPLICATE('1', 900) AS decimal(9,2))", 8115),
    ("CAST(1e300 AS decimal(9,2))", 8115),
    ("CAST(1e308 AS real)", 232),
    ("REPLICATE(CAST('x' AS varchar(max)), 1000000000)", 701),
]


@pytest.mark.parametrize(("expression", "number"), FAULTS, ids=[each[0] for each in FAULTS])
def test_a_value_that_cannot_be_computed_is_an_error_at_run_time(
    engine: QueryEngine, expression: str, number: int
) -> None:
    for text in (f"SELECT {expression}", f"SELECT {expression} FROM catalog.folders"):
        with pytest.raises(SqlError) as caught:
            engine.rows(text)
        assert caught.value.number == number


REFUSALS = [
    ("CAST(1 AS date)", 529),
    ("CAST(@guid AS int)", 529),
    ("@guid + 1", 8117),
    ("'a' - 'b'", 402),
    ("@variant + 'x'", 8117),
    ("'x' + @date", 402),
    ("@time + N'x'", 402),
    ("'x' + @guid", 402),
    ("@bit + @bit", 402),
    ("@bit * CAST(0 AS bit)", 402),
    ("CAST(1 AS xml)", 529),
    ("CAST(CAST('<a/>' AS xml) AS int)", 529),
    ("1 = 1", 102),
    ("CASE WHEN 1 THEN 2 END", 4145),
    ("CASE WHEN 1 = 1 THEN NULL END", 8133),
    ("nonsense(1)", 195),
    ("LEFT('a')", 174),
    ("LEN(1, 2)", 174),
    ("DATEADD(fortnight, 1, @d)", 155),
    ("DATEPART(hour, @date)", 9810),
    ("@undeclared", 137),
    ("@@undefined", 137),
    ("some_column", 207),
    ("CAST(1 AS nosuchtype)", 243),
    ("UPPER(@variant)", 8116),
    ("dbo.f(1)", 4121),
    ("'a' || 'b'", 40514),
    ("x.value('a', 'int')", 207),
    ("ROW_NUMBER()", 10753),
]


@pytest.mark.parametrize(("expression", "number"), REFUSALS, ids=[each[0] for each in REFUSALS])
def test_an_expression_that_makes_no_sense_is_refused(engine: QueryEngine, expression: str, number: int) -> None:
    with pytest.raises(SqlError) as caught:
        engine.rows(f"SELECT {expression}")
    assert caught.value.number == number


def test_expressions_without_a_table_need_no_duckdb(engine: QueryEngine) -> None:
    for expression, _, _ in ALL:
        assert engine.run(f"SELECT {expression}").in_python, expression


def test_newid_gives_a_new_value_for_each_row(engine: QueryEngine) -> None:
    values = engine.rows("SELECT NEWID() FROM catalog.folders")
    assert len(set(values)) == len(values) == 4
    assert isinstance(engine.rows("SELECT NEWID()")[0][0], uuid.UUID)


def test_a_huge_binary_passes_through_untouched(engine: QueryEngine) -> None:
    data = bytes(32) * 1_000_000
    engine.declare("@huge", "varbinary(max)", data)
    result = engine.run("SELECT CAST(@huge AS varbinary(max)) AS content")
    assert result.rows[0][0] is data or result.rows[0][0] == data
    assert result.in_python


@pytest.mark.parametrize(
    ("expression", "value", "is_quick"),
    [
        ("@long + N',' + CAST(@long AS nvarchar(max))", "x" * 8000, True),
        ("@long + N',' + CAST(@long AS nvarchar(max))", "x" * 8001, False),
        ("REPLACE(@long, N'x', @long)", "x", False),
        ("@long" + " + @long" * 32, "x", True),
        ("@long" + " + @long" * 33, "x", False),
    ],
)
def test_only_expressions_of_short_values_run_on_the_event_loop(
    engine: QueryEngine, expression: str, value: str, is_quick: bool
) -> None:
    query = engine.compiler.compile(
        QueryText.parse(f"SELECT {expression}"),
        variables={"@long": SqlType.parse("nvarchar(max)")},
        database="SSISDB",
        connection=engine.connection,
    )
    assert query.is_quick({"@long": value}) is is_quick

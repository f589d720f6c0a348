"""Expressions over a million rows, compared with pyarrow kernels that are written by hand for each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.expressions import Column, Scope, compile_expression
from airflow_provider_ssis.expressions.arrow import evaluate_batch
from benchmarks.results import Goal, Report, cost

NAME = "expressions"

Columns = Mapping[str, pa.Array]


@dataclass(frozen=True, slots=True)
class Size:
    """What to measure.

    :param rows: the number of rows.
    :param repetitions: evaluations of which the median counts.
    """

    rows: int
    repetitions: int


FULL = Size(rows=1_000_000, repetitions=5)
SMALLEST = Size(rows=1000, repetitions=1)

_COLUMNS = (
    Column("id", ColumnType(DataTypeCode.DT_I4)),
    Column("quantity", ColumnType(DataTypeCode.DT_I4)),
    Column("weight", ColumnType(DataTypeCode.DT_R8)),
    Column("price", ColumnType(DataTypeCode.DT_NUMERIC, precision=12, scale=2)),
    Column("name", ColumnType(DataTypeCode.DT_WSTR, length=50)),
    Column("code", ColumnType(DataTypeCode.DT_WSTR, length=10)),
    Column("ordered", ColumnType(DataTypeCode.DT_DBTIMESTAMP)),
)


def _guarded_quotient(columns: Columns) -> pa.Array:
    is_zero = pc.equal(columns["quantity"], 0)
    divisor = pc.if_else(is_zero, pa.scalar(1, pa.int32()), columns["quantity"])
    return pc.if_else(is_zero, pa.scalar(0, pa.int32()), pc.divide_checked(columns["id"], divisor))


def _amount(columns: Columns) -> pa.Array:
    return pc.multiply(columns["price"], columns["quantity"].cast(pa.decimal128(10, 0)))


def _padded(columns: Columns) -> pa.Array:
    text = pc.binary_join_element_wise("000000", columns["id"].cast(pa.string()), "")
    return pc.utf8_slice_codeunits(text, start=-6)


def _names(columns: Columns) -> pa.Array:
    return pc.binary_join_element_wise(
        pc.utf8_upper(pc.utf8_trim(columns["name"], characters=" ")), columns["code"], "-"
    )


def _date_number(columns: Columns) -> pa.Array:
    ordered = columns["ordered"]
    year, month, day = (part(ordered).cast(pa.int32()) for part in (pc.year, pc.month, pc.day))
    return pc.add_checked(pc.add_checked(pc.multiply_checked(year, 10000), pc.multiply_checked(month, 100)), day)


def _number_of_text(columns: Columns) -> pa.Array:
    return pc.utf8_slice_codeunits(columns["code"], start=1).cast(pa.int32())


def _chain(columns: Columns) -> pa.Array:
    quantity = columns["quantity"]
    return pc.if_else(pc.less(quantity, 10), "small", pc.if_else(pc.less(quantity, 50), "medium", pa.scalar("large")))


def _filtered(columns: Columns) -> pa.Array:
    return pc.and_kleene(
        pc.and_kleene(pc.greater(columns["weight"], 10.0), pc.invert(pc.is_null(columns["name"]))),
        pc.not_equal(columns["code"], "C00007"),
    )


_EXPRESSIONS: tuple[tuple[str, Callable[[Columns], pa.Array]], ...] = (
    ("id * 2 + quantity", lambda columns: pc.add_checked(pc.multiply_checked(columns["id"], 2), columns["quantity"])),
    ("quantity == 0 ? 0 : id / quantity", _guarded_quotient),
    ("weight * 1.1L + 0.5L", lambda columns: pc.add(pc.multiply(columns["weight"], 1.1), 0.5)),
    ("price * quantity", _amount),
    ('RIGHT("000000" + (DT_WSTR,10)id, 6)', _padded),
    ('UPPER(TRIM(name)) + "-" + code', _names),
    ("YEAR(ordered) * 10000 + MONTH(ordered) * 100 + DAY(ordered)", _date_number),
    ("(DT_I4)SUBSTRING(code, 2, 9)", _number_of_text),
    ('quantity < 10 ? "small" : quantity < 50 ? "medium" : "large"', _chain),
    ('weight > 10 && !ISNULL(name) && code != "C00007"', _filtered),
)


def columns_of(rows: int) -> dict[str, pa.Array]:
    """Random columns; a tenth of the names is NULL.

    :param rows: the number of rows.
    """
    random = np.random.default_rng(7)
    numbers = random.integers(0, 100, rows)
    start = datetime(2020, 1, 1)
    seconds = random.integers(0, 10**8, rows)
    names = pa.array([f" Customer {number} of Store " for number in range(100)])
    codes = pa.array([f"C{number:05}" for number in range(100)])
    cents = pa.array([Decimal(number) / 100 for number in range(100)], pa.decimal128(12, 2))
    moments = pa.array([start + timedelta(seconds=second) for second in range(0, 10**6, 100)], pa.timestamp("ms"))
    return {
        "id": pa.array(random.integers(0, 10**6, rows), pa.int32()),
        "quantity": pa.array(numbers, pa.int32()),
        "weight": pa.array(random.random(rows) * 100),
        "price": cents.take(pa.array(random.integers(0, 100, rows))),
        "name": names.take(pa.array(numbers, mask=numbers % 10 == 0)),
        "code": codes.take(pa.array(random.integers(0, 100, rows))),
        "ordered": moments.take(pa.array(seconds % len(moments))),
    }


def run(size: Size) -> Report:
    """Measure."""
    columns = columns_of(size.rows)
    given = [columns[column.name] for column in _COLUMNS]
    results = []
    ours_sum = peer_sum = 0.0
    for text, by_hand in _EXPRESSIONS:
        expression = compile_expression(text, Scope(columns=_COLUMNS))
        result = evaluate_batch(expression, given, size.rows)
        expected = by_hand(columns)
        if result.errors is not None or not result.values.equals(expected.cast(result.values.type)):
            raise AssertionError(f"{text} differs from the kernels written by hand")
        ours = median(_seconds(partial(evaluate_batch, expression, given, size.rows)) for _ in range(size.repetitions))
        peer = median(_seconds(partial(by_hand, columns)) for _ in range(size.repetitions))
        ours_sum, peer_sum = ours_sum + ours, peer_sum + peer
        results.append(cost(NAME, text, "ms", ours=ours * 1000, peer=peer * 1000, peer_name="pyarrow, by hand"))
    total = cost(NAME, "all of them", "ms", ours=ours_sum * 1000, peer=peer_sum * 1000, peer_name="pyarrow, by hand")
    share = ours_sum / peer_sum
    return Report(
        f"{len(_EXPRESSIONS)} expressions over {size.rows:,} rows, compared with pyarrow kernels written by hand",
        [*results, total],
        goals=[Goal(f"at most twice the time of the kernels written by hand: {share:.2f} times", share <= 2)],
        note="Ours checks overflow, division by zero and lengths of text, and returns a code for each row's error.",
    )


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

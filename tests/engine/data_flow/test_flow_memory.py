"""The memory of a data flow does not grow with its rows."""

from __future__ import annotations

import pytest

from benchmarks.engines import measure

_FEW, _MANY = 750_000, 2_000_000


@pytest.mark.processes
def test_lookup_sort_and_aggregate_share_a_memory_limit_for_any_number_of_rows() -> None:
    few, many = (measure("tests.support.flow_memory", str(rows)) for rows in (_FEW, _MANY))
    assert (few.rows, many.rows) == (_FEW, _MANY)
    assert many.megabytes < 1.3 * few.megabytes

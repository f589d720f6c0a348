"""The memory of what was computed lately."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.emulator.tsql.values.recent import Recent


@given(most=st.integers(2, 10), keys=st.lists(st.integers(0, 20), max_size=60))
def test_it_keeps_what_was_used_last_and_no_more_than_it_may(most: int, keys: list[int]) -> None:
    recent: Recent[int, str] = Recent(most)
    for key in keys:
        found = recent.get(key)
        assert found in (None, str(key))
        if found is None:
            recent.put(key, str(key))
        assert len(recent) <= most
        assert recent.get(key) == str(key)


def test_an_item_in_constant_use_is_never_forgotten() -> None:
    recent: Recent[int, str] = Recent(4)
    recent.put(0, "kept")
    for key in range(1, 100):
        recent.put(key, "other")
        assert recent.get(0) == "kept"
    assert recent.get(50) is None


def test_all_can_be_forgotten() -> None:
    recent: Recent[int, str] = Recent(4)
    recent.put(0, "item")
    recent.clear()
    assert (recent.get(0), len(recent)) == (None, 0)

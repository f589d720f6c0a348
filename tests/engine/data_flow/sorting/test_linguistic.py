"""Keys of linguistic comparison. Facts: data flow, sections 1.9 and 2.5, and Microsoft's description of word sort."""

from __future__ import annotations

import itertools

import duckdb
import pytest

from airflow_provider_ssis.engine.data_flow.sorting.linguistic import (
    Comparison,
    is_known_locale,
    key_expression,
    unknown_flags,
)

_ENGLISH, _DANISH, _TURKISH = 1033, 1030, 1055


def _keys(texts: list[str], flags: int = 0, locale_id: int = _ENGLISH) -> list[str]:
    with duckdb.connect() as connection:
        sql = f"SELECT {key_expression('t.x', locale_id, flags)} FROM (SELECT unnest(?) AS x) AS t"
        return [row[0] for row in connection.execute(sql, [texts]).fetchall()]


def _is_ascending(texts: list[str], flags: int = 0, locale_id: int = _ENGLISH) -> bool:
    keys = _keys(texts, flags, locale_id)
    return all(left < right for left, right in itertools.pairwise(keys))


def test_lower_case_comes_before_upper_case_after_all_other_differences() -> None:
    assert _is_ascending(["", "1", "alberto", "Alberto", "ALBERTO", "albertö", "albertoa", "B"])


def test_trailing_blanks_count() -> None:
    assert _is_ascending(["a", "a ", "aa"])


def test_hyphens_and_apostrophes_decide_last() -> None:
    assert _is_ascending(["coop", "co-op", "coopa"])
    assert _is_ascending(["ills", "ill's", "illt"])
    assert _is_ascending(["co-op", "cob", "coop"], Comparison.STRING_SORT)


@pytest.mark.parametrize(
    ("flags", "one", "other"),
    [
        (Comparison.IGNORE_CASE, "straße Ä", "STRAßE ä"),
        (Comparison.IGNORE_NON_SPACE, "résumé", "resume"),
        (Comparison.IGNORE_NON_SPACE, "ｶﾞｯﾎﾟ", "ｶｯﾎ"),
        (Comparison.IGNORE_KANA_TYPE, "ひらがな", "ヒラガナ"),
        (Comparison.IGNORE_WIDTH, "ＡＢＣ－１", "ABC-1"),
        (Comparison.IGNORE_WIDTH, "ｶﾞ", "ガ"),
        (Comparison.IGNORE_SYMBOLS, "a.b $c", "abc"),
    ],
)
def test_a_flag_ignores_one_difference(flags: Comparison, one: str, other: str) -> None:
    equal = _keys([one, other], flags)
    different = _keys([one, other], int(~flags) & 0x30007)
    assert equal[0] == equal[1]
    assert different[0] != different[1]


def test_the_locale_decides_about_the_order_of_letters() -> None:
    assert _is_ascending(["ä", "b", "z"])
    assert _is_ascending(["b", "z", "ä"], locale_id=_DANISH)
    assert len(set(_keys(["I", "ı"], Comparison.IGNORE_CASE, _TURKISH))) == 1
    assert len(set(_keys(["I", "i"], Comparison.IGNORE_CASE, _TURKISH))) == 2


def test_alternative_orders_and_unknown_flags_are_known_as_such() -> None:
    assert is_known_locale(_ENGLISH)
    assert is_known_locale(127)
    assert not is_known_locale(0x10407)
    assert not is_known_locale(0x040A)
    assert not is_known_locale(99999)
    assert unknown_flags(0x10 | Comparison.IGNORE_CASE) == 0x10
    assert not unknown_flags(0x31007)

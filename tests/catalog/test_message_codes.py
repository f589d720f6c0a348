"""The table of message codes."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.catalog.failures.message_codes import ADVICE, CONNECTION_FAILURES, CONSEQUENCES, symbol_of


@pytest.mark.parametrize(
    ("code", "symbol"),
    [
        ("0xC0202009", "DTS_E_OLEDBERROR"),
        ("0x80019002", "DTS_W_MAXIMUMERRORCOUNTREACHED"),
        ("0xC020822C", "DTS_W_UNMAPPEDOUTPUTCOLUMN"),
        ("0xC8000003", "DTSBC_E_FAILEDTOGETOUTPUTBYINDEX"),
    ],
)
def test_codes_have_the_symbols_of_the_reference(code: str, symbol: str) -> None:
    assert symbol_of(code) == symbol


@pytest.mark.parametrize("code", ["0xC001F034", "0x40016042", "0xc0202009", ""])
def test_an_unknown_code_has_no_symbol(code: str) -> None:
    assert symbol_of(code) is None


@pytest.mark.parametrize("code", sorted(ADVICE.keys() | CONSEQUENCES | CONNECTION_FAILURES))
def test_each_code_of_the_tables_is_one_of_the_reference(code: str) -> None:
    assert symbol_of(code) is not None


def test_the_fifty_commonest_codes_have_advice() -> None:
    assert len(ADVICE) >= 50


def test_a_consequence_of_other_errors_has_no_advice() -> None:
    assert not ADVICE.keys() & CONSEQUENCES

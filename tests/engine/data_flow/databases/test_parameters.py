"""The mapping of the parameters of an OLE DB Source."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.engine.data_flow.databases.parameters import WRONG_FORM, parse_mapping
from airflow_provider_ssis.engine.errors import TaskFailure

FIRST, SECOND = "{11111111-1111-1111-1111-111111111111}", "{22222222-2222-2222-2222-222222222222}"


@pytest.mark.parametrize("names", [("Parameter0", "Parameter1"), ("參數0", "參數1"), ("1", "2"), ("@b2", "@a1")])
def test_a_mapping_has_the_order_of_the_markers_or_names(names: tuple[str, str]) -> None:
    text = f'"{names[0]}:Input",{FIRST};"{names[1]}:Input",{SECOND};'
    assert parse_mapping(text) == [(names[0], FIRST), (names[1], SECOND)]


@pytest.mark.parametrize("names", [("Parameter1", "Parameter0"), ("0", "0")])
def test_numbers_that_are_not_in_order_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(TaskFailure) as raised:
        parse_mapping(f'"{names[0]}:Input",{FIRST};"{names[1]}:Input",{SECOND};')
    assert raised.value.code == WRONG_FORM

"""The page about the engine lists every task and component that the engine runs or refuses by name."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.engine.data_flow.registry import MODULES, REFUSED
from airflow_provider_ssis.engine.tasks.table import TASKS
from tests.support.places import ROOT

PAGE = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted({*MODULES, *REFUSED, *TASKS}))
def test_the_page_names_what_the_engine_knows(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_no_table_of_the_page_names_a_refused_component(name: str) -> None:
    _before, _title, after = PAGE.partition("## Components")
    table, _words, refused = after.partition("Refused by name:")
    assert f"`{name}`" in refused.partition("###")[0]
    assert f"`{name}`" not in table

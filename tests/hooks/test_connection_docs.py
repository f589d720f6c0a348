"""What docs/connections.md offers to copy and paste is what the hook takes."""

from __future__ import annotations

import re

import pytest

from airflow_provider_ssis.hooks.authentication import Authentication
from airflow_provider_ssis.hooks.settings import read_settings
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
from airflow_provider_ssis.provider_info import get_provider_info
from tests.support.places import ROOT

PAGE = (ROOT / "docs" / "connections.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^export AIRFLOW_CONN_SSIS_DEFAULT='(.+)'$", PAGE, re.MULTILINE)


def authentication_of(example: str, monkeypatch: pytest.MonkeyPatch) -> Authentication:
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", example)
    return read_settings(SsisCatalogHook().connection).authentication


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_can_be_read(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert authentication_of(example, monkeypatch) in Authentication


def test_there_is_an_example_for_each_identity_as_uri_and_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    for is_json in (True, False):
        examples = [example for example in EXAMPLES if example.startswith("{") is is_json]
        assert {authentication_of(example, monkeypatch) for example in examples} == set(Authentication)


def test_every_field_of_the_form_is_explained() -> None:
    (connection_type,) = get_provider_info()["connection-types"]
    assert [name for name in connection_type["conn-fields"] if f"`{name}`" not in PAGE] == []

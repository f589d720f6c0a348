"""The page on the catalog names every procedure and view, and only what exists."""

from __future__ import annotations

import importlib
import pkgutil
import re

import click
import pytest

from airflow_provider_ssis import operators, sensors
from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.cli.main import command_line
from airflow_provider_ssis.verify.signatures import SIGNATURES
from airflow_provider_ssis.verify.view_columns import VIEW_COLUMNS
from tests.support.places import ROOT

PAGE = (ROOT / "docs" / "catalog.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
NAME = re.compile(r"`([\w ]+)`")


def rows(title: str) -> dict[str, tuple[str, str, str]]:
    section = PAGE[PAGE.index(f"## {title}") :]
    following = section.find("\n## ", 3)
    found = ROW.findall(section if following < 0 else section[:following])
    return {name: (client, operator, command) for name, client, operator, command in found}


ALL = {**rows("Procedures"), **rows("Views")}
CLASSES = {
    name
    for package in (operators, sensors)
    for module in pkgutil.iter_modules(package.__path__)
    for name in dir(importlib.import_module(f"{package.__name__}.{module.name}"))
}


def test_each_procedure_and_view_is_on_the_page() -> None:
    assert set(rows("Procedures")) == set(SIGNATURES)
    assert set(rows("Views")) == set(VIEW_COLUMNS)
    assert (len(SIGNATURES), len(VIEW_COLUMNS)) == (56, 30)


@pytest.mark.parametrize("name", ALL)
def test_what_the_page_names_exists(name: str) -> None:
    client, operator, command = ALL[name]
    methods = NAME.findall(client)
    assert methods
    for method in methods:
        assert callable(getattr(Catalog, method)), method
    assert {each for each in NAME.findall(operator) if each.startswith("Ssis")} <= CLASSES
    for each in NAME.findall(command):
        found: click.Command | None = command_line
        context = click.Context(command_line)
        for word in each.split():
            assert isinstance(found, click.Group)
            found = found.get_command(context, word)
        assert found is not None, each

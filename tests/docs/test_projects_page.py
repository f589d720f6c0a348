"""The table of what is written names each method of the builder."""

from __future__ import annotations

import re

from airflow_provider_ssis.project.builder.connections import ConnectionManagers
from airflow_provider_ssis.project.builder.containers import ContainerContents
from airflow_provider_ssis.project.builder.data_flow import DataFlowBuilder
from airflow_provider_ssis.project.builder.package import PackageBuilder
from tests.support.places import ROOT

PAGE = ROOT / "docs" / "projects.md"
CLASSES = (PackageBuilder, ContainerContents, DataFlowBuilder, ConnectionManagers)


def test_the_table_has_each_method_of_the_builder() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`(add_\w+)`", text[text.index("## What is read") :]))
    methods = {name for each in CLASSES for name in dir(each) if name.startswith("add_")}
    assert named == methods

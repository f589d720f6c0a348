"""Faults of a package that fail the validation of a data flow: facts in data_flow.md, 1.7, 1.9 and 2.3."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.package.document import read_dts_package
from tests.support.engine import Context, failure_of, run_task, task_context

Change = Callable[[str], str]


def context_of(folder: Path, change: Change) -> Context:
    """A flow from a file to a file through a Derived Column, with a changed text of the package."""
    (folder / "in.csv").write_text("n,a\r\n1,1.5\r\n")
    package = ProjectBuilder("P").add_package("P")
    columns = [FlatFileColumn("n", "DT_I4"), FlatFileColumn("a", "DT_R8")]
    source = package.connection_managers.add_flat_file("In", str(folder / "in.csv"), columns)
    target = package.connection_managers.add_flat_file("Out", str(folder / "out.csv"), columns)
    flow = package.add_data_flow("Load")
    rows = flow.add_flat_file_source("Read", source)
    derived = flow.add_derived_column("Derive", rows.output, {Column("m", "DT_I4"): "n + 1"})
    flow.add_flat_file_destination("Write", derived.output, target)
    stored = package.to_bytes().decode()
    changed = change(stored)
    assert changed != stored
    return task_context(read_dts_package(changed.encode(), "P.dtsx"))


def _error_group(text: str) -> str:
    head, mark, tail = text.partition(r'refId="Package\Load\Derive.Outputs[Derived Column Error Output]"')
    assert mark
    start = head.rindex("<output")
    element, end, rest = (head[start:] + mark + tail).partition(">")
    return head[:start] + element.replace('exclusionGroup="1"', "") + end + rest


def _source_group(text: str) -> str:
    mark = r'refId="Package\Load\Read.Outputs[Flat File Source Output]"'
    return text.replace(mark, f'{mark} exclusionGroup="1"')


def _keys(text: str) -> str:
    mark = r'refId="Package\Load\Read.Outputs[Flat File Source Output].Columns[n]"'
    return text.replace(mark, f'{mark} sortKeyPosition="1"')


def _no_path(text: str) -> str:
    return re.sub(r'<path\b[^>]*endId="Package\\Load\\Write\.[^>]*/>', "", text)


def _spare_input(text: str) -> str:
    mark = r'refId="Package\Load\Write.Inputs[Flat File Destination Input]"'
    return _no_path(text).replace(mark, f'{mark} dangling="true"')


def _locale(component: str) -> Change:
    mark = rf'refId="Package\Load\{component}"'
    return lambda text: text.replace(mark, f'{mark} localeId="1031"')


@pytest.mark.parametrize(
    ("change", "code", "component"),
    [
        (_error_group, 0xC004707A, "Derive"),
        (_source_group, 0xC0047079, "Read"),
        (_keys, 0xC00470AD, "Read"),
        (_no_path, 0xC0047003, "Write"),
        (_locale("Read"), 0xC02020D2, "Read"),
        (_locale("Write"), 0xC02020D2, "Write"),
    ],
)
def test_a_faulty_layout_fails_the_validation(tmp_path: Path, change: Change, code: int, component: str) -> None:
    context = context_of(tmp_path, change)
    failure = failure_of(lambda: run_task(context))
    assert failure.code == code
    assert component in failure.text
    assert code in context.codes("error")
    assert not (tmp_path / "out.csv").exists()


def test_a_spare_input_needs_no_path(tmp_path: Path) -> None:
    """Union All has one; it is marked as dangling."""
    run_task(context_of(tmp_path, _spare_input))
    assert (tmp_path / "out.csv").read_bytes() == b"n,a\r\n"


def test_numbers_are_written_in_the_locale_of_the_connection_manager(tmp_path: Path) -> None:
    """Facts 2.3: the locale of a file is that of its connection manager, not that of the task."""

    def german(text: str) -> str:
        head, mark, tail = text.partition('DTS:ObjectName="Out"')
        return head + mark + tail.replace('LocaleID="1033"', 'LocaleID="1031"', 1)

    run_task(context_of(tmp_path, german))
    assert (tmp_path / "out.csv").read_text() == "n,a\n1,1,5\n"

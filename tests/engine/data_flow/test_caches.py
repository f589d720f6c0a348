"""Cache Transform and Lookup on a Cache connection manager. Facts: data flow, sections 3.9 and 3.23."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from airflow_provider_ssis.engine.context import DataTap, RunOptions
from airflow_provider_ssis.engine.data_flow.taps import RowsSink
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder
from airflow_provider_ssis.project.builder.data_flow import DataFlowBuilder
from airflow_provider_ssis.project.builder.flow_columns import Column
from tests.support.engine import Context, task_context, task_of
from tests.support.flow_runs import FlowTest, Rows, integer, text


@dataclass
class _Caching:
    """A package with data flows that fill and read a cache; they run in one run, one after the other."""

    test: FlowTest
    contexts: list[Context] = field(default_factory=list)

    def cache(self, keys: list[str], *, path: str = "") -> ConnectionManagerBuilder:
        columns = [Column("code", "DT_WSTR", length=50), Column("part", "DT_I4"), Column("name", "DT_WSTR", length=50)]
        return self.test.package.connection_managers.add_cache("Cache", columns, keys, path=path)

    def fill(self, cache: ConnectionManagerBuilder, content: str, name: str = "Fill") -> None:
        flow = self.test.package.add_data_flow(name)
        columns = [text("code"), integer("part"), text("name")]
        (self.test.folder / f"{name}.txt").write_text(content)
        file = self.test.file(name, columns)
        flow.add_cache_transform("Fill", flow.add_flat_file_source("In", file).output, cache)

    def look_up(self, cache: ConnectionManagerBuilder, joins: dict[str, str], content: str) -> None:
        flow: DataFlowBuilder = self.test.flow
        source = self.test.source("Keys", content, [text("k"), integer("n")])
        found = flow.add_lookup(
            "Lookup", source.output, cache, "", joins, {Column("name", "DT_WSTR", length=50): "name"}, no_match="ignore"
        )
        self.test.rows_of("Out", found.output)

    def run(self, *names: str) -> Rows:
        package = self.test.package.read()
        sink = RowsSink()
        for name in names:
            container = next(each for each in package.container.children if each.name == name)
            taps = (DataTap(container.path, "Out", lambda _path: sink),) if name == "Load" else ()
            context = task_context(package, name=name, options=RunOptions(taps=taps))
            if self.contexts:
                context.connections = self.contexts[0].connections
            self.contexts.append(context)
            task = task_of(context)
            refusals = list(task.refusals(context.options))
            assert not refusals, refusals
            task.run(context)
        self.contexts[0].opened.close()
        return list(sink.rows)


@pytest.fixture
def caching(tmp_path: Path) -> _Caching:
    return _Caching(FlowTest(tmp_path))


def test_a_lookup_reads_what_another_data_flow_has_written(caching: _Caching) -> None:
    cache = caching.cache(["code"])
    caching.fill(cache, "a,1,Alpha\nb,2,Beta\na,3,Second\n")
    caching.look_up(cache, {"k": "code"}, "b,1\nc,2\na,3\n")
    assert caching.run("Fill", "Load") == [("b", 1, "Beta"), ("c", 2, None), ("a", 3, "Alpha")]
    assert 0x802090E4 in caching.contexts[0].codes("warning")


def test_keys_have_the_order_of_the_index(caching: _Caching) -> None:
    cache = caching.cache(["part", "code"])
    caching.fill(cache, "a,1,One\na,2,Two\n")
    caching.look_up(cache, {"k": "code", "n": "part"}, "a,2\na,1\nb,1\n")
    assert caching.run("Fill", "Load") == [("a", 2, "Two"), ("a", 1, "One"), ("b", 1, None)]


def test_a_writer_can_write_again(caching: _Caching) -> None:
    cache = caching.cache(["code"])
    caching.fill(cache, "a,1,One\n")
    caching.look_up(cache, {"k": "code"}, "a,1\n")
    assert caching.run("Fill", "Fill", "Load") == [("a", 1, "One")]


def test_a_second_writer_fails(caching: _Caching) -> None:
    cache = caching.cache(["code"])
    caching.fill(cache, "a,1,One\n")
    caching.fill(cache, "b,2,Two\n", "Fill again")
    with pytest.raises(TaskFailure) as raised:
        caching.run("Fill", "Fill again")
    assert 0xC0010200 in [each.code for each in raised.value.chain]


def test_a_cache_that_is_not_filled_fails_the_lookup(caching: _Caching) -> None:
    cache = caching.cache(["code"])
    caching.look_up(cache, {"k": "code"}, "a,1\n")
    with pytest.raises(TaskFailure) as raised:
        caching.run("Load")
    assert 0xC0010205 in [each.code for each in raised.value.chain]


def test_the_index_must_be_joined_as_a_whole(caching: _Caching) -> None:
    cache = caching.cache(["code", "part"])
    caching.fill(cache, "a,1,One\n")
    caching.look_up(cache, {"k": "code"}, "a,1\n")
    with pytest.raises(TaskFailure) as raised:
        caching.run("Fill", "Load")
    assert 0xC020903F in [each.code for each in raised.value.chain]


def test_a_cache_in_a_file_is_rejected(caching: _Caching) -> None:
    cache = caching.cache(["code"], path="cache.caw")
    caching.fill(cache, "a,1,One\n")
    with pytest.raises(TaskFailure) as raised:
        caching.run("Fill")
    assert any("Set UseFile to False" in each.text for each in raised.value.chain)

"""How data flows run: queues, spilling, cancelling, failures in threads, taps and streams."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_ssis.engine.context import DataTap, RunOptions
from airflow_provider_ssis.engine.data_flow.queues import Inbox
from airflow_provider_ssis.engine.data_flow.taps import Sink, StreamSink, file_sink
from airflow_provider_ssis.engine.errors import Cancelled, TaskFailure
from airflow_provider_ssis.project.builder.flow_columns import Column
from tests.support.engine import failure_of, task_context, task_of
from tests.support.flow_runs import FlowTest, integer, text

_SCHEMA = pa.schema([("n", pa.int64())])


def _batch(*numbers: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(numbers, pa.int64())], schema=_SCHEMA)


@pytest.fixture
def flow(tmp_path: Path) -> FlowTest:
    return FlowTest(tmp_path)


# -- queues ------------------------------------------------------------------------------------------------------------


def threads_of_flows() -> list[threading.Thread]:
    """The running threads of data flows; those of triggers have similar names."""
    return [
        each
        for each in threading.enumerate()
        if each.name.startswith("ssis-") and not each.name.startswith("ssis-poller")
    ]


def test_a_full_queue_makes_the_pushing_thread_wait() -> None:
    inbox = Inbox({"A": _SCHEMA}, 1 << 20, 2, None)
    inbox.put("A", _batch(1, 2))
    pushed = threading.Event()

    def push() -> None:
        inbox.put("A", _batch(3))
        pushed.set()

    thread = threading.Thread(target=push)
    thread.start()
    assert not pushed.wait(0.05)
    reader = inbox.read("A")
    assert next(reader).to_pydict() == {"n": [1, 2]}
    assert pushed.wait(60)
    inbox.end("A")
    assert [batch.num_rows for batch in reader] == [1]
    thread.join()


def test_rows_of_one_input_go_to_disk_while_the_component_waits_for_another(tmp_path: Path) -> None:
    inbox = Inbox({"A": _SCHEMA, "B": _SCHEMA}, 1 << 20, 1, str(tmp_path))
    seen: list[int] = []
    first = threading.Event()

    def consume() -> None:
        first.set()
        for batch in inbox.read("A"):
            seen.extend(batch.column("n").to_pylist())
        for batch in inbox.read("B"):
            seen.extend(batch.column("n").to_pylist())

    thread = threading.Thread(target=consume)
    thread.start()
    first.wait(60)
    for number in range(100, 150):
        inbox.put("B", _batch(number))  # would block forever in a bounded queue
    inbox.put("A", _batch(1))
    inbox.end("B")
    inbox.end("A")
    thread.join(60)
    assert not thread.is_alive()
    assert seen == [1, *range(100, 150)]


def test_stopping_wakes_all_threads_at_a_queue() -> None:
    inbox = Inbox({"A": _SCHEMA}, 1 << 20, 1, None)
    inbox.put("A", _batch(1))
    outcomes: list[type[BaseException]] = []

    def push() -> None:
        try:
            inbox.put("A", _batch(2))
        except Cancelled as error:
            outcomes.append(type(error))

    thread = threading.Thread(target=push)
    thread.start()
    inbox.stop()
    thread.join(60)
    assert outcomes == [Cancelled]
    with pytest.raises(Cancelled):
        next(inbox.read("A"))


def test_rows_that_cannot_be_written_to_disk_fail_the_task(tmp_path: Path) -> None:
    inbox = Inbox({"A": _SCHEMA, "B": _SCHEMA}, 1 << 20, 1, str(tmp_path / "missing"))
    waits = threading.Thread(target=lambda: list(inbox.read("A")))
    waits.start()
    inbox.put("B", _batch(1))
    failure = failure_of(lambda: inbox.put("B", _batch(2)))
    assert failure.code == 0xC0047048
    inbox.end("A")
    waits.join(60)


# -- runs --------------------------------------------------------------------------------------------------------------


def _endless(rows: int) -> str:
    return "".join(f"{n}\n" for n in range(rows))


def test_cancelling_stops_a_run_and_closes_its_files(flow: FlowTest) -> None:
    source = flow.source("In", _endless(50_000), [integer("n")])
    flow.flow.add_flat_file_destination("Out", source.output, flow.file("Target", [integer("n")]))
    package = flow.package.read()
    started = threading.Event()

    class Sink(StreamSink):
        def write(self, batch: pa.RecordBatch) -> None:
            started.set()
            super().write(batch)

    sink = Sink(batches=1)
    tap = DataTap(package.container.children[0].path, "Out", lambda _path: sink)
    context = task_context(package, options=RunOptions(taps=(tap,)))

    def cancel() -> None:
        started.wait(60)
        context.cancel.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(Cancelled):
        task_of(context).run(context)
    thread.join()
    assert threads_of_flows() == []
    assert context.codes("error") == []
    assert context.codes("information")[-1] == 0x40043009


@pytest.mark.slow
@pytest.mark.parametrize("batches", range(0, 10, 2))
def test_cancelling_at_any_moment_leaves_no_thread_and_closes_all_files(flow: FlowTest, batches: int) -> None:
    source = flow.source("In", _endless(60_000), [integer("n")])
    both = flow.flow.add_multicast("Both", source.output, ["A", "B"])
    sorted_ = flow.flow.add_sort("Sort", both.outputs["A"], ["n"])
    united = flow.flow.add_union_all("Union", [sorted_.output, both.outputs["B"]])
    flow.flow.add_flat_file_destination("Out", united.output, flow.file("Target", [integer("n")]))
    package = flow.package.read()
    context = task_context(package)
    seen = 0

    class Cancelling(Sink):
        def write(self, batch: pa.RecordBatch) -> None:
            nonlocal seen
            seen += 1
            if seen > batches:
                context.cancel.cancel()

    tap = DataTap(package.container.children[0].path, "Out", lambda _path: Cancelling())
    context.options = RunOptions(taps=(tap,))
    with pytest.raises(Cancelled):
        task_of(context).run(context)
    assert threads_of_flows() == []
    open_files = [each.readlink() for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    assert not [each for each in open_files if flow.folder in each.parents]


def test_a_failure_in_one_branch_stops_the_others(flow: FlowTest) -> None:
    good = flow.source("Good", _endless(100_000), [integer("n")])
    bad = flow.source("Bad", "x\n", [integer("n")])
    flow.flow.add_flat_file_destination("A", good.output, flow.file("TargetA", [integer("n")]))
    flow.flow.add_flat_file_destination("B", bad.output, flow.file("TargetB", [integer("n")]))
    result = flow.run()
    assert result.failure is not None
    assert [said.code for said in result.errors] == [0xC02020A1, 0xC0209029, 0xC0202092, 0xC0047038]
    assert threads_of_flows() == []


def test_an_unexpected_error_fails_the_component(flow: FlowTest, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_ssis.engine.data_flow.components.copy_column import CopyColumn

    def broken(*_: object) -> Iterator[object]:
        raise MemoryError("no memory")

    monkeypatch.setattr(CopyColumn, "process", broken)
    source = flow.source("In", "1\n", [integer("n")])
    flow.rows_of("Out", flow.flow.add_copy_column("Copy", source.output, {"m": "n"}).output)
    result = flow.run()
    assert [said.code for said in result.errors] == [0xC0047062, 0xC0047022]
    assert result.errors[0].text == "The component Copy failed: MemoryError: no memory"


def test_taps_write_files_with_all_columns(flow: FlowTest) -> None:
    source = flow.source("In", "1,a\n2,\n", [integer("n"), text("s")])
    derived = flow.flow.add_derived_column("D", source.output, {Column("m", "DT_NUMERIC", precision=5, scale=1): "[n]"})
    flow.flow.add_flat_file_destination("Out", derived.output, flow.file("Target", [integer("n")]), mappings={"n": "n"})
    package = flow.package.read()
    path = package.container.children[0].path
    files = [flow.folder / "tap.csv", flow.folder / "tap.parquet"]
    taps = tuple(
        DataTap(path, "Paths[D.Derived Column Output]", lambda _path, file=file: file_sink(file), most)  # type: ignore[misc]
        for file, most in zip(files, (1, None), strict=True)
    )
    context = task_context(package, options=RunOptions(taps=taps))
    task_of(context).run(context)
    assert files[0].read_text() == "n,s,m\n1,a,1.0\n"
    assert pq.read_table(files[1]).to_pydict()["s"] == ["a", None]
    assert (flow.folder / "Target.txt").read_text() == "1\n2\n"


@pytest.mark.slow
def test_a_stream_of_rows_makes_the_data_flow_wait(flow: FlowTest) -> None:
    rows = 60_000
    source = flow.source("In", _endless(rows), [integer("n")])
    flow.flow.add_datareader_destination("Out", source.output)
    package = flow.package.read()
    sink = StreamSink(batches=1)
    tap = DataTap(package.container.children[0].path, "Out", lambda _path: sink)
    context = task_context(package, options=RunOptions(taps=(tap,)))
    failures: list[TaskFailure] = []

    def run() -> None:
        try:
            task_of(context).run(context)
        except TaskFailure as failure:
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    batches = list(sink.read())
    thread.join()
    assert not failures
    assert batches[0].schema.names == ["n"]
    assert sum(batch.num_rows for batch in batches) == rows

"""Script component, replaced by a Python function. Facts: data flow, section 3.6."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.data_flow.components.script import Directed, Script, ScriptRows
from airflow_provider_ssis.engine.errors import Cancelled, TaskFailure
from tests.support.flow_components import I4, WSTR, AloneContext, batch_of, plan_of, rows_of, run_component, tuples

_ROWS = rows_of(id=I4, name=WSTR, passed=WSTR)
_COLUMN = '<outputColumn refId="{0}.{1}" lineageId="{0}.{1}" name="{1}" dataType="{2}" length="{3}"/>'
_INPUT = """<inputs><input refId="I" name="Rows"><inputColumns>
    <inputColumn refId="I.id" lineageId="id"/>
    <inputColumn refId="I.name" lineageId="name" name="Label" usageType="readWrite"/>
    </inputColumns></input></inputs>"""


def _output(key: str, *columns: tuple[str, str, int], synchronous: bool = False, group: int = 0) -> str:
    attributes = f'synchronousInputId="I" exclusionGroup="{group}"' if synchronous else ""
    listed = "".join(_COLUMN.format(key, *column) for column in columns)
    return f'<output refId="{key}" name="{key}" {attributes}><outputColumns>{listed}</outputColumns></output>'


def _xml(*outputs: str, has_input: bool = True) -> str:
    return f"""<component refId="S" componentClassID="Microsoft.ManagedComponentHost" name="Clean"><properties>
        <property name="UserComponentTypeName" dataType="System.String">Microsoft.ScriptComponentHost</property>
        <property name="ReadOnlyVariables" dataType="System.String">User::Limit</property>
        <property name="ReadWriteVariables" dataType="System.String">Seen, User::Other</property></properties>
        {_INPUT if has_input else ""}<outputs>{"".join(outputs)}</outputs></component>"""


def _run(
    function: Callable[[ScriptRows], Any],
    *outputs: str,
    has_input: bool = True,
    variables: dict[str, Any] | None = None,
) -> tuple[dict[str, list[tuple[Any, ...]]], AloneContext, Script]:
    context = AloneContext(options=RunOptions(scripts={"\\P\\F\\Clean": function}), variables=variables or {})
    part = Script(plan_of(_xml(*outputs, has_input=has_input), {"I": _ROWS} if has_input else {}))
    rows = [batch_of(_ROWS, (1, "a", "x"), (2, "b", "y")), batch_of(_ROWS, (3, "c", "z"))]
    found = run_component(part, {"I": rows} if has_input else {}, context)
    return {key: tuples(table) for key, table in found.items()}, context, part


def test_a_source_yields_the_rows_of_its_output() -> None:
    def source(rows: ScriptRows) -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"text": ["one", None], "n": [1, 2]})
        yield pa.record_batch({"n": [3], "text": ["three"]})

    found, _, _ = _run(source, _output("O", ("n", "i4", 0), ("text", "wstr", 5)), has_input=False)
    assert found["O"] == [(1, "one"), (2, None), (3, "three")]


def test_a_synchronous_function_adds_and_changes_columns_and_others_pass() -> None:
    def clean(rows: ScriptRows) -> Iterator[pa.RecordBatch]:
        for batch in rows.input:
            assert batch.schema.names == ["id", "Label"]
            yield pa.record_batch({"Label": pc.utf8_upper(batch["Label"]), "double": pc.multiply(batch["id"], 2)})

    found, _, _ = _run(clean, _output("O", ("double", "i4", 0), synchronous=True))
    assert found["O"] == [(1, "A", "x", 2), (2, "B", "y", 4), (3, "C", "z", 6)]


def test_a_function_directs_each_row_to_an_output() -> None:
    def split(rows: ScriptRows) -> Iterator[Directed]:
        for batch in rows.input:
            yield Directed(batch, [{1: "Odd", 2: "Even"}.get(value) for value in batch["id"].to_pylist()])

    found, _, _ = _run(split, _output("Odd", synchronous=True, group=1), _output("Even", synchronous=True, group=1))
    assert found == {"Odd": [(1, "a", "x")], "Even": [(2, "b", "y")]}


def test_an_asynchronous_function_yields_for_outputs_by_name() -> None:
    def count(rows: ScriptRows) -> Iterator[tuple[str, pa.RecordBatch]]:
        total = sum(batch.num_rows for batch in rows.input)
        yield "A", pa.record_batch({"n": [total]})
        yield "B", pa.record_batch({"n": [-total]})

    found, _, _ = _run(count, _output("A", ("n", "i4", 0)), _output("B", ("n", "i4", 0)))
    assert found == {"A": [(3,)], "B": [(-3,)]}


def test_a_destination_reads_rows_and_writes_listed_variables() -> None:
    def consume(rows: ScriptRows) -> None:
        total = sum(pc.sum(batch["id"]).as_py() for batch in rows.input)
        rows.write("User::Seen", total + rows.read("User::Limit"))

    found, context, part = _run(consume, variables={"User::Limit": 10})
    assert found == {}
    assert context.variables["User::Seen"] == 16
    assert part.counts.rows == 3


def _forbidden_write(rows: ScriptRows) -> None:
    rows.write("Limit", 1)


def _too_few_rows(rows: ScriptRows) -> Iterator[pa.RecordBatch]:
    for batch in rows.input:
        yield batch.slice(0, 1)


def _no_batch(rows: ScriptRows) -> Iterator[pa.RecordBatch]:
    for _ in rows.input:
        pass
    yield from ()


def _not_all(rows: ScriptRows) -> Iterator[pa.RecordBatch]:
    yield next(rows.input)


def _undirected(rows: ScriptRows) -> Iterator[pa.RecordBatch]:
    yield from rows.input


def _wrongly_directed(rows: ScriptRows) -> Iterator[Directed]:
    for batch in rows.input:
        yield Directed(batch, ["Nowhere"] * batch.num_rows)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (_forbidden_write, "does not list the variable Limit as ReadWriteVariables"),
        (_too_few_rows, "yielded 1 rows for a batch of 2"),
        (_no_batch, "did not yield one batch for each batch"),
        (_not_all, "ended before it had read all rows"),
    ],
)
def test_a_synchronous_function_must_keep_the_rows(function: Callable[[ScriptRows], Any], text: str) -> None:
    with pytest.raises(TaskFailure, match=text) as raised:
        _run(function, _output("O", synchronous=True))
    assert (raised.value.code, raised.value.subcomponent) == (0xC0047062, "Clean [7]")


@pytest.mark.parametrize("error", [SystemExit(0), Cancelled()])
def test_a_function_cannot_end_the_run(error: BaseException) -> None:
    def source(rows: ScriptRows) -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"n": [1]})
        raise error

    with pytest.raises(TaskFailure, match=f"raised {type(error).__name__}"):
        _run(source, _output("O", ("n", "i4", 0)), has_input=False)


@pytest.mark.parametrize(
    ("function", "text"),
    [(_undirected, "has several outputs"), (_wrongly_directed, "the unknown output Nowhere; outputs: A, B")],
)
def test_each_row_needs_an_output_of_its_group(function: Callable[[ScriptRows], Any], text: str) -> None:
    with pytest.raises(TaskFailure, match=text):
        _run(function, _output("A", synchronous=True, group=1), _output("B", synchronous=True, group=1))


@pytest.mark.parametrize(
    ("yielded", "text"),
    [
        (pa.record_batch({"n": [1]}), "without the column text"),
        (pa.record_batch({"n": [1], "text": ["a"], "more": [1]}), "the column more, which the output O does not have"),
        (pa.record_batch({"n": [2**31], "text": ["a"]}), "the column n of type int64 for a column of type DT_I4"),
        (pa.record_batch({"n": ["1"], "text": ["a"]}), "the column n of type string"),
        (pa.record_batch({"n": [1], "text": ["abcdef"]}), "longer than the 5 of the column text"),
        (("P", pa.record_batch({"n": [1], "text": ["a"]})), "rows for the output 'P'"),
        ([1], "yielded a list"),
    ],
)
def test_rows_that_do_not_fit_the_output_fail(yielded: Any, text: str) -> None:
    with pytest.raises(TaskFailure, match=text):
        _run(lambda rows: [yielded], _output("O", ("n", "i4", 0), ("text", "wstr", 5)), has_input=False)


def test_a_script_without_a_function_is_refused() -> None:
    plan = plan_of(_xml(), {"I": _ROWS})
    [refusal] = Script.refusals(plan)
    assert repr("\\P\\F\\Clean") in refusal.advice
    assert list(Script.refusals(replace(plan, options=RunOptions(scripts={"\\P\\F\\Clean": print})))) == []


def test_a_mixture_of_outputs_is_refused() -> None:
    plan = plan_of(_xml(_output("O", synchronous=True), _output("A", ("n", "i4", 0))), {"I": _ROWS})
    plan = replace(plan, options=RunOptions(scripts={"\\P\\F\\Clean": print}))
    assert [one.why for one in Script.refusals(plan)] == ["it has synchronous and asynchronous outputs"]

"""Lookup. Facts: data flow, section 3.9."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from xml.sax.saxutils import escape

import pyarrow as pa
import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.data_flow.components.lookup import NO_MATCH, Lookup
from airflow_provider_ssis.engine.data_flow.databases.reading import batch_of_first_rows
from airflow_provider_ssis.engine.data_flow.lookup_references import CachedRows, PartialCache
from airflow_provider_ssis.engine.data_flow.memory.stored_rows import StoredRows
from airflow_provider_ssis.engine.errors import Cancelled, TaskFailure
from tests.support.catalog_sql import connect
from tests.support.flow_components import I4, R8, WSTR, AloneContext, batch_of, plan_of, rows_of, run_component, tuples

_SIGNED_NO_MATCH = NO_MATCH - 2**32
_REFERENCE = (
    "SELECT * FROM (VALUES ('ARS', 1, N'Peso'), ('EUR', 2, N'Euro'), ('EUR', 3, N'Second')) AS r(Code, Id, Name)"
)


@pytest.fixture(scope="module")
def server() -> Iterator[SsisdbEmulator]:
    with SsisdbEmulator() as server:
        yield server


@pytest.fixture(scope="module")
def database(server: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with connect(server) as connection:
        yield connection


def _metadata(*columns: tuple[str, str, int]) -> str:
    listed = "".join(
        f'<referenceColumn name="{name}" dataType="{type_}" length="{length}" precision="0" scale="0" codePage="0"/>'
        for name, type_, length in columns
    )
    return f"<referenceMetadata><referenceColumns>{listed}</referenceColumns></referenceMetadata>"


_CURRENCIES = _metadata(("Code", "DT_WSTR", 3), ("Id", "DT_I4", 0), ("Name", "DT_WSTR", 50))


def _xml(
    *,
    query: str = _REFERENCE,
    metadata: str = _CURRENCIES,
    join: str = "Code",
    disposition: str = "FailComponent",
    length: int = 50,
    truncation: str = "FailComponent",
    replaced: str = "",
    **properties: object,
) -> str:
    stored = {"SqlCommand": query, "ReferenceMetadataXml": metadata, "CacheType": 0, **properties}
    listed = "".join(
        f'<property name="{name}" dataType="x">{escape(str(value))}</property>' for name, value in stored.items()
    )
    copied = (
        f"""<inputColumn refId="I.v" lineageId="v" usageType="readWrite"><properties>
        <property name="CopyFromReferenceColumn" dataType="System.String">{replaced}</property>
        </properties></inputColumn>"""
        if replaced
        else ""
    )
    return f"""
<component refId="L" componentClassID="Microsoft.Lookup" name="Currency" usesDispositions="true">
 <properties>{listed}</properties>
 <connections><connection refId="C" name="OleDbConnection" connectionManagerID="db"/></connections>
 <inputs><input refId="I" name="In"><inputColumns>
  <inputColumn refId="I.k" lineageId="k"><properties>
   <property name="JoinToReferenceColumn" dataType="System.String">{join}</property></properties></inputColumn>{copied}
 </inputColumns></input></inputs>
 <outputs>
  <output refId="M" name="Match" synchronousInputId="I" exclusionGroup="1" errorRowDisposition="{disposition}">
   <outputColumns>
   <outputColumn refId="M.Id" lineageId="Id" name="Id" dataType="i4"><properties>
    <property name="CopyFromReferenceColumn" dataType="System.String">Id</property></properties></outputColumn>
   <outputColumn refId="M.N" lineageId="Name" name="Name" dataType="wstr" length="{length}"
     truncationRowDisposition="{truncation}"><properties>
    <property name="CopyFromReferenceColumn" dataType="System.String">Name</property></properties></outputColumn>
  </outputColumns></output>
  <output refId="X" name="No match" synchronousInputId="I" exclusionGroup="1"/>
  <output refId="E" name="Error" synchronousInputId="I" exclusionGroup="1" isErrorOut="true"><outputColumns>
   <outputColumn refId="E.C" lineageId="ErrorCode" name="ErrorCode" dataType="i4" specialFlags="1"/>
   <outputColumn refId="E.K" lineageId="ErrorColumn" name="ErrorColumn" dataType="i4" specialFlags="2"/>
  </outputColumns></output>
 </outputs></component>"""


_ROWS = rows_of(k=WSTR, v=WSTR)


def _run(
    database: pyodbc.Connection, *keys: str | None, context: AloneContext | None = None, **settings: object
) -> dict[str, list[tuple[object, ...]]]:
    part = Lookup(plan_of(_xml(**settings), {"I": _ROWS}))  # type: ignore[arg-type]
    context = context or AloneContext()
    context.connection = database
    rows = [(key, f"row {number}") for number, key in enumerate(keys)]
    batches = [batch_of(_ROWS, *rows[:2]), batch_of(_ROWS, *rows[2:])]
    return {key: tuples(table) for key, table in run_component(part, {"I": batches}, context).items()}


def test_a_match_adds_the_columns_of_the_first_row_with_the_key(database: pyodbc.Connection) -> None:
    context = AloneContext()
    found = _run(database, "EUR", "ARS", "EUR", context=context)
    assert found["M"] == [
        ("EUR", "row 0", 2, "Euro"),
        ("ARS", "row 1", 1, "Peso"),
        ("EUR", "row 2", 2, "Euro"),
    ]
    assert context.codes("information") == [0x400490F5, 0x402090E1, 0x402090E2]
    assert context.codes("warning") == [0x8020930C, 0x802090E4]


def test_duplicate_keys_can_be_an_error(database: pyodbc.Connection) -> None:
    with pytest.raises(TaskFailure, match="1 rows of the reference have the key of an earlier row"):
        _run(database, "EUR", TreatDuplicateKeysAsError="true")


def test_a_row_without_a_match_fails_the_component(database: pyodbc.Connection) -> None:
    with pytest.raises(TaskFailure, match="In row 3, the lookup of the row failed with 0xC020901E") as raised:
        _run(database, "EUR", "ARS", "BAD")
    assert raised.value.code == 0xC0209029


def test_a_row_without_a_match_is_redirected_with_error_column_0(database: pyodbc.Connection) -> None:
    found = _run(database, "BAD", "ARS", disposition="RedirectRow")
    assert found["E"] == [("BAD", "row 0", _SIGNED_NO_MATCH, 0)]
    assert found["M"] == [("ARS", "row 1", 1, "Peso")]
    assert found["X"] == []


def test_ignored_rows_without_a_match_have_null_in_the_new_columns(database: pyodbc.Connection) -> None:
    assert _run(database, "BAD", "ARS", disposition="IgnoreFailure")["M"] == [
        ("BAD", "row 0", None, None),
        ("ARS", "row 1", 1, "Peso"),
    ]


def test_rows_without_a_match_go_to_the_no_match_output(database: pyodbc.Connection) -> None:
    found = _run(database, "BAD", "ARS", "BAD", NoMatchBehavior=1)
    assert found["X"] == [("BAD", "row 0"), ("BAD", "row 2")]
    assert found["M"] == [("ARS", "row 1", 1, "Peso")]
    assert found["E"] == []


@pytest.mark.parametrize("key", ["eur", "EUR ", "ＥＵＲ", "", None])
def test_full_cache_compares_exactly(database: pyodbc.Connection, key: str | None) -> None:
    assert _run(database, key, NoMatchBehavior=1)["X"] == [(key, "row 0")]


def test_null_matches_null_in_full_cache_only(database: pyodbc.Connection) -> None:
    query = "SELECT * FROM (VALUES (NULL, 9, N'None'), ('A', 1, N'One')) AS r(Code, Id, Name)"
    assert _run(database, None, query=query)["M"] == [(None, "row 0", 9, "None")]
    asked = f"{query} WHERE Code = ?"
    for cache in (1, 2):
        found = _run(database, None, query=query, CacheType=cache, SqlCommandParam=asked, NoMatchBehavior=1)
        assert found["X"] == [(None, "row 0")]


@pytest.mark.parametrize("cache", [1, 2])
def test_partial_and_no_cache_compare_as_the_database_does(database: pyodbc.Connection, cache: int) -> None:
    asked = f"SELECT * FROM ({_REFERENCE}) AS refTable WHERE refTable.Code = ?"
    found = _run(database, "eur ", "EUR", "BAD", CacheType=cache, SqlCommandParam=asked, NoMatchBehavior=1)
    assert [row[0] for row in found["M"]] == ["eur ", "EUR"]
    assert found["X"] == [("BAD", "row 2")]


_MANY = "SELECT CONCAT('k', value) AS Code, value AS Id, N'Name' AS Name FROM GENERATE_SERIES(1, 40)"


@pytest.mark.parametrize(
    ("asked", "at_least", "at_most"),
    [
        ("SELECT * FROM ({0}) AS r WHERE r.Code = ?", 1, 12),
        ("SELECT * FROM ({0}) AS r WHERE r.Code = ? -- the end", 1, 12),
        ("SELECT * FROM ({0}) AS r WHERE r.Code = ? SELECT 1 AS Other", 43, 110),
        ("DECLARE @key nvarchar(9) = ?; SELECT * FROM ({0}) AS r WHERE r.Code = @key", 43, 110),
    ],
)
def test_queries_for_many_keys_travel_together_where_they_can(
    server: SsisdbEmulator, database: pyodbc.Connection, asked: str, at_least: int, at_most: int
) -> None:
    keys = [*(f"k{number}" for number in range(40, 0, -1)), "k", "k41", None, "k1"]
    before = server.traffic.requests
    found = _run(database, *keys, CacheType=2, SqlCommandParam=asked.format(_MANY), NoMatchBehavior=1)
    assert [row[::2] for row in found["M"]] == [*((f"k{number}", number) for number in range(40, 0, -1)), ("k1", 1)]
    assert [row[0] for row in found["X"]] == ["k", "k41", None]
    assert at_least <= server.traffic.requests - before <= at_most


def test_values_of_several_types_are_converted_one_by_one() -> None:
    batch = batch_of_first_rows([("Peso", 1), (2, None), (None, 3)], rows_of(name=WSTR, id=I4))
    assert batch.to_pydict() == {"name": ["Peso", "2", None], "id": [1, None, 3]}


@pytest.mark.parametrize("cache", [1, 2])
def test_the_error_of_a_query_fails_the_component(database: pyodbc.Connection, cache: int) -> None:
    asked = f"SELECT * FROM ({_REFERENCE}) AS r WHERE Id / (LEN(?) - 1) = 1"
    with pytest.raises(TaskFailure, match="Divide by zero"):
        _run(database, "EUR", "ARS", "A", CacheType=cache, SqlCommandParam=asked)


def test_parameters_have_the_order_of_the_parameter_map(database: pyodbc.Connection) -> None:
    asked = f"SELECT * FROM ({_REFERENCE}) AS refTable WHERE Code = ? AND Code >= ?"
    found = _run(database, "ARS", CacheType=1, SqlCommandParam=asked, ParameterMap="#{k};#{k};")
    assert found["M"] == [("ARS", "row 0", 1, "Peso")]


def test_a_reference_column_can_replace_an_input_column(database: pyodbc.Connection) -> None:
    found = _run(database, "ARS", "BAD", replaced="Name", NoMatchBehavior=1)
    assert found["M"] == [("ARS", "Peso", 1, "Peso")]
    assert found["X"] == [("BAD", "row 1")]


@pytest.mark.parametrize(
    ("truncation", "match", "error"),
    [
        ("IgnoreFailure", [("ARS", "row 0", 1, "Pe"), ("EUR", "row 1", 2, "Eu")], []),
        ("RedirectRow", [], [("ARS", "row 0", 0xC020401F - 2**32, 201), ("EUR", "row 1", 0xC020401F - 2**32, 201)]),
    ],
)
def test_a_copied_text_that_does_not_fit_is_a_truncation(
    database: pyodbc.Connection, truncation: str, match: list[object], error: list[object]
) -> None:
    found = _run(database, "ARS", "EUR", length=2, truncation=truncation)
    assert (found["M"], found["E"]) == (match, error)


def test_a_truncation_fails_the_component(database: pyodbc.Connection) -> None:
    with pytest.raises(TaskFailure, match='the column "Name" failed with 0xC020401F') as raised:
        _run(database, "ARS", length=2)
    assert raised.value.code == 0xC020902A


@pytest.mark.parametrize(
    ("type_", "reference", "code"),
    [(I4, "DT_WSTR", 0xC0208236), (WSTR, "DT_STR", 0xC0208236), (R8, "DT_R8", 0xC0208239)],
)
def test_types_that_cannot_be_joined_are_rejected(type_: object, reference: str, code: int) -> None:
    metadata = _metadata(("Code", reference, 3), ("Id", "DT_I4", 0), ("Name", "DT_WSTR", 50))
    part = Lookup(plan_of(_xml(metadata=metadata), {"I": rows_of(k=type_)}))  # type: ignore[arg-type]
    with pytest.raises(TaskFailure) as raised:
        part.validate(AloneContext())  # type: ignore[arg-type]
    assert raised.value.code == code


def test_a_lookup_without_a_join_is_rejected() -> None:
    part = Lookup(plan_of(_xml(join=""), {"I": _ROWS}))
    with pytest.raises(TaskFailure, match="joins no column") as raised:
        part.validate(AloneContext())  # type: ignore[arg-type]
    assert raised.value.code == 0xC02090F1


def test_broken_metadata_is_refused() -> None:
    refusals = list(Lookup.refusals(plan_of(_xml(metadata="<referenceMetadata>"), {"I": _ROWS})))
    assert [one.what for one in refusals] == ["the property ReferenceMetadataXml"]


def test_a_query_without_the_column_fails(database: pyodbc.Connection) -> None:
    with pytest.raises(TaskFailure, match="returns no column 'Name'") as raised:
        _run(database, "ARS", query="SELECT 'ARS' AS Code, 1 AS Id")
    assert raised.value.code == 0xC0202005


def test_an_error_of_the_database_fails_the_component(database: pyodbc.Connection) -> None:
    with pytest.raises(TaskFailure, match="missing_table") as raised:
        _run(database, "ARS", query="SELECT 1 FROM missing_table")
    assert raised.value.code == 0xC0202009


def test_a_reference_beyond_the_memory_is_kept_in_a_file_that_is_removed(
    database: pyodbc.Connection, tmp_path: Path
) -> None:
    context = AloneContext(options=RunOptions(memory_limit=1, temp_folder=str(tmp_path)))
    part = Lookup(plan_of(_xml(), {"I": _ROWS}))
    context.connection = database
    part.validate(cast(Any, context))
    part.open(cast(Any, context))
    assert {file.name for file in tmp_path.rglob("*")} >= {"rows.arrow", "index1"}
    found = [tuples(batch) for _, batch in part.process("I", batch_of(_ROWS, ("EUR", "x"), ("ARS", "y")))]
    assert found == [[("EUR", "x", 2, "Euro"), ("ARS", "y", 1, "Peso")]]
    part.close(failed=False)
    assert list(tmp_path.iterdir()) == []


def _cached(context: AloneContext) -> CachedRows:
    rows = StoredRows(pa.schema({"key": pa.int64()}), context.options)
    rows.append(pa.record_batch({"key": [1, 2]}))
    return CachedRows(rows, ["key"], cast(Any, context))


def test_rows_in_memory_are_kept_once() -> None:
    rows = StoredRows(pa.schema({"key": pa.int64()}), RunOptions())
    before = pa.total_allocated_bytes()
    for _ in range(4):
        rows.append(pa.record_batch({"key": pa.array(range(10_000), pa.int64())}))
    table = rows.table()
    assert pa.total_allocated_bytes() - before < 1.5 * table.nbytes


def test_cancelling_ends_the_building_of_an_index(tmp_path: Path) -> None:
    context = AloneContext(options=RunOptions(memory_limit=1, temp_folder=str(tmp_path)))
    context.cancel.cancel()
    with pytest.raises(Cancelled):
        _cached(context)
    assert list(tmp_path.iterdir()) == []


def _no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _no_memory(*_: object) -> None:
    raise MemoryError


@pytest.mark.parametrize(
    ("place", "fault", "code", "reason"),
    [
        ("os.posix_fallocate", _no_room, 0xC0047048, r"No space left on device\. Free"),
        (
            "airflow_provider_ssis.engine.data_flow.indexes.index_memory.IndexMemory.array",
            _no_memory,
            0xC0208247,
            "2 reference",
        ),
        ("pyarrow.ipc.new_file", _no_room, 0xC0047048, r"No space left on device\. Free"),
    ],
    ids=["disk", "memory", "disk for the rows"],
)
def test_an_index_without_room_fails_the_lookup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, fault: Callable[..., None], code: int, reason: str
) -> None:
    monkeypatch.setattr(place, fault)
    with pytest.raises(TaskFailure, match=reason) as raised:
        _cached(AloneContext(options=RunOptions(memory_limit=1, temp_folder=str(tmp_path))))
    assert raised.value.code == code


def test_a_partial_cache_forgets_the_rows_that_were_not_used_for_the_longest_time() -> None:
    row = (1,)
    cache = PartialCache(3000, 0)
    for key in ("a", "b"):
        cache.put((key,), row)
    cache.put(("missing",), None)
    assert cache.get(("missing",)) == (False, None)
    assert cache.get(("a",)) == (True, row)
    cache.put(("c",), row)
    assert [cache.get((key,))[0] for key in ("a", "b", "c")] == [True, False, True]


def test_a_partial_cache_keeps_misses_up_to_their_share() -> None:
    row = (1,)
    cache = PartialCache(10**6, 50)
    cache.put(("a",), row)
    for key in ("x", "y"):
        cache.put((key,), None)
    assert [cache.get((key,)) for key in ("a", "x", "y")] == [(True, row), (True, None), (False, None)]

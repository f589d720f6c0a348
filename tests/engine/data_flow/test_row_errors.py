"""Dispositions: which rows go on, which are redirected, and when the component fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from lxml import etree

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.row_errors import ColumnErrors, Sorted, apply_dispositions
from airflow_provider_ssis.engine.data_flow.rows import RowColumn, RowSchema
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.package.data_flow import read_pipeline

_XML = """
<pipeline version="1"><components>
<component refId="P\\F\\Convert" componentClassID="Microsoft.DataConvert" name="Convert">
 <inputs><input refId="I" name="In"><inputColumns/></input></inputs>
 <outputs>
  <output refId="O" name="Out" synchronousInputId="I" exclusionGroup="1"/>
  <output refId="E" name="Err" synchronousInputId="I" exclusionGroup="1" isErrorOut="true"><outputColumns>
   <outputColumn refId="E.C" lineageId="E.C" name="Fehlerspalte" dataType="i4" specialFlags="2"/>
   <outputColumn refId="E.K" lineageId="E.K" name="Fehlercode" dataType="i4" specialFlags="1"/>
  </outputColumns></output>
 </outputs></component></components></pipeline>"""
_INTEGER = ColumnType(DataTypeCode.DT_I4)
_BATCH = pa.RecordBatch.from_pydict({"a": pa.array([1, 2, 3, 4], pa.int32())})


def _plan(*, attached: bool = True) -> ComponentPlan:
    stored = read_pipeline(etree.fromstring(_XML), "p.dtsx").components[0]
    rows = RowSchema((RowColumn("a", "A", _INTEGER),))
    errors = rows.with_columns(RowColumn(name, name, _INTEGER) for name in ("E.C", "E.K"))
    return ComponentPlan(
        stored,
        "\\P\\F\\Convert",
        {"I": rows},
        {"O": rows, "E": errors},
        frozenset({"O", "E"} if attached else {"O"}),
        {"a": 7},
        1033,
        100,
        number=3,
    )


def _errors(*codes: int, disposition: str = "RedirectRow", truncated: bool = False, column: str = "a") -> ColumnErrors:
    return ColumnErrors(np.array(codes, np.uint32), truncated, disposition, column, 'the column "A"')


def _apply(*errors: ColumnErrors, attached: bool = True) -> Sorted:
    return apply_dispositions(_plan(attached=attached), _BATCH, errors, 11)


def test_rows_without_errors_all_go_on() -> None:
    assert _apply(_errors(0, 0, 0, 0)) == Sorted(None, None)


def test_ignored_errors_change_nothing() -> None:
    assert _apply(_errors(0, 0xC020907F, 0, 0, disposition="IgnoreFailure")) == Sorted(None, None)


def test_a_redirected_row_has_its_first_error_once() -> None:
    found = _apply(_errors(0, 0xC020907F, 0, 0), _errors(0, 0xC0209080, 0, 0xC0209080, column="", truncated=True))
    assert found.kept is not None
    assert found.redirected is not None
    assert found.kept.tolist() == [True, False, True, False]
    assert found.redirected.to_pydict() == {
        "a": [2, 4],
        "E.C": [7, 0],
        "E.K": [0xC020907F - 2**32, 0xC0209080 - 2**32],
    }


def test_rows_are_dropped_if_no_path_leads_from_the_error_output() -> None:
    found = _apply(_errors(1, 0, 0, 0), attached=False)
    assert found.redirected is None
    assert found.kept is not None
    assert found.kept.tolist() == [False, True, True, True]


@pytest.mark.parametrize(("truncated", "code"), [(False, 0xC0209029), (True, 0xC020902A)])
def test_the_first_row_that_fails_is_named(truncated: bool, code: int) -> None:
    errors = _errors(0, 0, 0xC020907F, 0xC020907F, disposition="FailComponent", truncated=truncated)
    cause = TaskFailure("The value cannot be converted.", 0xC02020A1)
    with pytest.raises(TaskFailure) as raised:
        _apply(_errors(0, 1, 0, 0), replace(errors, detail=lambda row: cause))
    failure = raised.value
    assert (failure.code, failure.subcomponent, failure.chain) == (code, "Convert [3]", (cause, failure))
    assert (
        'In row 13, the column "A" failed with 0xC020907F (DTS_E_TXDATACONVERTSTATIC_CANTCONVERTVALUE)' in failure.text
    )


def test_a_redirected_row_does_not_fail_in_a_later_column() -> None:
    found = _apply(_errors(1, 0, 0, 0), _errors(1, 0, 0, 0, disposition="FailComponent"))
    assert found.kept is not None
    assert found.kept.tolist() == [False, True, True, True]

"""The error output of Pivot. Facts: data flow, sections 1.12, 1.13 and 3.20."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.components.pivot import DUPLICATE, UNKNOWN_VALUE, Pivot
from tests.support.flow_components import I4, WSTR, AloneContext, batch_of, plan_of, rows_of, run_component, tuples

_ROWS = rows_of(who=WSTR, month=I4, amount=I4)
_XML = """
<component refId="P" componentClassID="Microsoft.Pivot" name="Pivot"><inputs><input refId="I" name="In"><inputColumns>
 <inputColumn refId="I.who" lineageId="who"><properties><property name="PivotUsage" dataType="x">1</property>
 </properties></inputColumn>
 <inputColumn refId="I.month" lineageId="month" errorRowDisposition="{disposition}"><properties>
  <property name="PivotUsage" dataType="x">2</property></properties></inputColumn>
 <inputColumn refId="I.amount" lineageId="amount"><properties><property name="PivotUsage" dataType="x">3</property>
 </properties></inputColumn></inputColumns></input></inputs>
 <outputs><output refId="O" name="Out"><outputColumns>
  <outputColumn refId="O.who" lineageId="O.who" name="who" {type}><properties>
   <property name="SourceColumn" dataType="x">#{{who}}</property></properties></outputColumn>
  <outputColumn refId="O.jan" lineageId="O.jan" name="jan" dataType="i4"><properties>
   <property name="SourceColumn" dataType="x">#{{amount}}</property>
   <property name="PivotKeyValue" dataType="System.String">{key}</property></properties></outputColumn>
 </outputColumns></output>
 <output refId="E" name="Error" synchronousInputId="I" exclusionGroup="1" isErrorOut="true"><outputColumns>
  <outputColumn refId="E.C" lineageId="ErrorCode" name="ErrorCode" dataType="i4" specialFlags="1"/>
  <outputColumn refId="E.K" lineageId="ErrorColumn" name="ErrorColumn" dataType="i4" specialFlags="2"/>
 </outputColumns></output></outputs></component>"""


@pytest.mark.parametrize(
    ("disposition", "redirected"),
    [
        ("IgnoreFailure", []),
        (
            "RedirectRow",
            [("x", 1, 20, DUPLICATE - 2**32, 101), ("y", 9, 5, UNKNOWN_VALUE - 2**32, 101)],
        ),
    ],
)
def test_rows_with_repeated_and_unknown_keys_follow_the_disposition(
    disposition: str, redirected: list[tuple[object, ...]]
) -> None:
    xml = _XML.format(disposition=disposition, type='dataType="wstr" length="50"', key="1")
    plan = plan_of(xml, {"I": _ROWS})
    rows = batch_of(_ROWS, ("x", 1, 10), ("x", 1, 20), ("y", 9, 5), ("z", 1, 7))
    found = run_component(Pivot(plan), {"I": [rows]})
    assert tuples(found["O"]) == [("x", 10), ("z", 7)]
    assert tuples(found["E"]) == redirected


def test_times_with_offsets_are_the_same_key_if_their_moments_are() -> None:
    type_ = ColumnType(DataTypeCode.DT_DBTIMESTAMPOFFSET, scale=7)
    xml = _XML.format(
        disposition="FailComponent", type='dataType="dbTimeStampOffset" scale="7"', key="2024-01-01 01:00:00 +01:00"
    )
    ticks = 638_396_640_000_000_000
    here, there = ({"ticks": ticks, "minutes": minutes} for minutes in (0, 60))
    rows = rows_of(who=type_, month=type_, amount=I4)
    found = run_component(
        Pivot(plan_of(xml, {"I": rows}, unattached=["E"])),
        {"I": [batch_of(rows, (there, here, 10), (None, there, 20))]},
    )
    assert tuples(found["O"]) == [(there, 10), (None, 20)]


def _ignored(type_: ColumnType, key: str, *values: object) -> str:
    """Return the end of the report of values without a column."""
    xml = _XML.format(disposition="FailComponent", type='dataType="wstr" length="50"', key=key)
    ignore = '<properties><property name="PassThroughUnmatchedPivotKeys">true</property></properties><inputs>'
    rows = rows_of(who=WSTR, month=type_, amount=I4)
    context = AloneContext()
    plan = plan_of(xml.replace("<inputs>", ignore), {"I": rows}, unattached=["E"])
    run_component(Pivot(plan), {"I": [batch_of(rows, *(("x", value, 1) for value in values))]}, context)
    return context.messages[-1][2].rpartition(": ")[2]


def test_ignored_keys_are_reported_as_text() -> None:
    moment = ColumnType(DataTypeCode.DT_DBTIMESTAMPOFFSET, scale=0)
    there = {"ticks": 638_396_640_000_000_000, "minutes": 60}
    assert _ignored(moment, "2024-01-02 01:00:00 +01:00", there, None) == "2024-01-01 01:00:00 +01:00, NULL."
    assert _ignored(I4, "0", *range(1, 200)).endswith(" 99, 100 and others.")

"""The columns that a destination writes: from the types of the flow to those of the external columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import DATES, STRINGS, TIMES, ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.databases.converted import Converted, mask_of
from airflow_provider_ssis.engine.data_flow.databases.driver_columns import cast_values, convert_values
from airflow_provider_ssis.engine.data_flow.databases.driver_dates import TICKS_BEFORE_UNIX
from airflow_provider_ssis.engine.data_flow.databases.statuses import ValueStatus
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import column_type
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.package.data_flow import ComponentInput

_T = DataTypeCode
_TICKS_FROM_1601 = (date(1970, 1, 1).toordinal() - date(1601, 1, 1).toordinal()) * 86_400 * 10_000_000
_CANNOT_CONVERT = 0xC02020F6
_CLOCK = r"[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]{1,9})?"
_ISO_TIME = rf"^\s*{_CLOCK}\s*$"
_ISO_DATE = rf"^\s*[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}(\s+{_CLOCK}(\s*[+-][0-9]{{1,2}}:[0-9]{{2}})?)?\s*$"
_NARROW, _WIDE = (_T.DT_STR, _T.DT_TEXT), (_T.DT_WSTR, _T.DT_NTEXT)


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """A column that is written.

    :param lineage_id: the column of the flow.
    :param name: the column of the table.
    :param source: the type in the flow.
    :param target: the type of the external column.
    """

    lineage_id: str
    name: str
    source: ColumnType
    target: ColumnType


def target_columns(plan: ComponentPlan, input_: ComponentInput) -> tuple[TargetColumn, ...]:
    """Return the columns that a destination writes: those that are mapped to an external column.

    :param plan: the component.
    :param input_: its input.
    :raises TaskFailure: 0xC02020F6, a column with Unicode text is mapped to one with a code page, or the reverse.
    """
    external = {column.key: column for column in input_.external_columns}
    flow = plan.inputs[input_.key].by_lineage if input_.key in plan.inputs else {}
    found = []
    for column in input_.columns:
        target = external.get(column.external_key)
        if target is None or column.lineage_id not in flow:
            continue
        source = flow[column.lineage_id].type
        type_ = column_type(target.data_type)
        for first, second in ((_NARROW, _WIDE), (_WIDE, _NARROW)):
            if source.code in first and type_.code in second:
                raise TaskFailure(
                    f"The column {flow[column.lineage_id].name} cannot be written to {target.name}: {source} and "
                    f"{type_} are Unicode and non-Unicode text. Convert it with a Data Conversion before "
                    f"{plan.stored.name}.",
                    _CANNOT_CONVERT,
                )
        found.append(TargetColumn(column.lineage_id, target.name, source, type_))
    return tuple(found)


def convert_for_target(array: pa.Array, source: ColumnType, target: ColumnType) -> Converted:
    """Convert a column of the flow to the type of an external column, as the provider does.

    :param array: the values, in the Arrow type of ``source``.
    :param source: the type in the flow.
    :param target: the type of the external column.
    """
    if source == target:
        return Converted(array)
    if source.code in STRINGS and target.code in DATES | TIMES:
        return _dates_of_text(array, target)
    if source.code in DATES | TIMES and target.code in STRINGS:
        # Providers write DT_DATE, too, in the form of ISO.
        is_automation = source.code is _T.DT_DATE
        return cast_values(array, ColumnType(_T.DT_DBTIMESTAMP) if is_automation else source, target)
    is_ticks = source.code is _T.DT_DBTIMESTAMP2 and pa.types.is_int64(array.type)
    if (is_ticks and target.code is not _T.DT_DBTIMESTAMP2) or (is_ticks and target.scale <= 6):
        array = _timestamps(array, TICKS_BEFORE_UNIX)
    elif source.code is _T.DT_FILETIME and target.code is not _T.DT_FILETIME:
        array = _timestamps(array, _TICKS_FROM_1601)
    elif source.code is _T.DT_GUID and target.code is not _T.DT_GUID:
        return cast_values(array, source, target)
    return convert_values(array, target)


def _dates_of_text(array: pa.Array, target: ColumnType) -> Converted:
    """Dates and times of text in the form of ISO, the only form that providers know, in each locale.

    Source: Microsoft Learn, "Bindings and Conversions (OLE DB)".
    """
    known = pc.match_substring_regex(array, _ISO_DATE)
    if target.code in TIMES:
        known = pc.or_(known, pc.match_substring_regex(array, _ISO_TIME))
    found = convert_values(pc.if_else(known, array, pa.scalar(None, array.type)), target)
    unknown = mask_of(pc.invert(known))
    if not unknown.any():
        return found
    statuses = np.zeros(len(array), np.uint8) if found.statuses is None else found.statuses.copy()
    statuses[unknown] = ValueStatus.CONVERSION
    return Converted(found.values, statuses)


def _timestamps(ticks: pa.Array, before_unix: int) -> pa.Array:
    return pc.divide(pc.subtract(ticks, before_unix), 10).cast(pa.timestamp("us"))

"""Data taps: files with the rows that pass a path of a data flow."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_ssis.catalog.codes import OperationStatus, OperationType, PermissionType, SecuredObjectType
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.rows import insert, next_id

_ALL_ROWS: Final = -1


@catalog_procedure(
    "add_data_tap",
    "@execution_id bigint, @task_package_path nvarchar(max), @dataflow_path_id_string nvarchar(4000),"
    " @data_filename nvarchar(4000), @max_rows int = NULL, @data_tap_id bigint = NULL OUTPUT",
)
async def add_data_tap(call: CatalogCall) -> None:
    """27143 may not, 27103 no such execution, 27212 started, 27213 tapped already."""
    await _add(call, "package_path", call["task_package_path"], taken=27213)


@catalog_procedure(
    "add_data_tap_by_guid",
    "@execution_id bigint, @dataflow_task_guid uniqueidentifier, @dataflow_path_id_string nvarchar(4000),"
    " @data_filename nvarchar(4000), @max_rows int = NULL, @data_tap_id bigint = NULL OUTPUT",
)
async def add_data_tap_by_guid(call: CatalogCall) -> None:
    """27143 may not, 27103 no such execution, 27212 started, 27214 tapped already."""
    await _add(call, "dataflow_task_guid", call["dataflow_task_guid"], taken=27214)


async def _add(call: CatalogCall, column: str, task: Any, *, taken: int) -> None:
    """Add a tap, on the task that a column names.

    :param taken: the number of the error if the task and path have a tap.
    """
    execution_id, path = call["execution_id"], call["dataflow_path_id_string"]
    async with call.transaction() as store:
        if not _may_change(call, execution_id):
            raise call.refuse(27143, execution_id)
        status = _status(call, execution_id)
        if status is None:
            raise call.refuse(27103, execution_id)
        if status != OperationStatus.CREATED:
            raise call.refuse(27212)
        if store.fetch(
            "SELECT 1 FROM internal.execution_data_taps WHERE execution_id = ?"
            f" AND lower(rtrim(CAST({column} AS VARCHAR), ' ')) = lower(rtrim(CAST(? AS VARCHAR), ' '))"
            " AND lower(rtrim(dataflow_path_id_string, ' ')) = lower(rtrim(?, ' '))",
            [execution_id, task, path],
        ):
            raise call.refuse(taken, *([task] if taken == 27214 else []), execution_id)
        data_tap_id = next_id(store, "data_tap_id")
        limit = call["max_rows"]
        insert(
            store,
            "execution_data_taps",
            {
                "data_tap_id": data_tap_id,
                "execution_id": execution_id,
                column: task,
                "dataflow_path_id_string": path,
                "max_rows": _ALL_ROWS if limit is None or limit < 0 else limit,
                "filename": call["data_filename"],
            },
        )
    call.set_output("data_tap_id", data_tap_id)


@catalog_procedure("remove_data_tap", "@data_tap_id bigint")
async def remove_data_tap(call: CatalogCall) -> None:
    """27215 no such tap, 27143 may not, 27212 started."""
    data_tap_id = call["data_tap_id"]
    async with call.transaction() as store:
        row = call.first("SELECT execution_id FROM internal.execution_data_taps WHERE data_tap_id = ?", data_tap_id)
        if row is None:
            raise call.refuse(27215, data_tap_id)
        execution_id = int(row[0])
        if not _may_change(call, execution_id):
            raise call.refuse(27143, execution_id)
        if _status(call, execution_id) != OperationStatus.CREATED:
            raise call.refuse(27212)
        store.execute("DELETE FROM internal.execution_data_taps WHERE data_tap_id = ?", [data_tap_id])


def _may_change(call: CatalogCall, execution_id: int | None) -> bool:
    if execution_id is None:
        return call.is_admin
    return call.may(PermissionType.MODIFY, SecuredObjectType.OPERATION, execution_id)


def _status(call: CatalogCall, execution_id: int | None) -> int | None:
    row = call.first(
        "SELECT status FROM internal.operations WHERE operation_id = ? AND operation_type = ?",
        execution_id,
        int(OperationType.EXECUTION),
    )
    return None if row is None else int(row[0])

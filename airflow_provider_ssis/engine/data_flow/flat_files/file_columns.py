"""Which columns of a flat file belong to the columns of a component."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.flat_files.file_format import FileFormat
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.package.data_flow import ExternalColumn

COLUMN_MISMATCH = 0xC020820B
"""DTS_E_MISMATCHCONNECTIONMANAGERCOLUMN."""


def file_columns(plan: ComponentPlan, external: Sequence[ExternalColumn], found: FileFormat) -> Sequence[int]:
    """Return the index of the file's column for each external column.

    It is that with its name. A component that does not validate its external columns has them by their places; there
    a name at another place is refused, because it may be the name or the place that is wrong.

    :param plan: the source or destination.
    :param external: the external columns of its output or input.
    :param found: the format of the file.
    :raises TaskFailure: 0xC020820B, the connection manager has no column of a name, or has it at another place.
    """
    names = [column.name.casefold() for column in found.columns]
    validates = plan.stored.validate_external_metadata
    places = []
    for index, column in enumerate(external):
        name = column.name.casefold()
        is_known = name in names
        if not name or names[index : index + 1] == [name] or (not is_known and not validates):
            places.append(index)
        elif is_known and validates:
            places.append(names.index(name))
        else:
            at = f', but "{found.columns[index].name}" at its place' if index < len(found.columns) else ""
            has = (
                f'has "{column.name}" as column {names.index(name) + 1}'
                if is_known
                else f'has no column "{column.name}"'
            )
            raise TaskFailure(
                f"The connection manager of {plan.stored.name} {has}{at}. Give the column the same name and place in "
                "both, or open the component in Visual Studio to update it.",
                COLUMN_MISMATCH,
            )
    return places

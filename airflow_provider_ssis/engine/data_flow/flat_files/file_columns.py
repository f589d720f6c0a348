"""Which columns of a flat file belong to the columns of a component."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.flat_files.file_format import FileFormat
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.package.data_flow import ExternalColumn

_OTHER_COLUMN = 0xC020820B
"""DTS_E_MISMATCHCONNECTIONMANAGERCOLUMN."""


def file_columns(plan: ComponentPlan, external: Sequence[ExternalColumn], found: FileFormat) -> Sequence[int]:
    """Return the index of the file's column for each external column: that with its name, or else at its place.

    :param plan: the source or destination.
    :param external: the external columns of its output or input.
    :param found: the format of the file.
    :raises TaskFailure: 0xC020820B, the connection manager has no column of a name. Only components that validate their
        external columns look for it.
    """
    indices = {column.name.casefold(): index for index, column in enumerate(found.columns)}
    names = [column.name.casefold() for column in external]
    if set(names) <= indices.keys() and len(set(names)) == len(names):
        return [indices[name] for name in names]
    if plan.stored.validate_external_metadata:
        for index, column in enumerate(external):
            if column.name and column.name.casefold() not in indices:
                at = f', but "{found.columns[index].name}" at its place' if index < len(found.columns) else ""
                raise TaskFailure(
                    f'The connection manager of {plan.stored.name} has no column "{column.name}"{at}. Give the column '
                    "the same name in both, or open the component in Visual Studio to update it.",
                    _OTHER_COLUMN,
                )
    return range(len(external))

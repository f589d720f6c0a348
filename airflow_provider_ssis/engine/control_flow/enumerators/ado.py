"""The Foreach ADO enumerator: the rows or tables of a result set in a variable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.control_flow.enumerators.enumerator import ForeachEnumerator
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.recordset import RecordSet, record_sets
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.loops import AdoEnumerator

_GET_ENUMERATOR = 0xC0014023
"""DTS_E_GETENUMERATOR."""
_FIRST_TABLE, _ALL_ROWS, _TABLES = "EnumerateRowsInFirstTable", "EnumerateAllRows", "EnumerateTables"


class AdoTurns(ForeachEnumerator[AdoEnumerator]):
    """An iteration for each row of the first table or of all tables, or for each table."""

    def refusals(self) -> Iterator[Refusal]:
        """Yield an unknown type of enumeration."""
        if self.data.enumeration not in (_FIRST_TABLE, _ALL_ROWS, _TABLES):
            what = f"the type of enumeration {self.data.enumeration!r}"
            yield Refusal(self.where, what, f"the types are {_FIRST_TABLE}, {_ALL_ROWS} and {_TABLES}")

    def validate(self, context: TaskContext) -> None:
        """Check that the variable exists and can hold a result set."""
        if context.type_of(self.data.variable) != "Object":
            raise TaskFailure(
                f"The variable {self.data.variable} of the loop is not of the type Object.", _GET_ENUMERATOR
            )

    def turns(self, context: TaskContext) -> Iterator[Sequence[Any]]:
        """Yield the columns of each row, or each table as the only value."""
        tables = self._tables(context.read(self.data.variable))
        if self.data.enumeration == _TABLES:
            for table in tables:
                yield (table,)
            return
        for table in tables[:1] if self.data.enumeration == _FIRST_TABLE else tables:
            for row in table:
                context.cancel.check()
                yield row

    def _tables(self, value: object) -> Sequence[RecordSet]:
        found = record_sets(value)
        if found is not None:
            return found
        # A script may put rows without column names into the variable.
        if isinstance(value, (list, tuple)) and all(isinstance(row, (list, tuple)) for row in value):
            return (RecordSet((), [tuple(row) for row in value]),)
        held = "nothing" if value is None else f"a value of the type {type(value).__name__}"
        raise TaskFailure(
            f"The loop cannot read rows from the variable {self.data.variable}: it contains {held}. Fill it with an"
            " Execute SQL task with a full result set, or a Recordset destination.",
            _GET_ENUMERATOR,
        )

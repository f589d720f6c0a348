"""The OLE DB Destination: writes a table, row by row or as a fast load."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted
from airflow_provider_ssis.engine.data_flow.databases.query_source import text_of_variable
from airflow_provider_ssis.engine.data_flow.databases.stored_options import (
    CODE_PAGES,
    code_page_refusals,
    fast_load_refusals,
    fast_load_words,
)
from airflow_provider_ssis.engine.data_flow.databases.table_destination import NO_TABLE, Load, TableDestination
from airflow_provider_ssis.engine.data_flow.databases.table_writer import WriteOptions
from airflow_provider_ssis.engine.data_flow.databases.target_columns import target_columns
from airflow_provider_ssis.engine.data_flow.row_errors import REDIRECT
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import flag_of, number_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import negative_numbers, unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

_TABLE, _TABLE_OF_VARIABLE, _COMMAND, _FAST, _FAST_OF_VARIABLE = "0", "1", "2", "3", "4"
_PROPERTIES = CODE_PAGES | {
    "AccessMode",
    "CommandTimeout",
    "FastLoadKeepIdentity",
    "FastLoadKeepNulls",
    "FastLoadMaxInsertCommitSize",
    "FastLoadOptions",
    "OpenRowset",
    "OpenRowsetVariable",
    "SqlCommand",
}
_SELECT = re.compile(r"\s*select\s+[^()]+?\s+from\s+([^\s;]+)\s*;?\s*", re.IGNORECASE)

COMMITS_AT_END, COMMIT_STARTED, COMMIT_ENDED = 0x4020F42C, 0x402090DF, 0x402090E0
_REDIRECT_WITHOUT_COMMITS = 0xC00470C7


class OleDbDestination(TableDestination):
    """Writes a table through ODBC, or with a bulk load."""

    classes: ClassVar[tuple[str, ...]] = ("OLEDBDestination",)
    parts: ClassVar[StoredParts] = StoredParts(dispositions=frozenset({INPUT}))

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield unknown properties and options, and a command from which no table can be taken."""
        yield from unknown_properties(plan, _PROPERTIES)
        yield from code_page_refusals(plan)
        yield from negative_numbers(plan, "CommandTimeout", "FastLoadMaxInsertCommitSize")
        mode = plan.text("AccessMode", _TABLE)
        if mode not in (_TABLE, _TABLE_OF_VARIABLE, _COMMAND, _FAST, _FAST_OF_VARIABLE):
            yield Refusal(plan.path, f"the access mode {mode}", "it is not one of an OLE DB Destination (0 to 4)")
        if mode in (_FAST, _FAST_OF_VARIABLE):
            yield from fast_load_refusals(plan)
        if mode == _COMMAND and not _SELECT.fullmatch(plan.text("SqlCommand")):
            yield Refusal(
                plan.path,
                "an SQL command as destination",
                "the engine writes only tables, and the columns of SELECT column, … FROM table",
                "Choose a table or view.",
            )

    @property
    def _is_fast(self) -> bool:
        return self.plan.text("AccessMode", _TABLE) in (_FAST, _FAST_OF_VARIABLE)

    def load(self, context: TaskContext) -> Load:
        """Return the table and the options of the component."""
        plan, properties = self.plan, self.plan.stored.properties
        options = fast_load_words(plan.text("FastLoadOptions")) if self._is_fast else frozenset()
        commit_rows = number_of(properties, "FastLoadMaxInsertCommitSize") if self._is_fast else plan.buffer_rows
        if self._is_fast and not commit_rows and self.disposition == REDIRECT:
            raise TaskFailure(
                f"{plan.stored.name} cannot redirect rows with a maximum insert commit size of 0, because all rows are "
                "one batch. Choose another size.",
                _REDIRECT_WITHOUT_COMMITS,
            )
        return Load(
            WriteOptions(
                self._table(context),
                target_columns(plan, plan.stored.inputs[0]),
                is_fast=self._is_fast,
                is_bulk=self._is_fast,
                keep_identity=self._is_fast and flag_of(properties, "FastLoadKeepIdentity"),
                keep_nulls=not self._is_fast or flag_of(properties, "FastLoadKeepNulls"),
                check_constraints="CHECK_CONSTRAINTS" in options,
                table_lock="TABLOCK" in options,
                fire_triggers="FIRE_TRIGGERS" in options,
                timeout=number_of(properties, "CommandTimeout"),
            ),
            commit_rows,
        )

    def _table(self, context: TaskContext) -> str:
        plan = self.plan
        mode = plan.text("AccessMode", _TABLE)
        if mode in (_TABLE_OF_VARIABLE, _FAST_OF_VARIABLE):
            return text_of_variable(context, plan.text("OpenRowsetVariable"), "the name of a table")
        if mode == _COMMAND:
            match = _SELECT.fullmatch(plan.text("SqlCommand"))
            name = match[1] if match else ""
        else:
            name = plan.text("OpenRowset")
        if not name.strip():
            raise TaskFailure(f"{plan.stored.name} has no table. Choose one.", NO_TABLE)
        return name

    def open(self, context: TaskContext) -> None:
        """Connect, and prepare the writer."""
        super().open(context)
        self._context = context
        if self._is_fast and not self._load.commit_rows:
            text = f"{self.plan.stored.name} commits all rows at the end: its maximum insert commit size is 0."
            context.information(text, COMMITS_AT_END, subcomponent=self.plan.subcomponent)

    def finish(self) -> Iterable[Emitted]:
        """Commit; a fast load reports the final commit."""
        if not self._is_fast:
            return super().finish()
        name, subcomponent = self.plan.stored.name, self.plan.subcomponent
        self._context.information(f"{name}: the final commit has started.", COMMIT_STARTED, subcomponent=subcomponent)
        emitted = super().finish()
        self._context.information(f"{name}: the final commit has ended.", COMMIT_ENDED, subcomponent=subcomponent)
        return emitted

"""The inputs and outputs of a task, collected while its parts are read."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_ssis.project.lineage.addresses import Address, Dataset, UnknownAddress, name_parts, table_of
from airflow_provider_ssis.project.lineage.query_columns import Name, Origin
from airflow_provider_ssis.project.lineage.statements import statement_lineage

Uses = dict[Dataset, set[str]]
"""The used columns of each table or file."""
DatasetColumn = tuple[Dataset, str]


@dataclass(slots=True)
class TaskUses:
    """What a task reads and writes.

    :param columns: the origins of each written column.
    :param notes: what is missing, and why.
    """

    reads: Uses = field(default_factory=dict)
    writes: Uses = field(default_factory=dict)
    columns: dict[DatasetColumn, set[DatasetColumn]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add_table(self, uses: Uses, name: str, address: Address) -> Dataset:
        """Record a table.

        :param uses: the reads or the writes.
        :param name: its name as a task stores it.
        :param address: its server; for a spreadsheet the file that contains it.
        :return: the table.
        :raises UnknownAddress: the table cannot be named.
        """
        found = address.file or table_of(address, name_parts(name))
        uses.setdefault(found, set())
        return found

    def add_sql(self, sql: str, address: Address) -> dict[str, set[DatasetColumn]]:
        """Record what SQL reads and writes.

        :param sql: the statements.
        :param address: the server; for a spreadsheet the file that the SQL reads.
        :return: the origins of each column of the query, by name.
        """
        if address.file is not None:
            self.reads.setdefault(address.file, set())
            return {}
        found = statement_lineage(sql)
        self.notes += found.notes
        for uses, tables in ((self.reads, found.reads), (self.writes, found.writes)):
            for name, columns in tables.items():
                if (dataset := self._dataset(name, address)) is not None:
                    uses.setdefault(dataset, set()).update(columns)
        for target, origins in found.columns.items():
            written = self._columns({target}, address)
            for one in written:
                self.columns.setdefault(one, set()).update(self._columns(origins, address))
        return {name: self._columns(origins, address) for name, origins in found.results.items()}

    def _columns(self, origins: set[Origin], address: Address) -> set[DatasetColumn]:
        named = ((self._dataset(name, address), column) for name, column in origins)
        return {(dataset, column) for dataset, column in named if dataset is not None}

    def _dataset(self, name: Name, address: Address) -> Dataset | None:
        try:
            return table_of(address, name)
        except UnknownAddress as error:
            self.notes.append(str(error))
            return None

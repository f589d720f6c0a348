"""Transformations that add facts about the run, or read and write files that columns name."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_ssis.project.builder.components import Component, InputColumn, Output, OutputColumn
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.flow_elements import DataFlowElements
from airflow_provider_ssis.project.builder.flow_properties import boolean, int32, reference

AUDIT_ITEMS = {
    "execution id": (0, Column("", "DT_GUID")),
    "package id": (1, Column("", "DT_GUID")),
    "package name": (2, Column("", length=128)),
    "version id": (3, Column("", "DT_GUID")),
    "start time": (4, Column("", "DT_DATE")),
    "machine name": (5, Column("", length=128)),
    "user name": (6, Column("", length=128)),
    "task name": (7, Column("", length=128)),
    "task id": (8, Column("", "DT_GUID")),
}
"""The number that a package stores, and the type of the column, by the name of the fact."""
_BLOBS = ("DT_TEXT", "DT_NTEXT", "DT_IMAGE")
_PATHS = ("DT_WSTR", "DT_STR")
_OPENING, _READING, _WRITING = "File Open", "File Read", "File Write"
_ERRORS = ("errorRowDisposition",)
"""Such a column has no disposition for truncations."""


class FileColumns(DataFlowElements):
    """The methods that add an Audit, Export Column or Import Column."""

    def add_audit(self, name: str, source: Output, columns: Mapping[str, str]) -> Component:
        """Add an Audit, which adds facts about the run to each row.

        :param name: its name.
        :param source: the output before it.
        :param columns: the fact by the name of the new column: ``execution id``, ``package id``, ``package name``,
            ``version id``, ``start time``, ``machine name``, ``user name``, ``task name`` or ``task id``.
        :raises BuildError: a name is invalid or used, there is no column, or no such fact.
        """
        ref_id = self._start(name)
        unknown = [each for each in columns.values() if each not in AUDIT_ITEMS]
        if not columns or unknown:
            raise self._error(name, f"needs one of the facts {', '.join(AUDIT_ITEMS)}")
        added = []
        for new, item in columns.items():
            number, column = AUDIT_ITEMS[item]
            added.append(OutputColumn(column.renamed(new), properties={"LineageItemSelected": int32(number)}))
        output = self._output(
            ref_id,
            "Audit Output",
            tuple(source.columns().values()),
            self._new_columns(name, added, source),
            self._group(ref_id, "Audit Input"),
        )
        made = self._input(name, ref_id, "Audit Input", source)
        return self._add(name, "Lineage", 0, {}, inputs=[made], outputs=[output])

    def add_export_column(
        self,
        name: str,
        source: Output,
        columns: Mapping[str, str],
        *,
        append: bool = False,
        truncate: bool = False,
        write_bom: bool = False,
    ) -> Component:
        """Add an Export Column, which writes values to files.

        :param name: its name.
        :param source: the output before it.
        :param columns: the column with the path by the column with the value of type DT_TEXT, DT_NTEXT or DT_IMAGE.
        :param append: append to an existing file. Default: False, such a file is an error.
        :param truncate: replace an existing file. Default: False.
        :param write_bom: begin the file with a byte order mark. Default: False.
        :raises BuildError: a name is invalid or used, there is no column, or one is not upstream or has another type.
        """
        ref_id = self._start(name)
        if not columns or (append and truncate):
            raise self._error(name, "needs columns, and not both to append and to truncate")
        upstream = source.columns()
        flags = {"AllowAppend": boolean(append), "ForceTruncate": boolean(truncate)}
        used = []
        for value, path in columns.items():
            found = self._typed(name, value, source, _BLOBS)
            self._typed(name, path, source, _PATHS)
            for each, id_, operation in (
                (found, int32(0), _WRITING),
                (upstream[path], reference(found.lineage_id), _OPENING),
            ):
                used.append(
                    InputColumn(
                        each,
                        operation=operation,
                        can_fail=_ERRORS,
                        properties={**flags, "FileDataColumnID": id_, "WriteBOM": boolean(write_bom)},
                    )
                )
        if len({each.source.lineage_id for each in used}) < len(used):
            raise self._error(name, "uses a column twice")
        return self._add(
            name,
            "Extractor",
            0,
            {},
            uses_dispositions=True,
            inputs=[self._input(name, ref_id, "Export Column Input", source, used)],
            outputs=self._row_outputs(ref_id, "Export Column", source),
        )

    def add_import_column(
        self, name: str, source: Output, columns: Mapping[Column, str], *, expect_bom: bool = False
    ) -> Component:
        """Add an Import Column, which reads files into new columns.

        :param name: its name.
        :param source: the output before it.
        :param columns: the column with the path by the new column of type DT_TEXT, DT_NTEXT or DT_IMAGE.
        :param expect_bom: the files begin with a byte order mark. Default: False.
        :raises BuildError: as for :meth:`add_export_column`.
        """
        ref_id = self._start(name)
        wrong = [each.name for each in columns if each.data_type not in _BLOBS]
        if not columns or wrong:
            raise self._error(name, f"needs new columns of the types {', '.join(_BLOBS)}")
        added = [OutputColumn(each, operation=_READING, can_fail=_ERRORS) for each in columns]
        main, error = self._row_outputs(ref_id, "Import Column", source, self._new_columns(name, added, source))
        used = [
            InputColumn(
                self._typed(name, path, source, _PATHS),
                operation=_OPENING,
                can_fail=_ERRORS,
                properties={
                    "ExpectBOM": boolean(expect_bom),
                    "FileDataColumnID": reference(main.lineage_id(new.name)),
                },
            )
            for new, path in columns.items()
        ]
        if len({each.source.lineage_id for each in used}) < len(used):
            raise self._error(name, "uses a column twice")
        return self._add(
            name,
            "Inserter",
            0,
            {},
            uses_dispositions=True,
            inputs=[self._input(name, ref_id, "Import Column Input", source, used)],
            outputs=[main, error],
        )

"""Lookups of data flows: they add columns of a reference table to rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.builder.column_types import column_type
from airflow_provider_ssis.project.builder.components import Component, InputColumn, Output, OutputColumn
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.flow_elements import SIDE_EFFECTS, DataFlowElements
from airflow_provider_ssis.project.builder.flow_properties import (
    NULL,
    Properties,
    Property,
    boolean,
    int32,
    text,
)

if TYPE_CHECKING:
    from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder

CACHE_TYPES = ("full", "partial", "none")
_NO_MATCH = {"fail": "FailComponent", "ignore": "IgnoreFailure", "redirect": "RedirectRow", "output": "FailComponent"}
_NOT_KEYS = ("DT_R4", "DT_R8", "DT_TEXT", "DT_NTEXT", "DT_IMAGE")
_TRUNCATION = ("truncationRowDisposition",)


class Lookups(DataFlowElements):
    """The methods that add a lookup, or a component that fills the cache of one."""

    def add_lookup(
        self,
        name: str,
        source: Output,
        connection: ConnectionManagerBuilder,
        sql: str,
        joins: Mapping[str, str],
        columns: Mapping[Column, str] | None = None,
        *,
        replace: Mapping[str, str] | None = None,
        no_match: str = "fail",
        cache: str = "full",
        reference: Sequence[Column] = (),
        sql_with_parameters: str | None = None,
        no_match_cache_percentage: int = 0,
        duplicates_are_errors: bool = False,
    ) -> Component:
        """Add a Lookup. Its outputs are ``Lookup Match Output``, the main one, ``Lookup No Match Output`` and
        ``Lookup Error Output``.

        :param name: its name.
        :param source: the output before it.
        :param connection: the OLEDB connection manager of the reference table, or a CACHE connection manager.
        :param sql: the query that returns the reference table; empty for a CACHE connection manager.
        :param joins: the key column of the reference table by the name of the column upstream.
        :param columns: the reference columns that new columns copy: ``{Column("Key", "DT_I4"): "CurrencyKey"}``.
            Default: none.
        :param replace: the reference columns that replace the values of columns upstream. Default: none.
        :param no_match: a row without a match fails the component (``fail``), gets NULL (``ignore``), goes to the error
            output (``redirect``) or to the no match output (``output``). Default: ``fail``.
        :param cache: ``full``: the reference table is read before the first row; ``partial``: rows are queried and
            kept; ``none``: each row is queried. Default: ``full``.
        :param reference: all columns of the reference table. Default: the keys, with the types of the columns upstream,
            and the copied columns.
        :param sql_with_parameters: the query for one row, with a ``?`` for each join. Default: made from ``sql``.
        :param no_match_cache_percentage: the part of a partial cache for rows without a match. Default: 0.
        :param duplicates_are_errors: reject a reference table with equal keys. Default: False, the first one is used.
        :raises BuildError: a name is invalid or used, a column is unknown, has another type than its key or a type
            that cannot be a key, or the connection manager is not visible here.
        """
        ref_id = self._start(name, connection, "OLEDB", "CACHE")
        is_cached = connection.kind == "CACHE"
        if bool(sql.strip()) is is_cached or not joins or (is_cached and cache != "full"):
            raise self._error(name, "needs joins, and either a query or a CACHE connection manager with the full cache")
        for value, known in ((no_match, tuple(_NO_MATCH)), (cache, CACHE_TYPES)):
            if value not in known:
                raise self._error(name, f"has the unknown option {value!r}. Options: {', '.join(known)}")
        upstream = source.columns()
        keys = {original: self._column(name, original, upstream) for original in joins}
        reference_columns = self._reference_columns(
            name,
            reference or connection.cache_columns,
            {joins[original]: each.column for original, each in keys.items()},
            {
                **{original: column for column, original in (columns or {}).items()},
                **{each: self._column(name, original, upstream).column for original, each in (replace or {}).items()},
            },
        )
        used = [
            InputColumn(
                each,
                properties={
                    "JoinToReferenceColumn": text(joins[original]),
                    "CopyFromReferenceColumn": text(replace[original])
                    if original in (replace or {}) and replace
                    else NULL,
                },
                read_write=original in (replace or {}),
                operation="Copy Column" if original in (replace or {}) else None,
                can_fail=_TRUNCATION,
            )
            for original, each in keys.items()
        ]
        used += [
            InputColumn(
                self._column(name, original, upstream),
                properties={"JoinToReferenceColumn": NULL, "CopyFromReferenceColumn": text(each)},
                read_write=True,
                operation="Copy Column",
                can_fail=_TRUNCATION,
            )
            for original, each in (replace or {}).items()
            if original not in keys
        ]
        added = [
            OutputColumn(
                column,
                operation="Copy Column",
                can_fail=_TRUNCATION,
                properties={"CopyFromReferenceColumn": text(original)},
            )
            for column, original in (columns or {}).items()
        ]
        if sql_with_parameters is None and not is_cached:
            where = " and ".join(f"[refTable].[{each.replace(']', ']]')}] = ?" for each in joins.values())
            sql_with_parameters = "\n".join(("select * from (", sql, ") [refTable]", f"where {where}"))
        parameter_map = "" if is_cached else "".join(f"#{{{each.lineage_id}}};" for each in keys.values())
        properties: Properties = {
            "SqlCommand": text(sql, can_have_expression=True),
            "SqlCommandParam": text(sql_with_parameters or "", can_have_expression=True),
            "ConnectionType": int32(int(is_cached)),
            "CacheType": int32(CACHE_TYPES.index(cache)),
            "NoMatchBehavior": int32(int(no_match == "output")),
            "NoMatchCachePercentage": int32(no_match_cache_percentage),
            "MaxMemoryUsage": int32(25),
            "MaxMemoryUsage64": Property("System.Int64", "25"),
            "ReferenceMetadataXml": text(_metadata(reference_columns)),
            "ParameterMap": Property("System.String", parameter_map, contains_id=True),
            "DefaultCodePage": int32(1252),
            "TreatDuplicateKeysAsError": boolean(duplicates_are_errors),
        }
        label = "Lookup"
        group = self._group(ref_id, f"{label} Input")
        passed = tuple(upstream.values())
        failure = {"errorOrTruncationOperation": label, "errorRowDisposition": _NO_MATCH[no_match]}
        return self._add(
            name,
            "Lookup",
            6,
            properties,
            uses_dispositions=True,
            connection=("CacheConnection" if is_cached else "OleDbConnection", connection),
            inputs=[self._input(name, ref_id, f"{label} Input", source, used)],
            outputs=[
                self._output(
                    ref_id,
                    "Lookup Match Output",
                    passed,
                    self._new_columns(name, added, source),
                    {**group, **failure},
                ),
                self._output(ref_id, "Lookup No Match Output", passed, attributes=group),
                self._error_output(ref_id, label, source),
            ],
        )

    def add_cache_transform(
        self,
        name: str,
        source: Output,
        connection: ConnectionManagerBuilder,
        *,
        mappings: Mapping[str, str] | None = None,
    ) -> Component:
        """Add a Cache Transform, which fills a CACHE connection manager for lookups.

        :param name: its name.
        :param source: the output before it.
        :param connection: the CACHE connection manager.
        :param mappings: the column of the cache by the name of the column upstream. Default: columns of equal names.
        :raises BuildError: a name is invalid or used, a column of the cache gets no values or values of another type,
            or the connection manager is not visible here.
        """
        ref_id = self._start(name, connection, "CACHE")
        cached = {each.name: each for each in connection.cache_columns}
        upstream = source.columns()
        chosen = {each: each for each in upstream if each in cached} if mappings is None else dict(mappings)
        missing = set(cached) ^ set(chosen.values())
        if missing:
            raise self._error(
                name, f"maps its columns to other columns than the cache has: {', '.join(sorted(missing))}"
            )
        used = []
        for original, target in chosen.items():
            found = self._column(name, original, upstream)
            self._check_type(name, found.column, cached[target])
            used.append(InputColumn(found, properties={"CacheColumnName": text(target)}))
        label = "Cache Input"
        output = self._output(
            ref_id,
            "Cache Output",
            tuple(upstream.values()),
            attributes={"synchronousInputId": f"{ref_id}.Inputs[{label}]"},
        )
        return self._add(
            name,
            "Cache",
            1,
            {"TreatDuplicateKeysAsError": boolean(False)},
            connection=("CacheConnection", connection),
            inputs=[self._input(name, ref_id, label, source, used, SIDE_EFFECTS)],
            outputs=[output],
        )

    def _reference_columns(
        self, name: str, listed: Sequence[Column], keys: Mapping[str, Column], copied: Mapping[str, Column]
    ) -> list[Column]:
        """Return the columns of the reference table, after checking the keys and copies."""
        found = {each.name: each for each in listed} or {
            reference: column.renamed(reference) for reference, column in {**copied, **keys}.items()
        }
        for reference, column in keys.items():
            if reference not in found:
                raise self._error(name, f"joins the unknown reference column {reference}")
            self._check_type(name, column, found[reference])
            if column.data_type in _NOT_KEYS:
                raise self._error(name, f"cannot join {column.name}: {column.data_type} cannot be a key")
        unknown = [each for each in copied if each not in found]
        if unknown:
            raise self._error(name, f"copies the unknown reference column {unknown[0]}")
        return list(found.values())

    def _check_type(self, name: str, column: Column, other: Column) -> None:
        if column.data_type != other.data_type:
            raise self._error(
                name, f"needs equal types: {column.name} has {column.data_type}, {other.name} {other.data_type}"
            )


def _metadata(columns: Sequence[Column]) -> str:
    """Return the text that describes the reference table."""
    root = etree.Element("referenceMetadata")
    listed = etree.SubElement(root, "referenceColumns")
    for each in columns:
        parts = column_type(each.data_type, each.name).parts
        etree.SubElement(
            listed,
            "referenceColumn",
            {
                "name": each.name,
                "dataType": each.data_type,
                "length": str(each.length if "length" in parts else 0),
                "precision": str(each.precision if "precision" in parts else 0),
                "scale": str(each.scale if "scale" in parts else 0),
                "codePage": str(each.code_page if "code_page" in parts else 0),
            },
        )
    return etree.tostring(root, encoding="unicode")

"""The element of a cache with its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.project.builder.column_types import BUILT_TYPES, TYPE_NAMES, column_type
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.xml import element, guid
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.package.connections import CacheColumn, DtsConnectionManager

if TYPE_CHECKING:
    from lxml.etree import _Element


def cache(
    name: str, columns: Sequence[Column], keys: Sequence[str], path: str, part: str, scope: tuple[str, ...]
) -> _Element:
    """Return the inner element of the connection manager of a cache.

    :param columns: the columns.
    :param keys: the columns of the index, in their order.
    :param path: the file of the cache; empty for none.
    :param part: the file that contains the connection manager, for errors.
    :param scope: the names that make ids unique.
    :raises BuildError: there are no columns, two have one name, or the index is empty or has another column.
    """
    names = [each.name for each in columns]
    if not names or len(set(names)) < len(names):
        raise BuildError(f"the cache {name} needs columns with different names", part=part)
    if not keys or not set(keys) <= set(names) or len(set(keys)) < len(keys):
        raise BuildError(f"the cache {name} needs an index of its columns", part=part)
    made = element("ConnectionManager", {"UseFile": bool(path), "ConnectionString": path})
    listed = element("CacheColumns")
    for each in columns:
        found = column_type(each.data_type, f"{name}.{each.name}")
        listed.append(
            element(
                "CacheColumn",
                {
                    "IndexPosition": keys.index(each.name) + 1 if each.name in keys else 0,
                    "Length": each.length if "length" in found.parts else None,
                    "DataType": found.code,
                    "Precision": each.precision if "precision" in found.parts else None,
                    "Scale": (each.scale or None) if "scale" in found.parts else None,
                    "CodePage": each.code_page if "code_page" in found.parts else None,
                    "ObjectName": each.name,
                    "DTSID": guid(*scope, "connection", name, "column", each.name),
                    "CreationName": "",
                },
            )
        )
    made.append(listed)
    return made


def stored_cache_columns(found: DtsConnectionManager) -> tuple[Column, ...]:
    """Return the columns of a cache that was read."""
    return tuple(_stored(each) for each in found.cache_columns if each.data_type in TYPE_NAMES)


def _stored(found: CacheColumn) -> Column:
    name = TYPE_NAMES[found.data_type]
    values: dict[str, Any] = {
        "length": found.length,
        "precision": found.precision,
        "scale": found.scale,
        "code_page": found.code_page,
    }
    return replace(Column(found.name, name), **{each: values[each] for each in BUILT_TYPES[name].parts})

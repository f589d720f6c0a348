"""The stored properties of columns: types, references, and properties with numbers and flags."""

from __future__ import annotations

import re
from collections.abc import Mapping

from airflow_provider_ssis.datatypes import COLUMN_TYPES, STRINGS, ColumnType, DataTypeCode
from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.package.data_flow import (
    Component,
    ComponentInput,
    ComponentProperty,
    DataType,
    InputColumn,
)

_DEFAULT_CODE_PAGE = 1252
_NONE = re.compile(r"[{\\](?:0|-1):invalid\}$")
Properties = Mapping[str, ComponentProperty]


def column_type(stored: DataType) -> ColumnType:
    """Return the type of a stored column.

    :param stored: the type as the package stores it: by its name or, in some packages, its number.
    :raises KeyError: the package names a type that does not exist.
    """
    code = COLUMN_TYPES.get(stored.name)
    if code is None and stored.name.isdecimal() and int(stored.name) in COLUMN_TYPES.values():
        code = DataTypeCode(int(stored.name))
    if code is None:
        raise KeyError(stored.name)
    is_sized = code in STRINGS or code is DataTypeCode.DT_BYTES
    code_page = stored.code_page
    if code in (DataTypeCode.DT_STR, DataTypeCode.DT_TEXT):
        code_page = code_page or _DEFAULT_CODE_PAGE
    return ColumnType(code, stored.length if is_sized else 0, stored.precision, stored.scale, code_page)


def fits(arriving: ColumnType, declared: ColumnType) -> bool:
    """Whether a column of a declared type can have the values of an arriving column without a conversion.

    The declared type of a package that was not opened since its source changed can be an old one.

    :param arriving: the type of the arriving column.
    :param declared: the type of the column that takes its values.
    """
    same = (arriving.code, arriving.scale, arriving.code_page) == (declared.code, declared.scale, declared.code_page)
    is_wide = arriving.code is not DataTypeCode.DT_NUMERIC or arriving.precision <= declared.precision
    return same and is_wide and arriving.length <= declared.length


def text_of(properties: Properties, name: str, default: str = "") -> str:
    """Return the text of a property.

    :param default: for a property that is absent or has no value. Default: empty.
    """
    found = properties.get(name)
    return default if found is None or found.data_type == "System.Null" else found.text


def number_of(properties: Properties, name: str, default: int = 0) -> int:
    """Return the number of a property.

    :param default: for a property that is absent or has no value. Default: 0.
    :raises InvalidPartError: it is not a number.
    """
    found = properties.get(name)
    text = text_of(properties, name).strip()
    if found is None or not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise InvalidPartError(
            f"contains a property {name} with the value {text!r}, which is not a number",
            part=found.part,
            line=found.element.sourceline,
        ) from None


def flag_of(properties: Properties, name: str, *, default: bool = False) -> bool:
    """Return whether a property is true: ``true``, ``True``, ``1`` or ``-1``.

    :param default: for a property that is absent or has no value. Default: False.
    """
    text = text_of(properties, name).strip().lower()
    return text in ("true", "1", "-1") if text else default


def reference_of(properties: Properties, name: str) -> str:
    """Return the id to which a property refers: ``#{refId}`` or ``#12`` without the marks; empty for none.

    Numbers without a mark, and 0 and -1 for none, are in old packages.
    """
    return plain_reference(text_of(properties, name))


def plain_reference(text: str) -> str:
    """Return a reference without its marks: ``#{refId}``, ``#12`` or ``12``; empty for none.

    SSIS stores the number of an object that does not exist as ``#{Package\\Flow\\12:invalid}``, also 0 for none.
    """
    text = text.strip()
    if text.startswith("#{") and text.endswith("}"):
        return "" if _NONE.search(text) else text[2:-1]
    text = text.removeprefix("#")
    return "" if text in ("0", "-1") else text


def input_column(component: Component, reference: str) -> tuple[ComponentInput, InputColumn] | None:
    """Return the input column with a key or lineage id, and its input; None if the component has none.

    Properties of Sort and Aggregate refer to lineage ids, those of Merge Join to keys of input columns.
    """
    for each in component.inputs:
        for column in each.columns:
            if reference in (column.key, column.lineage_id):
                return each, column
    return None

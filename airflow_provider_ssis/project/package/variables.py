"""Variables and parameters of a package."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.datatypes import BY_VARIANT_TYPE, parse_value
from airflow_provider_ssis.project.dts import DtsContents
from airflow_provider_ssis.project.namespaces import DTS, XML_ENCRYPTION
from airflow_provider_ssis.project.package.elements import DtsElement, number
from airflow_provider_ssis.project.protection.encrypted_values import DPAPI_BLOB

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.models import ParameterValue

IN_DEBUG_DUMP = 6789
_BY_NAME = {data_type.name: data_type for data_type in BY_VARIANT_TYPE.values()}


@dataclass(frozen=True, slots=True)
class DtsVariable(DtsElement):
    """A variable, visible in the container that declares it and in everything inside.

    :param namespace: ``User``, ``System``, or any other.
    :param data_type: its type: a name as for parameters, or ``Object``, ``Currency``, ``Char``, ``Empty``, ``DBNull``;
        ``VARTYPE`` and the number if it is unknown.
    :param text: the stored value as text; empty for an Object.
    :param expression: the expression of its value.
    :param evaluate_as_expression: whether the expression is used.
    """

    namespace: str
    name: str
    data_type: str
    text: str
    expression: str
    evaluate_as_expression: bool
    read_only: bool
    raise_changed_event: bool
    include_in_debug_dump: bool
    description: str
    id: str

    @property
    def qualified_name(self) -> str:
        """The name with its namespace: ``User::Rows``."""
        return f"{self.namespace}::{self.name}"

    @property
    def value(self) -> ParameterValue:
        """The stored value; None for an Object or an empty value of a type without one.

        :raises InvalidPartError: the type is unknown, or the text is not a value of it.
        """
        return _value(self, "variable", self.qualified_name, self.data_type, self.text)


@dataclass(frozen=True, slots=True)
class DtsParameter(DtsElement):
    """A parameter that a package declares.

    :param data_type: its type, as in the catalog's views.
    :param text: the design default as text; None if it is absent or encrypted. Not part of the ``repr``.
    :param encrypted: whether the design default is encrypted.
    """

    name: str
    data_type: str
    text: str | None = field(repr=False)
    required: bool
    sensitive: bool
    encrypted: bool
    description: str
    id: str

    @property
    def value(self) -> ParameterValue:
        """The design default; None if it is absent or encrypted.

        :raises InvalidPartError: the type is unknown, or the text is not a value of it.
        """
        return None if self.text is None else _value(self, "parameter", self.name, self.data_type, self.text)


def read_variable(element: _Element, part: str) -> DtsVariable:
    """Read a variable.

    :param element: ``DTS:Variable``.
    :param part: the file that contains it, for errors.
    :raises InvalidPartError: the code of its type is not a number.
    """
    found = DtsContents(element)
    value = next(iter(found.children("VariableValue")), None)
    owner = DtsElement(element, part)
    return DtsVariable(
        element,
        part,
        namespace=found.text("Namespace"),
        name=found.text("ObjectName"),
        data_type=_type_name(owner, None if value is None else value.get(f"{DTS}DataType")),
        text="" if value is None or len(value) else value.text or "",
        expression=found.text("Expression"),
        evaluate_as_expression=found.flag("EvaluateAsExpression"),
        read_only=found.flag("ReadOnly"),
        raise_changed_event=found.flag("RaiseChangedEvent"),
        include_in_debug_dump=found.text("IncludeInDebugDump").strip() == str(IN_DEBUG_DUMP),
        description=found.text("Description"),
        id=found.text("DTSID"),
    )


def read_parameter(element: _Element, part: str) -> DtsParameter:
    """Read a parameter of a package.

    :param element: ``DTS:PackageParameter``.
    :param part: the file that contains it, for errors.
    :raises InvalidPartError: the code of its type is not a number.
    """
    found = DtsContents(element)
    properties = {child.get(f"{DTS}Name"): child for child in element.iterfind(f"{DTS}Property")}
    value = properties.get("ParameterValue", properties.get("DefaultValue"))  # the second in format 5
    text = element.get(f"{DTS}DefaultValue") if value is None else value.text or ""
    encrypted = value is not None and (
        value.find(f"{XML_ENCRYPTION}EncryptedData") is not None or (value.text or "").startswith(DPAPI_BLOB)
    )
    return DtsParameter(
        element,
        part,
        name=found.text("ObjectName"),
        data_type=_type_name(DtsElement(element, part), found.text("DataType")),
        text=None if encrypted else text,
        required=found.flag("Required"),
        sensitive=found.flag("Sensitive"),
        encrypted=encrypted,
        description=found.text("Description"),
        id=found.text("DTSID"),
    )


def _type_name(owner: DtsElement, code: str | None) -> str:
    variant_type = number(code, 0, owner, "DataType")
    known = BY_VARIANT_TYPE.get(variant_type)
    return f"VARTYPE {variant_type}" if known is None else known.name


def _value(owner: DtsElement, kind: str, name: str, type_name: str, text: str) -> ParameterValue:
    data_type = _BY_NAME.get(type_name)
    if data_type is None:
        raise owner.error(f"the {kind} {name} has the unknown data type {type_name}")
    try:
        return parse_value(text, data_type)
    except ValueError as error:
        problem = f"the {kind} {name} has a value that is not valid for its type {type_name}: {error}"
        raise owner.error(problem) from None

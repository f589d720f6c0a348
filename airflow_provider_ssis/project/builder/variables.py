"""Variables and parameters, as the builder keeps and writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.builder.values import StoredValue
from airflow_provider_ssis.project.builder.xml import element
from airflow_provider_ssis.project.package.variables import IN_DEBUG_DUMP

if TYPE_CHECKING:
    from lxml.etree import _Element

_NOT_IN_DEBUG_DUMP = 2345
_EMPTY_OBJECT = (
    '<SOAP-ENV:Envelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:SOAP-ENC="http://schemas.xmlsoap.org/soap/encoding/"'
    ' xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:clr="http://schemas.microsoft.com/soap/encoding/clr/1.0"'
    ' SOAP-ENV:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><SOAP-ENV:Body>'
    '<xsd:anyType id="ref-1"></xsd:anyType></SOAP-ENV:Body></SOAP-ENV:Envelope>'
)


@dataclass(frozen=True, slots=True)
class BuiltVariable:
    """A variable. Give it to tasks and loops, which store its qualified name.

    :param expression: the expression of its value; empty for none.
    """

    name: str
    namespace: str
    value: StoredValue
    id: str
    expression: str = ""
    read_only: bool = False
    raise_changed_event: bool = False
    description: str = ""

    @property
    def qualified_name(self) -> str:
        """The name with its namespace: ``User::Rows``."""
        return f"{self.namespace}::{self.name}"

    def element(self) -> _Element:
        """Return ``DTS:Variable``."""
        made = element(
            "Variable",
            {
                "CreationName": "",
                "Description": self.description or None,
                "DTSID": self.id,
                "EvaluateAsExpression": bool(self.expression),
                "Expression": self.expression or None,
                "IncludeInDebugDump": _NOT_IN_DEBUG_DUMP
                if self.value.data_type.name in ("String", "Object")
                else IN_DEBUG_DUMP,
                "Namespace": self.namespace,
                "ObjectName": self.name,
                "RaiseChangedEvent": self.raise_changed_event,
                "ReadOnly": self.read_only,
            },
        )
        is_object = self.value.data_type.name == "Object"
        made.append(
            element(
                "VariableValue",
                {
                    "DataSubType": "ManagedSerializable" if is_object else None,
                    "DataType": self.value.data_type.variant_type,
                },
                text=None if is_object else self.value.package_text,
            )
        )
        if is_object:
            made[0].append(etree.fromstring(_EMPTY_OBJECT))
        return made


@dataclass(frozen=True, slots=True)
class BuiltParameter:
    """A parameter of a project or package. A sensitive one stores no value.

    :param scope: ``$Project`` or ``$Package``.
    """

    name: str
    scope: str
    value: StoredValue
    id: str
    required: bool = False
    sensitive: bool = False
    description: str = ""

    @property
    def qualified_name(self) -> str:
        """The name with its scope: ``$Package::Region``."""
        return f"{self.scope}::{self.name}"

    def element(self) -> _Element:
        """Return ``DTS:PackageParameter``."""
        code = self.value.data_type.variant_type
        made = element(
            "PackageParameter",
            {
                "CreationName": "",
                "DataType": code,
                "Description": self.description or None,
                "DTSID": self.id,
                "ObjectName": self.name,
                "Required": self.required,
                "Sensitive": self.sensitive,
            },
        )
        if not self.sensitive:
            made.append(element("Property", {"DataType": code, "Name": "ParameterValue"}, text=self.value.package_text))
        return made


Variable = BuiltVariable | BuiltParameter | str
"""A variable or parameter, or its qualified name."""

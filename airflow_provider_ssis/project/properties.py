"""The property lists of manifests and .params files: ``SSIS:Properties`` with ``SSIS:Property`` inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.datatypes import BY_TYPE_CODE, parse_value
from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.models import Parameter
from airflow_provider_ssis.project.namespaces import SSIS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element

    from airflow_provider_ssis.project.models import ParameterValue

DPAPI_BLOB = "AQAAANCMnd8BFdERjHoAwE/Cl+s"
"""How a value begins that Windows encrypted with a user's key (base64)."""

_SAVE_AGAIN = "Open the project in Visual Studio and save it again"


@dataclass(frozen=True, slots=True)
class PropertyList:
    """The properties of a project, package or parameter, and where they stand."""

    part: str
    owner: str
    line: int | None
    elements: dict[str, _Element]

    @classmethod
    def of(cls, element: _Element, part: str, owner: str) -> PropertyList:
        """The properties inside an element.

        :param owner: whose they are, for errors: ``parameter Region``.
        """
        found = {
            str(child.get(f"{SSIS}Name")): child
            for child in element.iterfind(f"{SSIS}Properties/{SSIS}Property")
            if child.get(f"{SSIS}Name") is not None
        }
        return cls(part, owner, element.sourceline, found)

    def text(self, name: str, default: str = "") -> str:
        """A property's text, white space around it removed: pretty-printed manifests put it into empty ones."""
        element = self.elements.get(name)
        return default if element is None else (element.text or "").strip() or default

    def number(self, name: str, default: int) -> int:
        """A whole number.

        :raises InvalidPartError: the property is something else.
        """
        text = self.text(name)
        if not text:
            return default
        if not text.isdecimal() or len(text) > 10:
            raise self.error(f"the property {name} of the {self.owner} is {text[:40]!r}, not a whole number")
        return int(text)

    def flag(self, name: str) -> bool:
        """A switch, off where absent."""
        return self.text(name, "0").lower() in ("1", "-1", "true")

    def error(self, problem: str) -> InvalidPartError:
        """The exception for something wrong with these properties."""
        return InvalidPartError(problem, part=self.part, line=self.line, advice=_SAVE_AGAIN)


def read_parameters(elements: Iterable[_Element], part: str) -> tuple[Parameter, ...]:
    """The parameters that a list of ``SSIS:Parameter`` elements declares.

    :param part: where they stand, for errors.
    :raises InvalidPartError: one has no name, a name or type that is not possible, or a value that its type has not.
    """
    parameters: dict[str, Parameter] = {}
    for element in elements:
        name = element.get(f"{SSIS}Name")
        if not name:
            raise InvalidPartError(
                "holds a parameter without a name", part=part, line=element.sourceline, advice=_SAVE_AGAIN
            )
        properties = PropertyList.of(element, part, f"parameter {name}")
        if name.casefold() in parameters:
            raise properties.error(f"the parameter {name} is there twice")
        parameters[name.casefold()] = _parameter(name, properties)
    return tuple(parameters.values())


def read_project_parameters(root: _Element, part: str) -> tuple[Parameter, ...]:
    """The parameters that the project declares itself.

    :param root: the root of Project.params.
    :param part: its name, for errors.
    :raises InvalidPartError: it is another file, or as :func:`read_parameters`.
    """
    if root.tag != f"{SSIS}Parameters":
        raise InvalidPartError(f"holds no parameters: its root is {root.tag!r}", part=part, advice=_SAVE_AGAIN)
    return read_parameters(root.iterfind(f"{SSIS}Parameter"), part)


def is_encrypted(element: _Element) -> bool:
    """True where a ``Value`` property holds ciphertext."""
    marks = ("Salt", "IV")
    return any(element.get(f"{SSIS}{mark}") is not None for mark in marks) or (element.text or "").startswith(
        DPAPI_BLOB
    )


def _parameter(name: str, properties: PropertyList) -> Parameter:
    code = properties.number("DataType", 0)
    if code not in BY_TYPE_CODE:
        raise properties.error(f"the parameter {name} has the data type {code}, which SSIS does not have")
    return Parameter(
        name=name,
        data_type=BY_TYPE_CODE[code].name,
        value=_value(name, properties, code),
        required=properties.flag("Required"),
        sensitive=properties.flag("Sensitive"),
        description=properties.text("Description"),
        id=properties.text("ID"),
    )


def _value(name: str, properties: PropertyList, type_code: int) -> ParameterValue:
    element = properties.elements.get("Value")
    if element is None or is_encrypted(element):
        return None
    text = element.text or ""
    if not text.strip() and "\n" in text:
        text = ""  # an empty value, pretty-printed; blanks alone may be meant
    data_type = BY_TYPE_CODE[type_code]
    try:
        return parse_value(text, data_type)
    except ValueError as error:
        raise properties.error(
            f"the parameter {name} has a value that its type {data_type.name} has not: {error}"
        ) from None

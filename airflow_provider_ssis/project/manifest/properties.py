"""Read the property lists of manifests and .params files: ``SSIS:Properties`` with ``SSIS:Property`` inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.datatypes import BY_TYPE_CODE, parse_value
from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.models import Parameter
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.protection.encrypted_values import is_encrypted, require_readable
from airflow_provider_ssis.project.safe_xml import XML_SPACE, is_blank

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element

    from airflow_provider_ssis.project.models import ParameterValue

_SAVE_AGAIN = "Open the project in Visual Studio and save it again"


@dataclass(frozen=True, slots=True)
class PropertyList:
    """The properties of a project, package or parameter.

    :param part: the file that contains them.
    :param owner: their owner, for errors: ``parameter Region``.
    :param line: the line of the owner.
    :param elements: the ``SSIS:Property`` elements by name.
    """

    part: str
    owner: str
    line: int | None
    elements: dict[str, _Element]

    @classmethod
    def of(cls, element: _Element, part: str, owner: str) -> PropertyList:
        """Return the properties of an element.

        :param element: the owner of the properties.
        :param part: the file that contains them.
        :param owner: their owner, for errors.
        """
        found = {
            str(child.get(f"{SSIS}Name")): child
            for child in element.iterfind(f"{SSIS}Properties/{SSIS}Property")
            if child.get(f"{SSIS}Name") is not None
        }
        return cls(part, owner, element.sourceline, found)

    def text(self, name: str, default: str = "") -> str:
        """Return a property without the white space around it.

        :param name: the name of the property.
        :param default: returned if the property is absent or empty. Default: empty.
        """
        element = self.elements.get(name)
        return default if element is None else (element.text or "").strip() or default

    def number(self, name: str, default: int) -> int:
        """Return an integer property.

        :param name: the name of the property.
        :param default: returned if the property is absent or empty.
        :raises InvalidPartError: the property is not an integer.
        """
        text = self.text(name)
        if not text:
            return default
        if not (text.isascii() and text.isdecimal()) or len(text) > 10:
            raise self.error(f"the property {name} of the {self.owner} is {text[:40]!r}, not a whole number")
        return int(text)

    def flag(self, name: str) -> bool:
        """Return a boolean property, False where absent."""
        return self.text(name, "0").lower() in ("1", "-1", "true")

    def value(self) -> ParameterValue:
        """Return the value of a parameter; None if it has none, or an encrypted one.

        :raises InvalidPartError: the data type is unknown, or the value is not valid for it.
        """
        code = self.number("DataType", 0)
        if code not in BY_TYPE_CODE:
            raise self.error(f"the {self.owner} has the unknown data type {code}")
        element = self.elements.get("Value")
        if element is None or is_encrypted(element):
            return None
        data_type = BY_TYPE_CODE[code]
        try:
            return parse_value(element.text or "", data_type)
        except ValueError as error:
            problem = f"the {self.owner} has a value that is not valid for its type {data_type.name}: {error}"
            raise self.error(problem) from None

    def error(self, problem: str) -> InvalidPartError:
        """Return the error for a problem of these properties."""
        return InvalidPartError(problem, part=self.part, line=self.line, advice=_SAVE_AGAIN)


def set_text(element: _Element, text: str) -> None:
    """Set the text of a property, with the mark without which SSIS reads white space as empty.

    :param element: ``SSIS:Property``; changed in place.
    :param text: the text.
    """
    element.text = text
    if is_blank(text):
        element.set(XML_SPACE, "preserve")
    else:
        element.attrib.pop(XML_SPACE, None)


def read_parameters(elements: Iterable[_Element], part: str) -> tuple[Parameter, ...]:
    """Read a list of parameters.

    :param elements: ``SSIS:Parameter`` elements.
    :param part: the file that contains them, for errors.
    :raises InvalidPartError: a parameter has no name, the name of another one, an unknown data type, or a value that is
        not valid for its type.
    """
    parameters: dict[str, Parameter] = {}
    for element in elements:
        name = element.get(f"{SSIS}Name")
        if not name:
            raise InvalidPartError(
                "contains a parameter without a name", part=part, line=element.sourceline, advice=_SAVE_AGAIN
            )
        properties = PropertyList.of(element, part, f"parameter {name}")
        if name.casefold() in parameters:
            raise properties.error(f"contains the parameter {name} twice")
        parameters[name.casefold()] = _parameter(name, properties)
    return tuple(parameters.values())


def read_project_parameters(root: _Element, part: str) -> tuple[Parameter, ...]:
    """Read the parameters of a project, without its connection parameters.

    :param root: the root element of Project.params.
    :param part: the name of the file, for errors.
    :raises InvalidPartError: it is another kind of file, or as for :func:`read_parameters`.
    :raises ProtectedError: the file is encrypted as a whole.
    """
    if root.tag != f"{SSIS}Parameters":
        raise InvalidPartError(
            f"is not a list of parameters: its root element is {root.tag!r}", part=part, advice=_SAVE_AGAIN
        )
    require_readable(root, part)
    return read_parameters(root.iterfind(f"{SSIS}Parameter"), part)


def _parameter(name: str, properties: PropertyList) -> Parameter:
    value = properties.value()
    return Parameter(
        name=name,
        data_type=BY_TYPE_CODE[properties.number("DataType", 0)].name,
        value=value,
        required=properties.flag("Required"),
        sensitive=properties.flag("Sensitive"),
        description=properties.text("Description"),
        id=properties.text("ID"),
    )

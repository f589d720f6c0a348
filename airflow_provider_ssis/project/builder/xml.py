"""Make the elements of packages: names, ids and texts as Visual Studio writes them."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.safe_xml import NOT_IN_XML, XML_SPACE, parse_xml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element

_NAMESPACE = uuid.UUID("8f0c2a52-6f44-4bb5-9a4e-0d7b3a1c5e19")
_NOT_IN_NAMES = r"/\:[].="
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NOT_ESCAPED = re.compile(r"[A-Za-z0-9]")


def guid(*names: str) -> str:
    """Return the id of an object: the same names give the same id, so a build is reproducible.

    :param names: the name of the project, the package, and the path of the object.
    """
    return "{" + str(uuid.uuid5(_NAMESPACE, "\0".join(names))).upper() + "}"


def element(tag: str, attributes: dict[str, object] | None = None, *, text: str | None = None) -> _Element:
    """Return an element of the namespace DTS.

    :param tag: its name without namespace.
    :param attributes: attributes by name without namespace. Those with the value None or False are left out.
    :param text: its text; text without other characters than white space is marked as such. Default: None.
    :raises BuildError: a text has a character that XML does not allow.
    """
    return plain_element(DTS + tag, attributes, prefix=DTS, nsmap={"DTS": DTS[1:-1]}, text=text)


def plain_element(
    tag: str,
    attributes: dict[str, object] | None = None,
    *,
    prefix: str = "",
    nsmap: dict[str, str] | None = None,
    text: str | None = None,
) -> _Element:
    """Return an element of any namespace; see :func:`element`.

    :param tag: its name with its namespace.
    :param prefix: the namespace of the attributes, in braces. Default: none.
    :param nsmap: namespaces by prefix. Default: none.
    """
    made = etree.Element(tag, nsmap=nsmap)
    values = {name: value for name, value in (attributes or {}).items() if value is not None and value is not False}
    try:
        for name, value in values.items():
            made.set(prefix + name, str(value))
        if text is not None:
            made.text = text
            if not text.strip():
                made.set(XML_SPACE, "preserve")
    except ValueError:
        raise BuildError(f"cannot write {text or values!r}: XML does not allow its control characters") from None
    return made


def stored_xml(text: str, part: str) -> _Element:
    """Return the element of an XML text.

    :param text: a document with one root element.
    :param part: the file to which it is added, for errors.
    :raises ProjectError: it is not well-formed.
    """
    return parse_xml(text.encode(), part)


def group(tag: str, children: Iterable[_Element], *, always: bool = False) -> list[_Element]:
    """Return the element around a collection, in a list; an empty list for an empty collection.

    :param tag: the name of the element.
    :param children: the collection.
    :param always: return an element for an empty collection too. Default: False.
    """
    made = element(tag)
    made.extend(list(children))
    return [made] if always or len(made) else []


def expressions(found: dict[str, str]) -> list[_Element]:
    """Return the elements of property expressions, in the order of their names as Visual Studio writes them."""
    return [element("PropertyExpression", {"Name": name}, text=text) for name, text in sorted(found.items())]


def check_text(owner: str, text: str) -> None:
    """Check that XML allows the characters of a text.

    :param owner: the object that gets it, for errors.
    :param text: the text.
    :raises BuildError: it has another character.
    """
    found = NOT_IN_XML.search(text)
    if found is not None:
        raise BuildError(f"{owner} cannot have the character U+{ord(found[0]):04X}, which XML does not allow")


def escaped(text: str) -> str:
    """Return a delimiter or qualifier with the escapes ``_xHHHH_`` that SSIS writes.

    :raises BuildError: a character has more than 16 bits.
    """
    if any(ord(character) > 0xFFFF for character in text):
        raise BuildError(f"cannot write the delimiter {text!r}: its characters must be in the basic plane of Unicode")
    return "".join(one if _NOT_ESCAPED.match(one) else f"_x{ord(one):04X}_" for one in text)


def check_name(name: str, kind: str, part: str, *, forbidden: str = _NOT_IN_NAMES) -> None:
    """Check the name of an object.

    :param name: the name.
    :param kind: the kind of object, for errors.
    :param part: the file, for errors.
    :param forbidden: characters that the name cannot contain. Default: those that SSIS rejects
        (``DTS_E_DTSNAME_LEGAL``).
    :raises BuildError: the name is empty, has spaces around it, or contains a forbidden or control character.
    """
    if not name or name != name.strip() or _CONTROL.search(name) or any(mark in name for mark in forbidden):
        raise BuildError(
            f"cannot contain the {kind} {name!r}",
            part=part,
            advice=f"A name has a character, no spaces around it, and none of {forbidden}",
        )

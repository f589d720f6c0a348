"""The canonical form of SSIS files: the same content is the same text, with one property a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.comparison.noise import remove_noise
from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.safe_xml import XML_SPACE, is_blank, keeps_blank_text, parse_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

_XML = "http://www.w3.org/XML/1998/namespace"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_FIRST = ("refId", "Name", "name")
_ATTRIBUTE_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"}
)
_TEXT_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})


def canonical(
    data: bytes, part: str, *, layout: bool = True, machine: bool = True, limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """Return the canonical form of a file: UTF-8, two spaces for each level, attributes in a fixed order, one a line.

    What SSIS reads stays the same: texts, CDATA sections, and white space that is a value. Comments stay.

    :param data: a .dtsx, .dtsxp, .conmgr, .params or .dtproj file.
    :param part: its name, for errors.
    :param layout: keep the designer's layout. Default: True.
    :param machine: keep the properties about machine, author and times. Default: True.
    :param limits: limits for its XML.
    :raises InvalidPartError: it is not well-formed, or has a digital signature, which holds for the text as it is.
    :raises LimitExceededError: it exceeds a limit.
    """
    root = parse_xml(data, part, limits=limits, keep_all=True)
    if next(root.iter(_SIGNATURE), None) is not None:
        advice = "Remove the signature in Visual Studio, or leave the file out"
        raise InvalidPartError("has a digital signature, which another form makes invalid", part=part, advice=advice)
    if not (layout and machine):
        remove_noise(root, layout=not layout, machine=not machine)
    before = [_node(one, 0, {}) for one in reversed(list(root.itersiblings(preceding=True)))]
    after = [_node(one, 0, {}) for one in root.itersiblings()]
    nodes = ['<?xml version="1.0" encoding="utf-8"?>', *before, _node(root, 0, {}), *after]
    return ("\n".join(nodes) + "\n").encode()


def _node(element: _Element, depth: int, namespaces: dict[str | None, str]) -> str:
    """Return the text of a comment, instruction or element, from its own indentation on."""
    indent = "  " * depth
    if not isinstance(element.tag, str):
        return indent + etree.tostring(element, encoding="unicode", with_tail=False)
    tag = _name(element, element.tag)
    start = f"{indent}<{tag}{_attributes(element, f'{indent}  ', namespaces)}"
    inside = dict(element.nsmap)
    if not len(element):
        if not element.text or (is_blank(element.text) and not keeps_blank_text(element)):
            return f"{start} />"
        return f"{start}>{_text(element)}</{tag}>"
    if _is_mixed(element):
        # White space is part of the content: write it as it is.
        copy = etree.tostring(element, encoding="unicode", with_tail=False)
        return indent + copy
    children = "\n".join(_node(child, depth + 1, inside) for child in element)
    return f"{start}>\n{children}\n{indent}</{tag}>"


def _attributes(element: _Element, indent: str, namespaces: dict[str | None, str]) -> str:
    declared = {
        prefix: uri for prefix, uri in element.nsmap.items() if namespaces.get(prefix) != uri and prefix != "xml"
    }
    pairs = [
        *(
            (f"xmlns:{prefix}" if prefix else "xmlns", uri)
            for prefix, uri in sorted(declared.items(), key=lambda one: one[0] or "")
        ),
        *((_name(element, name), str(element.attrib[name])) for name in _ordered(element)),
    ]
    texts = [f'{name}="{value.translate(_ATTRIBUTE_ESCAPES)}"' for name, value in pairs]
    if len(texts) < 2:
        return "".join(f" {text}" for text in texts)
    return "".join(f"\n{indent}{text}" for text in texts)


def _ordered(element: _Element) -> Iterator[str]:
    def key(name: str) -> tuple[int, str, str]:
        local = name.rpartition("}")[2]
        return (_FIRST.index(local) if local in _FIRST else len(_FIRST), local, name)

    yield from sorted((str(name) for name in element.attrib), key=key)


def _name(element: _Element, name: str) -> str:
    """Return a name with its prefix."""
    if not name.startswith("{"):
        return name
    uri, _, local = name[1:].partition("}")
    if uri == _XML:
        return f"xml:{local}"
    if name == element.tag:
        return f"{element.prefix}:{local}" if element.prefix else local
    prefix = next(one for one, found in element.nsmap.items() if found == uri and one)
    return f"{prefix}:{local}"


def _text(element: _Element) -> str:
    """Return the text of an element without children, as a CDATA section if it is one."""
    text = element.text or ""
    written = etree.tostring(element, encoding="unicode", with_tail=False)
    content = written[written.index(">") + 1 :] if "<![CDATA[" not in written[:9] else written
    if content.startswith("<![CDATA[") and content.count("<![CDATA[") == 1 and "]]>" not in text:
        return f"<![CDATA[{text}]]>"
    return text.translate(_TEXT_ESCAPES)


def _is_mixed(element: _Element) -> bool:
    if element.get(XML_SPACE) == "preserve":
        return True
    texts = (element.text, *(child.tail for child in element))
    return any(text and not is_blank(text) for text in texts)

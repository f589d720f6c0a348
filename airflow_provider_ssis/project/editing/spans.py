"""Positions of elements in an XML document, and texts that change one place in it and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.parsers import expat

_ATTRIBUTE = re.compile(rb"""(?P<space>\s+)(?P<name>[^\s=/>]+)\s*=\s*(?P<value>"[^"]*"|'[^']*')""")
_TAG = re.compile(rb"""<(?P<name>[^\s/>]+)(?:"[^"]*"|'[^']*'|[^"'>])*>""")
_CDATA = b"<![CDATA["
_IN_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"}
_IN_ATTRIBUTE = {**_IN_TEXT, '"': "&quot;", "'": "&apos;", "\n": "&#xA;", "\t": "&#x9;"}


@dataclass(frozen=True, slots=True)
class Span:
    """The position of an element, in bytes.

    :param start: the start of its first tag.
    :param content: the end of its first tag.
    :param content_end: the start of its last tag; as ``content`` for an element of a single tag.
    :param end: the end of its last tag.
    """

    start: int
    content: int
    content_end: int
    end: int

    @property
    def is_single_tag(self) -> bool:
        """Whether the element is one tag: ``<a/>``."""
        return self.content == self.end


@dataclass(frozen=True, slots=True)
class Splice:
    """A change of a document: bytes that replace those from a start to an end."""

    start: int
    end: int
    replacement: bytes

    def apply(self, data: bytes) -> bytes:
        """Return the changed document."""
        return data[: self.start] + self.replacement + data[self.end :]


def spans(data: bytes) -> list[Span]:
    """Return the positions of all elements, in the order of their first tags.

    :param data: a well-formed document in UTF-8.
    """
    found: list[Span | None] = []
    open_: list[tuple[int, int, int]] = []

    def start_element(name: str, attributes: dict[str, str]) -> None:
        start = parser.CurrentByteIndex
        open_.append((len(found), start, _tag_end(data, start)))
        found.append(None)

    def end_element(name: str) -> None:
        number, start, content = open_.pop()
        if data[content - 2 : content] == b"/>":
            found[number] = Span(start, content, content, content)
        else:
            end = parser.CurrentByteIndex
            found[number] = Span(start, content, end, data.index(b">", end) + 1)

    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = start_element
    parser.EndElementHandler = end_element
    try:
        parser.Parse(data, True)
    finally:
        # The functions refer to the parser and the parser to them.
        parser.StartElementHandler = parser.EndElementHandler = None
    return [each for each in found if each is not None]


def set_attribute(data: bytes, span: Span, name: str, value: str) -> Splice:
    """Return the change that sets an attribute.

    An attribute that does not exist is added where the order of names puts it, in the layout of its neighbours.

    :param name: its name with its prefix.
    :param value: its value.
    """
    text = _escaped(value, _IN_ATTRIBUTE)
    after = None
    for match in _attributes(data, span):
        own = match["name"].decode()
        if own == name:
            start = match.start("value")
            quote = data[start : start + 1]
            return Splice(start, match.end("value"), quote + text + quote)
        if _key(own) < _key(name):
            after = match
    first = next(_attributes(data, span), None)
    neighbour = after or first
    space = b" " if neighbour is None else neighbour["space"]
    at = _name_end(data, span) if after is None else after.end()
    return Splice(at, at, space + name.encode() + b'="' + text + b'"')


def set_text(data: bytes, span: Span, value: str) -> Splice:
    """Return the change that sets the text of an element without children.

    :param value: the text.
    """
    old = data[span.content : span.content_end].strip()
    if old.startswith(_CDATA):
        # A parser reads a carriage return in a CDATA section as a line feed.
        content = value.encode().replace(b"]]>", b"]]]]><![CDATA[>").replace(b"\r", b"]]>&#xD;<![CDATA[")
        text = _CDATA + content + b"]]>"
    else:
        text = _escaped(value, _IN_TEXT)
    if not span.is_single_tag:
        return Splice(span.content, span.content_end, text)
    if not value:
        return Splice(span.start, span.start, b"")
    tag = data[span.start : span.content].removesuffix(b"/>").rstrip()
    return Splice(span.start, span.end, tag + b">" + text + b"</" + tag_name(data, span) + b">")


def insert_child(data: bytes, span: Span, child: bytes, after: Span | None = None) -> Splice:
    """Return the change that adds a child to an element.

    :param child: the child, indented as a separate document.
    :param after: the child after which it is added. Default: None, after the last one.
    """
    outer = _indentation(data, span.start)
    inner = outer + b"  " if after is None else _indentation(data, after.start)
    newline = b"\r\n" if b"\r\n" in data[:4096] else b"\n"
    text = newline.join(inner + line for line in child.splitlines())
    if after is not None:
        return Splice(after.end, after.end, newline + text)
    if span.is_single_tag:
        tag = data[span.start : span.content].removesuffix(b"/>").rstrip()
        name = tag_name(data, span)
        return Splice(span.start, span.end, tag + b">" + newline + text + newline + outer + b"</" + name + b">")
    content = data[span.content : span.content_end]
    at = span.content + len(content.rstrip())
    closing = data[at : span.content_end] or newline + outer
    return Splice(at, span.content_end, newline + text + closing)


def remove_element(data: bytes, span: Span) -> Splice:
    """Return the change that removes an element, with the white space before it."""
    start = len(data[: span.start].rstrip())
    return Splice(start, span.end, b"")


def tag_name(data: bytes, span: Span) -> bytes:
    """Return the name of an element with its prefix."""
    match = _TAG.match(data, span.start)
    return b"" if match is None else match["name"]


def _attributes(data: bytes, span: Span) -> Iterator[re.Match[bytes]]:
    return _ATTRIBUTE.finditer(data, _name_end(data, span), span.content)


def _name_end(data: bytes, span: Span) -> int:
    return span.start + 1 + len(tag_name(data, span))


def _tag_end(data: bytes, start: int) -> int:
    match = _TAG.match(data, start)
    return start if match is None else match.end()


def _indentation(data: bytes, start: int) -> bytes:
    line = data[data.rfind(b"\n", 0, start) + 1 : start]
    return line if not line.strip() else b""


def _key(name: str) -> tuple[bool, str]:
    """Return the order of an attribute: the reference and namespaces first, then by name without prefix."""
    own = name.rpartition(":")[2]
    return own != "refId" and not name.startswith("xmlns"), own.casefold()


def _escaped(value: str, characters: dict[str, str]) -> bytes:
    return "".join(characters.get(each, each) for each in value).encode()

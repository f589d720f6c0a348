"""Text to the type xml: it is parsed, and kept as SQL Server writes it.

Facts: Microsoft Learn, "Create instances of XML data", "Serialization of XML data": white space alone between tags, the
declaration and CDATA are not kept; several elements, or text, may be at the top.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_ROOT: Final = "sql-xml-fragment"
_DECLARATION: Final = re.compile(r"<\?xml\s[^>]*?\?>")
_ENCODING: Final = re.compile(r"""encoding\s*=\s*["']([\w.\-]+)["']""")
_DTD: Final = re.compile(r"(?:\s++|<!--(?>.*?-->)|<\?(?>.*?\?>))*+<!DOCTYPE", re.DOTALL)
"""A DTD is before the first element; comments and instructions may be before it."""
_DEEPEST: Final = 128
_KEEPS_SPACE: Final = 1
_ALLOWS_DTD: Final = 2
_STYLES: Final = (None, 0, 1, 2, 3)
TEXT_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#x0D;"})
ATTRIBUTE_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#x0D;", "\n": "&#x0A;", "\t": "&#x09;"}
)
"""The characters that SQL Server writes as references, in text and in attributes."""
_BYTE_ORDERS: Final = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"))
_ERRORS: Final[dict[int, tuple[int, str]]] = {
    int(etree.ErrorTypes.ERR_TAG_NAME_MISMATCH): (9436, "end tag does not match start tag"),
    int(etree.ErrorTypes.ERR_UNDECLARED_ENTITY): (9448, "well formed check: undeclared entity"),
    int(etree.ErrorTypes.ERR_ATTRIBUTE_REDEFINED): (9437, "duplicate attribute"),
    int(etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE): (9459, "undeclared prefix"),
    int(etree.ErrorTypes.ERR_INVALID_CHAR): (9420, "illegal xml character"),
    int(etree.ErrorTypes.ERR_NAME_REQUIRED): (9455, "illegal qualified name character"),
}


def parsed(text: str, *, is_unicode: bool, style: int | None = None) -> str:
    """The text of a value of type xml.

    :param is_unicode: the text is an nvarchar, whose declaration cannot name an encoding of bytes.
    :param style: of CONVERT: 1 keeps white space.
    :raises SqlError: 9400, 9402, 9436 and others: the text is not well-formed; 6335, it nests too deeply; 6359, it has
        a DTD.
    """
    if style not in _STYLES:
        raise SqlError(281, f"{style} is not a valid style for converting to xml.")
    # A declaration may stand only at the very beginning; lines are counted with what is left out.
    body = text.lstrip()
    declaration = _DECLARATION.match(body)
    if declaration is not None:
        encoding = _ENCODING.search(declaration[0])
        if is_unicode and encoding is not None and not encoding[1].lower().startswith(("utf-16", "ucs-2")):
            raise _error(9402, declaration.end(), "unable to switch the encoding")
        body = body[declaration.end() :]
    if _DTD.match(body):
        if (style or 0) & _ALLOWS_DTD:
            raise not_supported("CONVERT of XML with a DTD")
        raise SqlError(6359, "Parsing XML with internal subset DTDs not allowed. Use CONVERT with style option 2.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, strip_cdata=True)
    try:
        root = etree.fromstring(f"<{_ROOT}>{body}</{_ROOT}>".encode(errors="surrogatepass"), parser)
    except etree.XMLSyntaxError as error:
        if error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
            raise _too_deep() from None
        raise _syntax_error(error, text, body) from None
    return "".join(_content(root, 0, keeps_space=bool((style or 0) & _KEEPS_SPACE)))


def decoded(value: bytes) -> str:
    """The text of bytes that become xml: in the encoding of their byte order mark, or UTF-8.

    :raises SqlError: 9420, they are not text.
    """
    mark, encoding = next((each for each in _BYTE_ORDERS if value.startswith(each[0])), (b"", "utf-8"))
    try:
        return value[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise _error(9420, error.start, "illegal xml character") from None


def _content(node: etree._Element, depth: int, *, keeps_space: bool) -> Iterator[str]:
    yield _text(node.text, keeps_space=keeps_space)
    for child in node:
        yield from _node(child, depth + 1, keeps_space=keeps_space)
        yield _text(child.tail, keeps_space=keeps_space)


def _node(node: etree._Element, depth: int, *, keeps_space: bool) -> Iterator[str]:
    if depth > _DEEPEST:
        raise _too_deep()
    if isinstance(node, etree._Entity):
        raise _error(9448, 0, "well formed check: undeclared entity")
    if isinstance(node, etree._Comment):
        yield f"<!--{node.text or ''}-->"
        return
    if isinstance(node, etree._ProcessingInstruction):
        yield f"<?{node.target} {node.text}?>" if node.text else f"<?{node.target}?>"
        return
    keeps_space = {"preserve": True, "default": False}.get(node.get(_SPACE, ""), keeps_space)
    inner = "".join(_content(node, depth, keeps_space=keeps_space))
    name = _name(node, str(node.tag))
    opening = " ".join([name, *_namespaces(node), *_attributes(node)])
    yield f"<{opening}>{inner}</{name}>" if inner else f"<{opening}/>"


_SPACE: Final = "{http://www.w3.org/XML/1998/namespace}space"


def _text(text: str | None, *, keeps_space: bool) -> str:
    if not text or not (keeps_space or text.strip(" \t\r\n")):
        return ""
    return text.translate(TEXT_ESCAPES)


def _namespaces(node: etree._Element) -> Iterator[str]:
    """The declarations of an element that its parent does not have."""
    parent = node.getparent()
    known = {} if parent is None else parent.nsmap
    for prefix, uri in node.nsmap.items():
        if known.get(prefix) != uri:
            yield f'xmlns{f":{prefix}" if prefix else ""}="{uri.translate(ATTRIBUTE_ESCAPES)}"'
    if None in known and None not in node.nsmap:
        yield 'xmlns=""'


def _attributes(node: etree._Element) -> Iterator[str]:
    for name, value in node.attrib.items():
        yield f'{_name(node, name)}="{value.translate(ATTRIBUTE_ESCAPES)}"'


def _name(node: etree._Element, name: str) -> str:
    """A name as it is written: with its prefix."""
    qualified = etree.QName(name)
    if qualified.namespace is None:
        return qualified.localname
    if name == node.tag:
        return f"{node.prefix}:{qualified.localname}" if node.prefix else qualified.localname
    if qualified.namespace == "http://www.w3.org/XML/1998/namespace":
        return f"xml:{qualified.localname}"
    prefix = next(prefix for prefix, uri in node.nsmap.items() if uri == qualified.namespace and prefix)
    return f"{prefix}:{qualified.localname}"


def _too_deep() -> SqlError:
    text = "XML datatype instance has too many levels of nested nodes. Maximum allowed depth is 128 levels."
    return SqlError(6335, text)


def _syntax_error(error: etree.XMLSyntaxError, text: str, body: str) -> SqlError:
    number, reason = _ERRORS.get(error.code, (9422, "incorrect document syntax"))
    if _ROOT in str(error.msg):
        # The end of the text was the end of the fragment around it.
        number, reason = 9400, "unexpected end of input"
    line, column = error.position
    column -= len(_ROOT) + 2 if line == 1 else 0
    lines = body.split("\n")
    column = max(min(column, len(lines[min(line, len(lines)) - 1])), 1)
    line += text.count("\n") - body.count("\n")
    return SqlError(number, f"XML parsing: line {line}, character {column}, {reason}")


def _error(number: int, place: int, text: str) -> SqlError:
    return SqlError(number, f"XML parsing: line 1, character {place}, {text}")

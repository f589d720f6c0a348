"""The character encodings of SSIS files that neither expat nor every libxml2 reads."""

from __future__ import annotations

import re

from airflow_provider_ssis.project.errors import InvalidPartError

_DECLARATION = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]+)[\"']")
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")
_READ_BY_PARSERS = frozenset({"utf-8", "utf8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii"})

# Windows reads some names as its own superset of the standard encoding, so files with these names use the superset.
_WINDOWS_CODECS = {
    "gb2312": "gbk",
    "x-gbk": "gbk",
    "big5": "cp950",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "macintosh": "mac_roman",
}
_STANDARD_CODECS = re.compile(
    r"(windows-|cp)125[0-8]|iso-8859-([1-9]|1[0-9])|gbk|gb18030|big5-hkscs|euc-jp|iso-2022-jp|iso-2022-kr|hz-gb-2312"
    r"|koi8-[ru]|(ibm|cp)(437|737|775|85[0257-8]|86[0-69]|874|93[26]|949|950)|windows-(932|936|949|950)|utf-32(le|be)?"
)


def to_utf8(data: bytes, part: str) -> tuple[bytes, str | None]:
    """Return a document in an encoding that the XML parsers read.

    Source: names and code pages of .NET's ``Encoding.GetEncoding``, which reads the declaration for SSIS.

    :param data: the document.
    :param part: its name, for errors.
    :returns: the document, and the encoding to parse it with: None if its own declaration holds.
    :raises InvalidPartError: the declared encoding is unknown, or the document has bytes that are invalid in it.
    """
    if data.startswith(_BYTE_ORDER_MARKS):
        return data, "utf-8" if data.startswith(_BYTE_ORDER_MARKS[0]) else None
    match = _DECLARATION.match(data)
    if match is None or (name := match[1].decode().lower()) in _READ_BY_PARSERS:
        return data, None
    codec = _WINDOWS_CODECS.get(name) or (name if _STANDARD_CODECS.fullmatch(name) else None)
    if codec is None:
        raise InvalidPartError(
            f"declares the encoding {match[1].decode()!r}, which is not supported",
            part=part,
            line=1,
            advice="Save the file in UTF-8",
        )
    try:
        return data.decode(codec.replace("windows-", "cp")).encode(), "utf-8"
    except UnicodeDecodeError as error:
        raise InvalidPartError(
            f"has bytes that are not valid in its encoding {match[1].decode()}",
            part=part,
            line=data.count(b"\n", 0, error.start) + 1,
            advice="Save the file in the encoding that its first line declares, or in UTF-8",
        ) from None

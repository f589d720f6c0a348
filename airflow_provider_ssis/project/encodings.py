"""Convert SSIS files in any character encoding to UTF-8."""

from __future__ import annotations

import re

from airflow_provider_ssis.project.errors import InvalidPartError

_DECLARATION = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]+)[\"']")
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_WIDE = re.compile(r"utf-(16|32)(le|be)?|unicode|ucs-2|iso-10646-ucs-[24]")
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
"""The first bytes of a document, and its encoding: byte order marks, and UTF-16 without one."""

# Windows reads some names as its own superset of the standard encoding, so files with these names use the superset.
_WINDOWS_CODECS = {
    "gb2312": "gbk",
    "gb_2312-80": "gbk",
    "csgb2312": "gbk",
    "x-gbk": "gbk",
    "big5": "cp950",
    "csbig5": "cp950",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "csshiftjis": "cp932",
    "windows-31j": "cp932",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "macintosh": "mac_roman",
}
_STANDARD_CODECS = re.compile(
    r"(windows-|cp)125[0-8]|iso-8859-([1-9]|1[0-9])|gbk|gb18030|big5-hkscs|euc-jp|iso-2022-jp|iso-2022-kr|hz-gb-2312"
    r"|koi8-[ru]|(ibm|cp)(437|737|775|85[0257-8]|86[0-69]|874|93[26]|949|950)|windows-(932|936|949|950)"
)


def to_utf8(data: bytes, part: str) -> bytes:
    """Return a document in UTF-8 without a byte order mark. Its declaration is unchanged, so it must be ignored.

    A byte order mark takes precedence over the declaration. Source: names and code pages of .NET's
    ``Encoding.GetEncoding``, which reads the declaration for SSIS.

    :param data: the document.
    :param part: its name, for errors.
    :raises InvalidPartError: the declared encoding is unknown, or the document has bytes that are invalid in it.
    """
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :] if codec == "utf-8-sig" else _decoded(data, codec, codec, part)
    match = _DECLARATION.match(data)
    if match is None:
        return data
    declared = match[1].decode()
    name = declared.lower()
    if name in _UTF8:
        return data
    known = _WINDOWS_CODECS.get(name) or (name if _STANDARD_CODECS.fullmatch(name) else None)
    if known is None:
        # UTF-16 and UTF-32 were recognised by their first bytes.
        problem = "but is not written in it" if _WIDE.fullmatch(name) else "which is not supported"
        raise InvalidPartError(
            f"declares the encoding {declared!r}, {problem}",
            part=part,
            line=1,
            advice="Save the file in UTF-8",
        )
    return _decoded(data, known.replace("windows-", "cp"), declared, part)


def _decoded(data: bytes, codec: str, name: str, part: str) -> bytes:
    try:
        return data.decode(codec).encode()
    except UnicodeError as error:
        line = data.count(b"\n", 0, error.start) + 1 if isinstance(error, UnicodeDecodeError) else None
        raise InvalidPartError(
            f"has bytes that are not valid in its encoding {name}",
            part=part,
            line=line,
            advice="Save the file in the encoding that its first line declares, or in UTF-8",
        ) from None

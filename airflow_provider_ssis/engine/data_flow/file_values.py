"""The values of large columns as the content of files, for Import Column and Export Column."""

from __future__ import annotations

import codecs

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.expressions.text import codec

BOM = codecs.BOM_UTF16_LE


_MESSAGE_CODES = {0xC0209094: 0xC020802A, 0xC0209095: 0xC0208023}


def message_code(code: int) -> int:
    """Return the code of the message about an error of a row, from the code in the column ErrorCode.

    :param code: of the families TXFILEINSERTERSTATIC and TXFILEEXTRACTORSTATIC; its message has the number before it.
    """
    return _MESSAGE_CODES.get(code, code - 1)


class NoBomError(ValueError):
    """A file does not begin with the byte order mark that it should have."""


def to_content(value: str | bytes | None, type_: ColumnType) -> bytes:
    """Return the bytes of a value: DT_NTEXT in UTF-16, DT_TEXT in its code page; nothing for NULL.

    :raises ValueError: the code page lacks a character.
    """
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if type_.code is DataTypeCode.DT_NTEXT:
        return value.encode("utf-16-le", "surrogatepass")
    found = codec(type_.code_page)
    if found is None:
        raise ValueError(f"the code page {type_.code_page} is unknown")
    return found.encode(value)[0]


def from_content(content: bytes, type_: ColumnType, *, expect_bom: bool) -> str | bytes:
    """Return the value of a file.

    :param expect_bom: whether DT_NTEXT begins with a byte order mark, which is not part of the value.
    :raises NoBomError: it lacks the byte order mark.
    :raises ValueError: it is not a text of its encoding.
    """
    if type_.code is DataTypeCode.DT_IMAGE:
        return content
    if type_.code is DataTypeCode.DT_NTEXT:
        if expect_bom:
            if not content.startswith(BOM):
                raise NoBomError
            content = content[len(BOM) :]
        return content.decode("utf-16-le")
    found = codec(type_.code_page)
    if found is None:
        raise ValueError(f"the code page {type_.code_page} is unknown")
    return found.decode(content)[0]

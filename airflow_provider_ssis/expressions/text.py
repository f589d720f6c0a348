"""Text as Integration Services sees it: UTF-16 units, code pages, and the order of letters."""

from __future__ import annotations

import codecs
import unicodedata
from functools import lru_cache

_ASTRAL = "\uffff"


def units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    if text.isascii() or max(text) <= _ASTRAL:
        return len(text)
    return len(text) + sum(character > _ASTRAL for character in text)


def has_pairs(text: str) -> bool:
    """Whether a text has characters of two UTF-16 units."""
    return bool(text) and not text.isascii() and max(text) > _ASTRAL


def split_units(text: str) -> str:
    """Return a text with one Python character for each UTF-16 unit: pairs become two surrogates."""
    if not has_pairs(text):
        return text
    encoded = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(encoded[i] | encoded[i + 1] << 8) for i in range(0, len(encoded), 2))


def join_units(text: str) -> str:
    """The reverse of :func:`split_units`; surrogates without a partner remain."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


_NAMES = {20127: "ascii", 28591: "latin-1", 65000: "utf-7", 65001: "utf-8", 936: "gbk", 54936: "gb18030"}


@lru_cache(maxsize=256)
def codec(code_page: int) -> codecs.CodecInfo | None:
    """Return the codec of a Windows code page; None if there is none.

    :param code_page: the number, such as 1252.
    """
    is_iso = 28592 <= code_page <= 28606
    name = f"iso8859-{code_page - 28590}" if is_iso else _NAMES.get(code_page, f"cp{code_page}")
    try:
        return codecs.lookup(name)
    except LookupError:
        return None


def encoded_length(text: str, code_page: int) -> int | None:
    """The length of a text in a code page, in bytes; None if the code page lacks one of the characters.

    :param text: the text.
    :param code_page: a code page that :func:`codec` knows.
    """
    found = codec(code_page)
    if found is None:
        return None
    try:
        return len(found.encode(text)[0])
    except UnicodeError:
        return None


def map_case(text: str, *, upper: bool) -> str:
    """Map each character to one character; those whose other form has several stay as they are."""
    if text.isascii():
        return text.upper() if upper else text.lower()
    mapped = ((character, character.upper() if upper else character.lower()) for character in text)
    return "".join(new if len(new) == 1 else old for old, new in mapped)


_PUNCTUATION = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
_RANK = {character: (1, rank) for rank, character in enumerate(_PUNCTUATION)}

CollationKey = tuple[tuple[tuple[int, int], ...], tuple[str, ...], tuple[int, ...]]


def collation_key(text: str) -> CollationKey:
    """Return a key that sorts text as the invariant culture does.

    Punctuation comes before digits, and digits before letters. Letters decide first, then accents, then case, with
    lower before upper case.
    """
    return _short_collation_key(text) if len(text) <= _SHORT else _collation_key(text)


def _collation_key(text: str) -> CollationKey:
    decomposed = unicodedata.normalize("NFD", text)
    primary: list[tuple[int, int]] = []
    accents: list[str] = []
    case: list[int] = []
    for character in decomposed:
        if unicodedata.combining(character) and accents:
            accents[-1] += character
            continue
        rank = _RANK.get(character)
        if rank is None:
            folded = character.lower()
            kind = 3 if character.isalpha() else 2 if character.isdecimal() else 1
            value = unicodedata.decimal(character) if kind == 2 else 0x10000 * (kind == 1) + ord(folded[0])
            rank = (kind, value)
        primary.append(rank)
        accents.append("")
        case.append(1 if character.isupper() else 0)
    return tuple(primary), tuple(accents), tuple(case)


_SHORT = 256
_short_collation_key = lru_cache(maxsize=4096)(_collation_key)

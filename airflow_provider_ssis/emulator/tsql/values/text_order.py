"""The order of text: keys that compare, by their bytes, as SQL Server compares strings.

The server's collation has two orders (Microsoft Learn, "Collation and Unicode support"; KB 322112). Both ignore case
and trailing blanks.

- nvarchar has the word sort of Windows: characters first, then accents; a hyphen or apostrophe only decides between
  strings that are otherwise equal ("coop", "co-op", "cork"). Punctuation and symbols come before digits, and digits
  before letters, in the order of Windows' sorting weight table ([MS-UCODEREF]).
- varchar has sort order 52, with one weight for each character of code page 1252: symbols by their codes, digits,
  letters, and each letter with accents after the plain one.

What Windows takes for equal and this server does not ("ß" and "ss", "æ" and "ae", a letter and its composed form) is
next to one another: the key of a string that is not ASCII ends with its text. Alphabets other than the Latin one follow
it in the order of their code points.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from airflow_provider_ssis.emulator.tsql.values.code_page import CODE_PAGE

_CONTROL, _SYMBOL, _LETTER = "\ufdd0", "\ufdd1", "\ufdd2"
"""The places of the other characters of a kind: one weight, which the character itself follows."""
_UNICODE_ORDER: Final = (
    f'{_CONTROL} \u00a0\t\n\v\f\r!"#$%&()*,./:;?@[\\]^ˆ_`{{|}}~¡¦¨¯´¸¿˜‘’‚“”„‹›¢£¤¥€+<=>±«»×÷§©¬®°µ¶·…†‡•‰™'
    f"{_SYMBOL}0123456789abcdefghijklmnopqrstuvwxyz{_LETTER}"
)
_CODE_PAGE_ORDER: Final = (
    f"{_CONTROL}\t\n\v\f\r !\"#$%&'()*+,-./:;<=>?@[\\]^_`{{|}}~{_SYMBOL}0123456789"
    f"aàáâãäåæbcçdeèéêëfghiìíîïjklmnñoòóôõöøœpqrsšßtuùúûüvwxyýÿzžðþ{_LETTER}"
)
_SPECIALS: Final = "'-\u00ad\u2010\u2011\u2012\u2013\u2014\u2015"
"""The apostrophe and the hyphens, in their order: an nvarchar is first compared without them."""
_ACCENTS: Final = "\u0307\u0301\u0300\u0302\u0308\u030c\u0306\u0304\u0303\u030a\u0328\u0327\u030b"
"""The accents in Windows' order: dot, acute, grave, circumflex, diaeresis, caron, breve, macron, tilde, ring, ogonek,
cedilla, double acute."""
_STROKE: Final = "\u0335"
_SPELLED: Final = {
    **{letter: plain + _STROKE for letter, plain in zip("øđðłħŧ", "oddlht", strict=True)},
    **dict(zip("ªº¹²³¼½¾", "ao123000", strict=True)),
    "æ": "ae",
    "œ": "oe",
    "ß": "ss",
    "þ": "th",
}
"""Characters that Windows compares as others, of which no decomposition of Unicode says so."""

SEPARATOR: Final = 4
"""The byte between the parts of a key; lower than all weights. Lower ones mark arguments in the text of a query."""
_FIRST_WEIGHT: Final = 5
_NO_ACCENT: Final = 5
_OTHER_FORM: Final = 0x70
"""The accent of a letter for which :data:`_SPELLED` has others."""


def _weights(order: str) -> dict[str, str]:
    return {character: chr(place) for place, character in enumerate(order, start=_FIRST_WEIGHT)}


_UNICODE_WEIGHTS: Final = _weights(_UNICODE_ORDER)
_CODE_PAGE_WEIGHTS: Final = _weights(_CODE_PAGE_ORDER)


def _ascii(weights: dict[str, str], specials: str = "") -> bytes:
    special = dict.fromkeys(specials, chr(SEPARATOR))
    return "".join((special | weights).get(chr(code).lower(), "\0") for code in range(0x80)).encode() + bytes(0x80)


ASCII_OF_UNICODE: Final = _ascii(_UNICODE_WEIGHTS, _SPECIALS)
"""The weight of each byte of an nvarchar in UTF-8: :data:`SEPARATOR` for the apostrophe and the hyphen, 0 where only
:func:`unicode_key` knows it."""
ASCII_OF_CODE_PAGE: Final = _ascii(_CODE_PAGE_WEIGHTS)
"""The weight of each byte of a varchar in UTF-8; 0 where only :func:`code_page_key` knows it."""
_PLACES: Final = {special: chr(place) for place, special in enumerate(_SPECIALS, start=_FIRST_WEIGHT)}
ASCII_PLACES: Final = "".join(_PLACES.get(chr(code), chr(code).lower()) for code in range(0x80)).encode() + bytes(0x80)
"""The bytes of the folded text that ends the key of an nvarchar with specials, where these are the lowest."""
UNWEIGHTED: Final = bytes((0, SEPARATOR))


def lowered(text: str) -> str:
    """The small letters of a string, one for each character, as in DuckDB's ``lower``."""
    return text.lower() if text.isascii() else text.replace("\u0130", "i").replace("\u03a3", "\u03c3").lower()


def text_key(text: str, *, is_unicode: bool) -> bytes:
    """The key of a string. Two keys are equal if the strings are, without regard to case and trailing blanks.

    :param is_unicode: whether it is compared as nvarchar; else as varchar.
    """
    text = text.rstrip(" ")
    return (unicode_key if is_unicode else code_page_key)(text).encode(errors="surrogatepass")


def code_page_key(text: str) -> str:
    """The key of a varchar without trailing blanks."""
    return "".join([_code_page_weight(each) for each in lowered(text)])


def unicode_key(text: str) -> str:
    """The key of an nvarchar without trailing blanks."""
    folded = lowered(text)
    parts = [_unicode_parts(each) for each in unicodedata.normalize("NFC", folded)]
    weights = "".join([weight for weight, _ in parts])
    accents = "".join([accent for _, accent in parts]).rstrip(chr(_NO_ACCENT))
    if folded.isascii() and _SPECIALS_OF.isdisjoint(folded):
        return weights
    places = "".join([_PLACES.get(each, each) for each in folded])
    return f"{weights}{chr(SEPARATOR)}{accents}{chr(SEPARATOR)}{places}"


_SPECIALS_OF: Final = frozenset(_SPECIALS)


@lru_cache(maxsize=4096)
def _code_page_weight(character: str) -> str:
    known = _CODE_PAGE_WEIGHTS.get(character)
    if known is not None:
        return known
    try:
        code = character.encode(CODE_PAGE)[0]
    except UnicodeEncodeError:
        return _CODE_PAGE_WEIGHTS[_LETTER] + character
    return _CODE_PAGE_WEIGHTS[_CONTROL if code < ord(" ") else _SYMBOL] + chr(code)


@lru_cache(maxsize=4096)
def _unicode_parts(character: str) -> tuple[str, str]:
    """The weights and the accents of the letters of which a character consists; nothing for a special."""
    if character in _SPECIALS_OF:
        return "", ""
    spelled = _SPELLED.get(character)
    letters = list(spelled or unicodedata.normalize("NFD", character))
    plain = [each for each in letters if not unicodedata.combining(each)] or letters
    accent = _NO_ACCENT + sum(map(_accent, letters[len(plain) :]))
    if spelled is not None and _STROKE not in spelled:
        accent = _OTHER_FORM
    accents = chr(min(accent, _OTHER_FORM)) + chr(_NO_ACCENT) * (len(plain) - 1)
    return "".join(map(_unicode_weight, plain)), accents


def _accent(mark: str) -> int:
    return _ACCENTS.index(mark) + 1 if mark in _ACCENTS else len(_ACCENTS) + 1


def _unicode_weight(character: str) -> str:
    known = _UNICODE_WEIGHTS.get(character)
    if known is not None:
        return known
    category = unicodedata.category(character)
    kind = _CONTROL if category == "Cc" else _SYMBOL if category[0] in "PSZC" else _LETTER
    return _UNICODE_WEIGHTS[kind] + character

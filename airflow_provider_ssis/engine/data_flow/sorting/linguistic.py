"""Linguistic comparison of strings: keys by which Sort, Aggregate, Merge and Merge Join order and group them.

Integration Services compares strings as Windows does, by locale, with the comparison flags of each column. We take the
order of the Unicode collation algorithm from DuckDB's ICU, which is compiled into it: there is no second library to
install, and keys are computed in parallel inside queries. Two strings are equal if their keys are equal.

What is as in Windows: lower case before upper case as the last difference; accents before case; width and kana type as
differences; trailing blanks count; hyphens and apostrophes ("co-op", "coop") only decide between strings that are
otherwise equal, unless the flag StringSort is set. What differs: the order of punctuation and symbols among each
other; ideographs have the order of CLDR; "ß" and "ss", and "æ" and "ae", are different.
"""

from __future__ import annotations

import locale
from enum import IntFlag


class Comparison(IntFlag):
    """The flags of a comparison, with the values that packages store. Source: Microsoft's EzAPI."""

    NONE = 0
    IGNORE_CASE = 1
    IGNORE_NON_SPACE = 2
    IGNORE_SYMBOLS = 4
    STRING_SORT = 0x1000
    IGNORE_KANA_TYPE = 0x10000
    IGNORE_WIDTH = 0x20000


_KNOWN = Comparison(0x31007)
_INVARIANT = (0, 0x7F, 0x400, 0x800)
_TRADITIONAL_SPANISH = 0x040A
_SIGN_OF_SORT = 16
_TURKIC = ("tr", "az")

_KATAKANA = "".join(map(chr, (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)))
_HIRAGANA = "".join(map(chr, (*range(0x3041, 0x3097), 0x309D, 0x309E)))
_WIDE_ASCII = "".join(map(chr, range(0xFF01, 0xFF5F))) + "\u3000"
_ASCII = "".join(map(chr, range(0x21, 0x7F))) + " "
_HALF_WIDTH = "".join(map(chr, range(0xFF61, 0xFFA0)))
_HALF_WIDTH_MARKS = "\uff9e\uff9f"
"""The voiced sound marks of katakana, which follow their letter as an accent does."""
_FULL_WIDTH = (
    "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソ"
    "タチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン\u3099\u309a"
)


def is_known_locale(locale_id: int) -> bool:
    """Return whether we can compare strings in the order of a locale.

    Locales with an alternative sort order, such as that of German telephone books, are unknown.

    :param locale_id: the LCID.
    """
    return locale_id in _INVARIANT or (
        not locale_id >> _SIGN_OF_SORT and locale_id != _TRADITIONAL_SPANISH and locale_id in locale.windows_locale
    )


def unknown_flags(flags: int) -> int:
    """Return those of the flags of a comparison that we do not know; 0 for none.

    :param flags: as the package stores them.
    """
    return flags & ~int(_KNOWN)


def key_expression(value: str, locale_id: int, flags: int = 0) -> str:
    """Return a DuckDB expression for the key of a string: keys compare as the strings do, as binary text.

    :param value: the expression of the string; is repeated in the result.
    :param locale_id: the LCID; one that :func:`is_known_locale` knows.
    :param flags: the flags of the comparison. Default: none.
    """
    comparison = Comparison(flags)
    name = _language(locale_id)
    folded = _folded(value, name, comparison)
    key = f"icu_sort_key({folded}, '{name}')"
    if comparison & (Comparison.STRING_SORT | Comparison.IGNORE_SYMBOLS):
        return key
    # The key of the string without hyphens and apostrophes decides first. A blank is lower than each digit of a key.
    plain = f"icu_sort_key(replace(replace({folded}, '-', ''), '''', ''), '{name}')"
    has_marks = f"contains({value}, '-') OR contains({value}, '''')"
    if comparison & Comparison.IGNORE_WIDTH:
        has_marks += f" OR contains({value}, '\uff0d') OR contains({value}, '\uff07')"
    return f"CASE WHEN {has_marks} THEN {plain} || ' ' || {key} ELSE {key} END"


def _language(locale_id: int) -> str:
    if locale_id in _INVARIANT:
        return "en"
    return locale.windows_locale[locale_id].partition("_")[0]


def _folded(value: str, language: str, comparison: Comparison) -> str:
    """The expression of a string without the differences that the flags ignore."""
    if comparison & Comparison.IGNORE_WIDTH:
        value = f"translate({value}, {_text(_WIDE_ASCII + _HALF_WIDTH)}, {_text(_ASCII + _FULL_WIDTH)})"
        value = f"nfc_normalize({value})"
    if comparison & Comparison.IGNORE_KANA_TYPE:
        value = f"translate({value}, {_text(_KATAKANA)}, {_text(_HIRAGANA)})"
    if comparison & Comparison.IGNORE_NON_SPACE:
        value = f"translate(strip_accents({value}), '{_HALF_WIDTH_MARKS}', '')"
    if comparison & Comparison.IGNORE_CASE:
        if language in _TURKIC:
            value = f"translate({value}, 'I\u0130', '\u0131i')"
        value = f"lower({value})"
    if comparison & Comparison.IGNORE_SYMBOLS:
        value = rf"regexp_replace({value}, '[\p{{P}}\p{{S}}\p{{Z}}\s]', '', 'g')"
    return value


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""The code page of char and varchar, and the characters that it lacks.

Windows, and SQL Server with it, writes the nearest character of the code page where it has one, and a question mark
otherwise. Source: the best-fit mapping of code page 1252 that Unicode publishes for Windows.
"""

from __future__ import annotations

import codecs
import unicodedata
from itertools import chain
from typing import Final

CODE_PAGE: Final = "cp1252"
"""The code page of char and varchar under the server's collation."""

_WITHOUT_MARKS: Final = chain(
    range(0x100, 0x180),
    (0x1A0, 0x1A1, 0x1AF, 0x1B0),
    range(0x1CD, 0x1E0),
    range(0x1E6, 0x1EE),
    (0x1F0,),
)
"""Letters that become the letter without its marks."""
_LETTERS: Final = "ĐÐđdĦHħhıiŁLłlŦTŧtΓGΘTΣSΦFΩOαaδdεeπpσsτtφf"
_SIGNS: Final = "ʹ'ʺ\"ʼ'ˈ'‐-‑-′'‵`⁄/−-∕/∖\\∗*∞8∣|∶:∼~≤=≥=≡="
_DIGITS: Final = "⁴4⁵5⁶6⁷7⁸8₀0₁1₂2₃3₄4₅5₆6₇7₈8₉9"
_SPACES: Final = range(0x2000, 0x2007)
_FULL_WIDTH: Final = range(0xFF01, 0xFF5F)
_UNKNOWN: Final = "?"


def _nearest() -> dict[str, str]:
    pairs = _LETTERS + _SIGNS + _DIGITS
    found = dict(zip(pairs[::2], pairs[1::2], strict=True))
    found |= dict.fromkeys(map(chr, _SPACES), " ")
    found |= {chr(code): chr(code - _FULL_WIDTH.start + ord("!")) for code in _FULL_WIDTH}
    for code in _WITHOUT_MARKS:
        letter = unicodedata.normalize("NFD", chr(code))[0]
        if letter.isascii():
            found[chr(code)] = letter
    return found


_NEAREST: Final = _nearest()


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    # A character beyond U+FFFF is two of nvarchar, and each becomes a question mark.
    return "".join(_NEAREST.get(each, _UNKNOWN * (1 + (each > "\uffff"))) for each in missing), error.end


_BEST_FIT: Final = "airflow_provider_ssis.best_fit"
codecs.register_error(_BEST_FIT, _replaced)


def encoded(text: str) -> bytes:
    """Text in the code page, with the nearest character for one that it lacks."""
    return text.encode(CODE_PAGE, _BEST_FIT)


def fitted(text: str) -> str:
    """Text with the characters that char and varchar have."""
    return text if text.isascii() else encoded(text).decode(CODE_PAGE, "replace")

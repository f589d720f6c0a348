"""How locales write numbers and dates, for conversions by the rules of OLE Automation.

Source: Microsoft's public locale data (National Language Support reference).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_SPACES = "\u00a0\u202f "
_ENGLISH = "january february march april may june july august september october november december"
_GERMAN = "januar februar märz april mai juni juli august september oktober november dezember"  # codespell:ignore
_FRENCH = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
_ITALIAN = "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
_SPANISH = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
_DUTCH = "januari februari maart april mei juni juli augustus september oktober november december"  # codespell:ignore
_PORTUGUESE = "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"
_SWEDISH = "januari februari mars april maj juni juli augusti september oktober november december"  # codespell:ignore


@dataclass(frozen=True, slots=True)
class Locale:
    """How a locale writes numbers and dates.

    :param decimal: the sign before the fraction.
    :param groups: the signs that may separate thousands.
    :param currencies: the currency symbols.
    :param order: the order of a date in digits: ``mdy``, ``dmy`` or ``ymd``.
    :param months: the names of the months, in lower case; empty where they are not known.
    """

    decimal: str
    groups: str
    currencies: tuple[str, ...]
    order: str
    months: tuple[str, ...] = ()


def _locale(decimal: str, groups: str, currency: str, order: str, months: str = "") -> Locale:
    return Locale(decimal, groups, tuple(currency.split()), order, tuple(months.split()))


_LOCALES_OF_SPANISH = {
    **dict.fromkeys((9226, 11274, 12298, 13322), _locale(",", ".", "$", "dmy", _SPANISH)),
    4106: _locale(".", ",", "Q", "dmy", _SPANISH),
    5130: _locale(",", f".{_SPACES}", "₡", "dmy", _SPANISH),
    6154: _locale(".", ",", "B/.", "mdy", _SPANISH),
    7178: _locale(".", ",", "RD$ $", "dmy", _SPANISH),
    8202: _locale(",", ".", "Bs.F. Bs.S Bs. Bs", "dmy", _SPANISH),
    10250: _locale(".", ",", "S/. S/", "dmy", _SPANISH),
    14346: _locale(",", ".", "$U $", "dmy", _SPANISH),
    15370: _locale(",", ".", "₲ Gs", "dmy", _SPANISH),
    16394: _locale(",", ".", "$b Bs", "dmy", _SPANISH),
    17418: _locale(".", ",", "$", "dmy", _SPANISH),
    18442: _locale(".", ",", "L. L", "dmy", _SPANISH),
    19466: _locale(".", ",", "C$", "dmy", _SPANISH),
    20490: _locale(".", ",", "$", "mdy", _SPANISH),
    21514: _locale(".", ",", "$", "mdy", _SPANISH),
}
_LOCALES_OF_ENGLISH = {
    8201: _locale(".", ",", "J$ $", "dmy", _ENGLISH),
    10249: _locale(".", ",", "BZ$ $", "dmy", _ENGLISH),
    11273: _locale(".", ",", "TT$ $", "dmy", _ENGLISH),
    17417: _locale(".", ",", "RM", "dmy", _ENGLISH),
    18441: _locale(".", ",", "$", "dmy", _ENGLISH),
}
_OTHER_LOCALES = {
    3079: _locale(",", f".{_SPACES}", "€", "dmy", _GERMAN),
    4103: _locale(",", ".", "€", "dmy", _GERMAN),
    5127: _locale(".", "'’", "CHF", "dmy", _GERMAN),
    3084: _locale(",", _SPACES, "$", "ymd", _FRENCH),
    5132: _locale(",", f".{_SPACES}", "€", "dmy", _FRENCH),
    6156: _locale(",", _SPACES, "€", "dmy", _FRENCH),
    2064: _locale(".", "'’", "CHF", "dmy", _ITALIAN),
    2077: _locale(",", _SPACES, "€", "dmy", _SWEDISH),
    1026: _locale(",", _SPACES, "лв. лв", "dmy"),
    1027: _locale(",", ".", "€", "dmy"),
    1037: _locale(".", ",", "₪", "dmy"),
    1039: _locale(",", ".", "kr. kr ISK", "dmy"),
    1048: _locale(",", ".", "lei RON", "dmy"),
    1050: _locale(",", ".", "kn €", "dmy"),
    1051: _locale(",", _SPACES, "€", "dmy"),
    1057: _locale(",", ".", "Rp", "dmy"),
    1058: _locale(",", _SPACES, "₴ грн.", "dmy"),
    1060: _locale(",", ".", "€", "dmy"),
    1061: _locale(",", _SPACES, "€", "dmy"),
    1063: _locale(",", f".{_SPACES}", "€ Lt", "ymd"),
    1066: _locale(",", ".", "₫", "dmy"),
    1069: _locale(",", ".", "€", "ymd"),
    1071: _locale(",", ".", "ден. ден", "dmy"),
    1086: _locale(".", ",", "RM", "dmy"),
    1110: _locale(",", ".", "€", "dmy"),
    2068: _locale(",", _SPACES, "kr", "dmy"),
    **dict.fromkeys((2074, 9242, 10266), _locale(",", ".", "Din. din. RSD", "dmy")),
    3076: _locale(".", ",", "HK$ $", "dmy"),
    4100: _locale(".", ",", "$", "dmy"),
    5146: _locale(",", ".", "KM", "dmy"),
}
LOCALES: Mapping[int, Locale] = {
    **_LOCALES_OF_SPANISH,
    **_LOCALES_OF_ENGLISH,
    **_OTHER_LOCALES,
    127: _locale(".", ",", "¤", "mdy", _ENGLISH),
    1033: _locale(".", ",", "$", "mdy", _ENGLISH),
    2057: _locale(".", ",", "£", "dmy", _ENGLISH),
    3081: _locale(".", ",", "$", "dmy", _ENGLISH),
    5129: _locale(".", ",", "$", "dmy", _ENGLISH),
    6153: _locale(".", ",", "€", "dmy", _ENGLISH),
    16393: _locale(".", ",", "₹", "dmy", _ENGLISH),
    1031: _locale(",", ".", "€", "dmy", _GERMAN),
    2055: _locale(".", "'’", "CHF", "dmy", _GERMAN),
    1036: _locale(",", _SPACES, "€", "dmy", _FRENCH),
    2060: _locale(",", f".{_SPACES}", "€", "dmy", _FRENCH),
    1040: _locale(",", ".", "€", "dmy", _ITALIAN),
    1034: _locale(",", ".", "€", "dmy", _SPANISH),
    3082: _locale(",", ".", "€", "dmy", _SPANISH),
    2058: _locale(".", ",", "$", "dmy", _SPANISH),
    1043: _locale(",", ".", "€", "dmy", _DUTCH),
    2067: _locale(",", ".", "€", "dmy", _DUTCH),
    1046: _locale(",", ".", "R$", "dmy", _PORTUGUESE),
    2070: _locale(",", f".{_SPACES}", "€", "dmy", _PORTUGUESE),
    1053: _locale(",", f".{_SPACES}", "kr", "ymd", _SWEDISH),
    1030: _locale(",", ".", "kr kr.", "dmy"),
    1044: _locale(",", _SPACES, "kr", "dmy"),
    1035: _locale(",", _SPACES, "€", "dmy"),
    1045: _locale(",", _SPACES, "zł", "dmy"),
    1029: _locale(",", _SPACES, "Kč", "dmy"),
    1038: _locale(",", _SPACES, "Ft", "ymd"),
    1049: _locale(",", _SPACES, "₽ р.", "dmy"),
    1032: _locale(",", ".", "€", "dmy"),
    1055: _locale(",", ".", "₺ TL", "dmy"),
    1041: _locale(".", ",", "¥ \\", "ymd"),
    1042: _locale(".", ",", "₩ \\", "ymd"),
    2052: _locale(".", ",", "¥ ￥", "ymd"),
    1028: _locale(".", ",", "NT$", "ymd"),
}
"""The locales whose numbers and dates can be read, by LocaleID.

Left out are locales that versions of Windows write differently (English of Canada and South Africa, French of
Switzerland), and those with another calendar (Thai, Arabic of Saudi Arabia, Persian).
"""

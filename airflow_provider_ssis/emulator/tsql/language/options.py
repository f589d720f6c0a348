"""The SET options, and the effect of those that this server implements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from airflow_provider_ssis.emulator.tsql.values import date_styles
from airflow_provider_ssis.emulator.tsql.values.date_parts import SUNDAY
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported


@dataclass(slots=True)
class Options:
    """The SET options that have an effect on a session.

    :param lock_timeout: milliseconds to wait for a lock; -1 waits without a limit.
    :param row_count: the most rows that a query returns; 0 is all of them.
    :param date_first: the first day of a week, from Monday (1) to Sunday (7).
    :param date_order: SET DATEFORMAT.
    :param language: ``@@LANGUAGE``.
    """

    nocount: bool = False
    xact_abort: bool = False
    implicit_transactions: bool = False
    format_only: bool = False
    lock_timeout: int = -1
    row_count: int = 0
    text_size: int = 2147483647
    date_first: int = SUNDAY
    date_order: str = date_styles.MDY
    language: str = "us_english"


def _switch(field: str) -> Callable[[Options, str], None]:
    def apply(options: Options, value: str) -> None:
        setattr(options, field, _is_on(value))

    return apply


def _number(field: str, least: int) -> Callable[[Options, str], None]:
    def apply(options: Options, value: str) -> None:
        try:
            number = int(value)
        except ValueError:
            raise _invalid(value) from None
        if number < least:
            raise _invalid(value)
        setattr(options, field, number)

    return apply


def _date_first(options: Options, value: str) -> None:
    if not value.isdecimal():
        raise _invalid(value)
    if not 1 <= int(value) <= SUNDAY:
        raise SqlError(2742, f"SET DATEFIRST {value} is out of range: the days are 1 (Monday) to {SUNDAY} (Sunday).")
    options.date_first = int(value)


def _language(options: Options, value: str) -> None:
    """A language brings its first day of the week and its order of dates with it; only those in English are here."""
    _only(*_LANGUAGES)(options, value)
    options.language, options.date_first, options.date_order = _LANGUAGES[_given(value)]


def _date_format(options: Options, value: str) -> None:
    _only(*(order.upper() for order in date_styles.DATE_ORDERS))(options, value)
    options.date_order = _given(value).lower()


_US_ENGLISH: Final = ("us_english", SUNDAY, date_styles.MDY)
_BRITISH: Final = ("British", 1, date_styles.DMY)
_LANGUAGES: Final = {
    **dict.fromkeys(("US_ENGLISH", "ENGLISH"), _US_ENGLISH),
    **dict.fromkeys(("BRITISH", "BRITISH ENGLISH"), _BRITISH),
}


def _ansi_defaults(options: Options, value: str) -> None:
    """The options of the standard. Only IMPLICIT_TRANSACTIONS differs from the defaults."""
    _only("ON")(options, value)
    options.implicit_transactions = True


def _either(options: Options, value: str) -> None:
    """ON or OFF, which changes nothing here."""
    _is_on(value)


def _anything(options: Options, value: str) -> None:
    """Any value; the option changes nothing here."""


def _only(*values: str) -> Callable[[Options, str], None]:
    """An option that would change answers, of which only the settings that this server has are accepted."""

    def apply(options: Options, value: str) -> None:
        if _given(value) not in values:
            raise not_supported(f"The value {_given(value)} of this SET option (use {', '.join(values)})")

    return apply


def _given(value: str) -> str:
    return value.removeprefix("N'").strip("'").upper()


def _is_on(value: str) -> bool:
    if value not in ("ON", "OFF"):
        raise _invalid(value)
    return value == "ON"


def _invalid(value: str) -> SqlError:
    return SqlError(102, f"Incorrect syntax near '{value}'.", severity=15, ends_batch=True)


_OPTIONS: Final[dict[str, Callable[[Options, str], None]]] = {
    "NOCOUNT": _switch("nocount"),
    "XACT_ABORT": _switch("xact_abort"),
    "IMPLICIT_TRANSACTIONS": _switch("implicit_transactions"),
    "FMTONLY": _switch("format_only"),
    "LOCK_TIMEOUT": _number("lock_timeout", -1),
    "ROWCOUNT": _number("row_count", 0),
    "TEXTSIZE": _number("text_size", -1),
    "DATEFIRST": _date_first,
    "DATEFORMAT": _date_format,
    "LANGUAGE": _language,
    "FIPS_FLAGGER": _only("OFF"),
    "OFFSETS": _only("OFF"),
    "ANSI_DEFAULTS": _ansi_defaults,
    "ANSI_NULLS": _only("ON"),
    "ANSI_NULL_DFLT_OFF": _only("OFF"),
    "ANSI_NULL_DFLT_ON": _only("ON"),
    "ANSI_PADDING": _only("ON"),
    "CONCAT_NULL_YIELDS_NULL": _only("ON"),
    "NUMERIC_ROUNDABORT": _only("OFF"),
    "NOEXEC": _only("OFF"),
    "PARSEONLY": _only("OFF"),
    "SHOWPLAN_ALL": _only("OFF"),
    "SHOWPLAN_TEXT": _only("OFF"),
    "SHOWPLAN_XML": _only("OFF"),
    "REMOTE_PROC_TRANSACTIONS": _either,
    "DEADLOCK_PRIORITY": _anything,
    "QUERY_GOVERNOR_COST_LIMIT": _anything,
    "CONTEXT_INFO": _anything,
    "TRANSACTION ISOLATION LEVEL": _only(
        "READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SNAPSHOT", "SERIALIZABLE"
    ),
    **dict.fromkeys(
        (
            "ANSI_WARNINGS",
            "ARITHABORT",
            "ARITHIGNORE",
            "CURSOR_CLOSE_ON_COMMIT",
            "DISABLE_DEF_CNST_CHK",
            "FORCEPLAN",
            "NO_BROWSETABLE",
            "QUOTED_IDENTIFIER",
            "STATISTICS IO",
            "STATISTICS TIME",
            "STATISTICS PROFILE",
            "STATISTICS XML",
        ),
        _either,
    ),
}
"""Each option and what setting it does ("SET Statements (Transact-SQL)"); a new option is a new row."""


def is_option(name: str) -> bool:
    """Whether there is a SET option of this name, in upper case."""
    return name in _OPTIONS


def apply(options: Options, name: str, value: str) -> None:
    """Set an option.

    :param name: one that :func:`is_option` knows.
    :param value: in upper case.
    :raises SqlError: 102 it takes no such value; 40514 this server has no such setting.
    """
    _OPTIONS[name](options, value)

"""Settings for the evaluation of an expression: its inputs besides variables and columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

ENGLISH_US = 1033


def _now() -> datetime:
    return datetime.now().astimezone()


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings for the evaluation of an expression: its inputs besides variables and columns.

    :param clock: returns the current time with its time zone, for GETDATE and GETUTCDATE. Default: the machine's clock.
    :param locale: the LocaleID of the package or component, which decides how the text of DT_DATE is read and written.
        Default: 1033, English (United States).
    :param cut_text: whether text that is too long for a cast is cut, as the truncation disposition "ignore failure"
        says, instead of an error. Default: False.
    """

    clock: Callable[[], datetime] = _now
    locale: int = ENGLISH_US
    cut_text: bool = False


DEFAULT_SETTINGS = Settings()

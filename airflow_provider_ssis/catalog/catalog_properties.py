"""The properties of the catalog, and the values that each can have."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from airflow_provider_ssis.catalog.errors import InvalidArgument
from airflow_provider_ssis.catalog.nearest_names import existing_names

_LARGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Property:
    """A property that ``catalog.configure_catalog`` can change.

    :param meaning: what it does.
    :param low: the smallest value, if the values are whole numbers.
    :param high: the largest value.
    :param choices: the values, if they are words or a few numbers.
    :param is_text: any text, such as the name of a logging level.
    :param needs_single_user: the catalog changes it only while SSISDB is in the mode SINGLE_USER.
    """

    meaning: str
    low: int | None = None
    high: int | None = None
    choices: Collection[str] = ()
    is_text: bool = False
    needs_single_user: bool = False

    @property
    def values(self) -> str:
        """The values in words."""
        if self.is_text:
            return "a name"
        return ", ".join(self.choices) if self.choices else f"{self.low} to {self.high}"

    def accepts(self, value: str) -> bool:
        """Whether a value is one of this property's.

        :param value: the value as text.
        """
        if self.is_text:
            return 0 < len(value) <= _LARGEST_NAME
        if self.choices:
            return value in self.choices
        return value.isascii() and value.isdecimal() and (self.low or 0) <= int(value) <= (self.high or 0)


_SWITCH: Final = ("TRUE", "FALSE")
CHANGEABLE: Final = {
    "ENCRYPTION_ALGORITHM": Property(
        "the algorithm that encrypts sensitive values",
        choices=("TRIPLE_DES_3KEY", "AES_128", "AES_192", "AES_256"),
        needs_single_user=True,
    ),
    "RETENTION_WINDOW": Property("days that the catalog keeps operations and their messages", 1, 3650),
    "OPERATION_CLEANUP_ENABLED": Property("the clean-up job deletes older operations", choices=_SWITCH),
    "MAX_PROJECT_VERSIONS": Property("versions that the catalog keeps of each project", 1, 9999),
    "VERSION_CLEANUP_ENABLED": Property("the clean-up job deletes older versions", choices=_SWITCH),
    "SERVER_LOGGING_LEVEL": Property(
        "the logging level of executions that set none", choices=("0", "1", "2", "3", "4", "100")
    ),
    "SERVER_CUSTOMIZED_LOGGING_LEVEL": Property("the customized level for the logging level 100", is_text=True),
    "SERVER_OPERATION_ENCRYPTION_LEVEL": Property(
        "keys for each execution (1) or each project (2)", choices=("1", "2"), needs_single_user=True
    ),
    "DEFAULT_EXECUTION_MODE": Property("executions run on the server (0) or in Scale Out (1)", choices=("0", "1")),
}
"""The properties that can be changed."""

READ_ONLY: Final = ("SCHEMA_VERSION", "SCHEMA_BUILD", "VALIDATION_TIMEOUT", "IS_SCALEOUT_ENABLED")
"""The properties that cannot be changed."""


def checked_property(name: str, value: str | int | bool) -> tuple[str, str]:
    """A property and its value as the catalog takes them.

    :param name: the property, in upper or lower case.
    :param value: the value; True and False become ``TRUE`` and ``FALSE``.
    :raises InvalidArgument: there is no such property, it cannot be changed, or it has no such value.
    """
    doing = f"Setting the catalog property {name!r}"
    key = name.strip().upper()
    if key in READ_ONLY:
        raise InvalidArgument(f"{doing} failed: it cannot be changed", advice="It describes the catalog.")
    if key not in CHANGEABLE:
        raise InvalidArgument(
            f"{doing} failed: the catalog has no such property",
            advice=existing_names("property", key, list(CHANGEABLE)),
        )
    found = CHANGEABLE[key]
    text = str(value) if found.is_text else str(value).strip().upper()
    if not found.accepts(text):
        raise InvalidArgument(f"{doing} to {value!r} failed: it has no such value", advice=f"Give {found.values}.")
    return key, text

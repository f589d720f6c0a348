"""Checks texts for connection strings, so that every driver manager and driver parses them as intended.

Two programs parse a connection string: first the driver manager, which searches for a few keywords (among them
``DRIVER``, the library to load), and then the driver. They disagree about quoting. unixODBC before 2.3.11 ends a value
at the first ``;`` even inside braces; other versions end it at the first ``}``. All of them read only the low byte of
each UTF-16 code unit, so ``U+013B`` is a semicolon for them. No quoting is safe in all of these cases. Therefore a
value must not contain any keyword of the driver manager, and quoting is left to what the driver needs
(unixODBC, ``DriverManager/SQLDriverConnect.c``).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from airflow_provider_ssis.odbc.target import DriverCannot

LONGEST_NAME: Final = 128
"""Characters of a login, a password or a database name (SQL Server, ``sysname``)."""


class UnsafeValue(DriverCannot):
    """A value cannot be sent to the driver as it is. The message names the field and never shows a password.

    :param field: the field of :class:`~airflow_provider_ssis.odbc.target.OdbcTarget`.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"the {FIELD_TITLES.get(field, field)} {problem}")
        self.field = field


FIELD_TITLES: Final = {
    "host": "host",
    "database": "schema (database)",
    "user": "login",
    "password": "password",
    "dsn": "data source (data_source)",
    "driver": "driver",
    "server_spn": "field server_spn",
    "host_name_in_certificate": "field host_name_in_certificate",
    "application_name": "field application_name",
    "trusted_certificates": "field trusted_certificates",
}
"""Names of the fields as the connection form has them."""


def check_text(field: str, value: str) -> None:
    """Reject a value that some driver manager or driver would misread however it is quoted.

    :param field: the target's field, for the message.
    :param value: its value.
    :raises UnsafeValue: the value contains a control character, half a surrogate pair, or a keyword of the driver
        manager; or it is longer than SQL Server accepts.
    """
    check_characters(field, value)
    if field in ("user", "password", "database", "application_name") and len(value) > LONGEST_NAME:
        raise UnsafeValue(field, f"has {len(value)} characters; SQL Server accepts at most {LONGEST_NAME}. Shorten it.")
    keyword = _driver_manager_keyword(value)
    if keyword is not None:
        raise UnsafeValue(
            field,
            f"contains '{keyword}=', which the ODBC driver manager would read as one of its options. "
            "Choose a value without it.",
        )


def check_characters(field: str, value: str) -> None:
    """Reject control characters, which cut off or split texts on the way to the server, and half surrogate pairs.

    :param field: the field, for the message.
    :param value: its value.
    :raises UnsafeValue: the value contains one.
    """
    for position, character in enumerate(value, start=1):
        category = unicodedata.category(character)
        if category == "Cc":
            raise UnsafeValue(
                field, f"contains the control character U+{ord(character):04X} at position {position}. Remove it."
            )
        if category == "Cs":
            raise UnsafeValue(
                field, f"contains half a surrogate pair at position {position}, which is not a character. Remove it."
            )


def check_host(value: str) -> None:
    """Reject a host that is not a name or address with an optional instance.

    :param value: the host.
    :raises UnsafeValue: it contains other characters.
    """
    check_text("host", value)
    if not _HOST.fullmatch(value):
        raise UnsafeValue(
            "host",
            f"{value!r} is not a server name. Give HOST or HOST\\INSTANCE: letters, digits, '.', '-', '_' and, for an "
            "IPv6 address, ':'.",
        )


def check_lookup_name(field: str, value: str) -> None:
    """Reject the name of a driver or data source that the driver manager cannot look up as it is written.

    The driver manager reads these names itself, and takes neither quoting nor characters beyond ASCII.

    :param field: ``driver`` or ``dsn``.
    :param value: the name, or the path of a driver's library.
    :raises UnsafeValue: the name contains braces, semicolons or characters beyond ASCII, or begins or ends with blanks.
    """
    check_text(field, value)
    if not value.isascii() or set(value) & set("{}[];") or value != value.strip():
        raise UnsafeValue(
            field,
            f"{value!r} cannot be looked up by the ODBC driver manager. Rename it: ASCII characters, without "
            "braces, brackets and semicolons, and without blanks around it.",
        )


def needs_braces(value: str) -> bool:
    """Whether a driver misreads the value without braces around it."""
    return not value or value.strip() != value or bool(set(value) & set("[]{}();?*=!@ ,"))


def braces_are_required(value: str) -> bool:
    """Whether every driver misreads the value without braces."""
    return value.strip() != value or ";" in value or value.startswith("{")


def _driver_manager_keyword(value: str) -> str | None:
    """The keyword of the driver manager that the value contains, in either way of reading its characters."""
    low_bytes = value.encode("utf-16-le")[::2].decode("latin-1")
    found = _KEYWORD.search(value) or _KEYWORD.search(low_bytes)
    return None if found is None else found[1]


_KEYWORD = re.compile(r"(driver|(?:file)?dsn|savefile|dm(?:env|conn|stmt)attr)\s*=", re.IGNORECASE)
_HOST = re.compile(r"(?:[\w.:%\-]+|\(local\))(?:\\[\w$#.\-]+)?")

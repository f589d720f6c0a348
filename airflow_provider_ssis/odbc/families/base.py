"""The interface of a driver family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from airflow_provider_ssis.odbc.target import OdbcTarget

Pair = tuple[str, str, str]
"""Keyword, value, and the field of the target that the value comes from (empty for a constant)."""


class Family(ABC):
    """The rules of the drivers that understand the same connection string keywords."""

    missing: ClassVar[str]
    """Message for a machine without such a driver: what to install."""
    strict_encryption: ClassVar[str] = ""
    """Advice to add to a connection error under strict encryption."""

    @abstractmethod
    def owns(self, name: str) -> bool:
        """Whether a driver belongs to the family.

        :param name: the driver's registered name, or the path of its library.
        """

    @abstractmethod
    def check(self, label: str, target: OdbcTarget) -> None:
        """Reject a target that the drivers do not support.

        :param label: the driver's name, for messages.
        :param target: where and how to connect.
        :raises DriverCannot: the message says which option, and what to use instead.
        """

    @abstractmethod
    def pairs(self, target: OdbcTarget) -> Iterator[Pair]:
        """The keywords of the connection string after ``DRIVER`` or ``DSN``, with unquoted values."""

    @abstractmethod
    def quote(self, field: str, value: str) -> str:
        """A value as the drivers parse it.

        :param field: the target's field, for messages.
        :param value: a value that passed :func:`~airflow_provider_ssis.odbc.field_values.check_text`.
        :raises UnsafeValue: no quoting works in every version of the driver.
        """

    @abstractmethod
    def environment(self, target: OdbcTarget) -> dict[str, str]:
        """Environment variables for the time of connecting; creates the files that they name."""


def database_and_login(target: OdbcTarget) -> Iterator[Pair]:
    """The keywords that all families share."""
    if target.database:
        yield "DATABASE", target.database, "database"
    if target.user is not None:
        yield "UID", target.user, "user"
        yield "PWD", target.password or "", "password"
    elif target.is_trusted:
        yield "Trusted_Connection", "yes", ""
        if target.server_spn:
            yield "ServerSPN", target.server_spn, "server_spn"

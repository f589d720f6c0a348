"""The SQL Server that a server claims to be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """The name, version and edition of an emulated server.

    :param server_name: the value of ``@@SERVERNAME``.
    :param description: the first words of ``@@VERSION``; the version number follows.
    :param edition: the value of ``SERVERPROPERTY('Edition')``.
    :param engine_edition: the value of ``SERVERPROPERTY('EngineEdition')``: 3 Enterprise or Developer, 8 Azure SQL
        Managed Instance.
    :param version: major, minor and build number.
    """

    server_name: str
    description: str
    edition: str
    engine_edition: int
    version: tuple[int, int, int]

    @property
    def version_text(self) -> str:
        """The version as ``SERVERPROPERTY('ProductVersion')`` has it, such as ``16.0.4000.1``."""
        return ".".join(map(str, (*self.version, 1)))

    @property
    def full_text(self) -> str:
        """The value of ``@@VERSION``."""
        return f"{self.description} - {self.version_text} (X64)"

"""The next IDENTITY values of tables. A rollback does not give values back."""

from __future__ import annotations

from airflow_provider_ssis.emulator.tsql.metadata.objects import WritableTable


class Identities:
    """The next IDENTITY values, by the names of the DuckDB tables."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def next(self, table: WritableTable) -> int:
        """The next new value."""
        identity = table.rules.identity
        if identity is None:
            raise ValueError(f"{table.name} has no identity column")
        return self._next.get(table.storage_name, identity.seed)

    def note(self, table: WritableTable, value: int) -> None:
        """Continue after a value, if it is further than the last."""
        identity = table.rules.identity
        if identity is None:
            return
        following = value + identity.increment
        known = self._next.get(table.storage_name, identity.seed)
        self._next[table.storage_name] = (max if identity.increment > 0 else min)(known, following)

    def last(self, table: WritableTable) -> int | None:
        """``IDENT_CURRENT``: the last value, or the seed while there is none."""
        identity = table.rules.identity
        if identity is None:
            return None
        known = self._next.get(table.storage_name)
        return identity.seed if known is None else known - identity.increment

    def reset(self, table: WritableTable) -> None:
        """Begin again with the seed."""
        self._next.pop(table.storage_name, None)

    def forget(self, prefix: str) -> None:
        """Forget the tables whose DuckDB names begin so."""
        self._next = {name: value for name, value in self._next.items() if not name.startswith(prefix)}

    def known(self) -> dict[str, int]:
        """All next values."""
        return dict(self._next)

    def restore(self, values: dict[str, int]) -> None:
        """Continue with values of an earlier run of the server."""
        self._next.update(values)

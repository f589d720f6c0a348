"""The next IDENTITY values of tables. A rollback does not give values back, but it undoes a reset."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_provider_ssis.emulator.tsql.metadata.objects import WritableTable


class Identities:
    """The next IDENTITY values, by the names of the DuckDB tables in lower case."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}
        self._before: dict[str, tuple[int, int]] = {}
        """The next value and the increment of tables before an open transaction reset them."""

    def next(self, table: WritableTable) -> int:
        """The next new value."""
        identity = table.rules.identity
        if identity is None:
            raise ValueError(f"{table.name} has no identity column")
        return self._next.get(_key(table), identity.seed)

    def note(self, table: WritableTable, value: int) -> None:
        """Continue after a value, if it is further than the last."""
        identity = table.rules.identity
        if identity is None:
            return
        following = value + identity.increment
        known = self._next.get(_key(table), identity.seed)
        self._next[_key(table)] = (max if identity.increment > 0 else min)(known, following)

    def last(self, table: WritableTable) -> int | None:
        """``IDENT_CURRENT``: the last value, or the seed while there is none."""
        identity = table.rules.identity
        if identity is None:
            return None
        known = self._next.get(_key(table))
        return identity.seed if known is None else known - identity.increment

    def reset(self, table: WritableTable) -> None:
        """Begin again with the seed."""
        known = self._next.pop(_key(table), None)
        if known is not None:
            increment = table.rules.identity.increment if table.rules.identity else 1
            self._before.setdefault(_key(table), (known, increment))

    def reseed(self, table: WritableTable, value: int) -> None:
        """Continue after a value, or begin with it where the table has had no row yet."""
        known = self._next.get(_key(table))
        increment = table.rules.identity.increment if table.rules.identity else 1
        if known is not None:
            self._before.setdefault(_key(table), (known, increment))
        self._next[_key(table)] = value if known is None else value + increment

    def rename(self, table: WritableTable, new: WritableTable) -> None:
        """Continue under another name, or under the old one after a rollback: a new table of that name is reset."""
        known = self._next.get(_key(table))
        self.reset(new)
        if known is not None:
            self._next[_key(new)] = known

    def keep_resets(self, names: Iterable[str] | None = None) -> None:
        """The transaction that reset tables is committed.

        :param names: of the tables; None for all.
        """
        for name in list(self._before) if names is None else names:
            self._before.pop(name, None)

    def undo_resets(self, names: Iterable[str] | None = None) -> None:
        """The transaction that reset tables is undone: continue after the furthest value.

        :param names: of the tables; None for all.
        """
        for name in list(self._before) if names is None else names:
            if name in self._before:
                value, increment = self._before.pop(name)
                self._next[name] = (max if increment > 0 else min)(value, self._next.get(name, value))

    def forget(self, prefix: str) -> None:
        """Forget the tables whose DuckDB names begin so."""
        self._next = {name: value for name, value in self._next.items() if not name.startswith(prefix)}

    def known(self) -> dict[str, int]:
        """All next values."""
        return dict(self._next)

    def restore(self, values: dict[str, int]) -> None:
        """Continue with values of an earlier run of the server."""
        self._next.update(values)


def _key(table: WritableTable) -> str:
    return table.storage_name.lower()

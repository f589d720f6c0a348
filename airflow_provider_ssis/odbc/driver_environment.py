"""Environment variables that drivers read while they connect: the only way to some of their settings.

They belong to the whole process, so connections that want different values wait for each other; those that want the
same do not.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_changed = threading.Condition()
_users = 0
_values: Mapping[str, str] = {}
_before: dict[str, str | None] = {}


@contextmanager
def driver_environment(values: Mapping[str, str] | None) -> Iterator[None]:
    """Have these variables set while the block lasts, and restored when the last block that wants them is over.

    :param values: the variables; an empty mapping keeps the block apart from those that want some, None does not.
    """
    global _users, _values
    if values is None:
        yield
        return
    with _changed:
        _changed.wait_for(lambda: _users == 0 or _values == values)
        if _users == 0:
            _values = dict(values)
            _before.update({name: os.environ.get(name) for name in values})
            os.environ.update(values)
        _users += 1
    try:
        yield
    finally:
        with _changed:
            _users -= 1
            if _users == 0:
                for name, value in _before.items():
                    if value is None:
                        os.environ.pop(name, None)
                    else:
                        os.environ[name] = value
                _before.clear()
                _changed.notify_all()


def own_variable(name: str) -> str | None:
    """A variable as the process has it itself, whatever a connection has set in its place for now."""
    with _changed:
        return _before[name] if name in _before else os.environ.get(name)

"""Environment variables that drivers read while they connect: some of their settings can be set in no other way.

Environment variables belong to the whole process, so connections with different values wait for each other.
Connections with the same values do not.
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
    """Set the variables for the duration of the block; the last block with them restores the previous values.

    :param values: the variables. An empty mapping: no block with variables may run at the same time. None: any may.
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
    """The process's own value of a variable, even while a connection has set another one."""
    with _changed:
        return _before[name] if name in _before else os.environ.get(name)

"""A server that is out of reach while an execution runs: how long to bear it, and how soon to look again.

Whoever waits for an execution has reached the catalog before. So a login that is refused now is a part of the outage,
for a while.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    CatalogMissing,
    LoginFailed,
    ServerUnreachable,
    StatementTimeout,
    TransientError,
)

FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0
LOGIN_GRACE = 120.0
"""Seconds during which refused logins count as part of an outage: after a failover a server may answer before it knows
its logins and databases."""

_PASSING = (TransientError, ServerUnreachable, StatementTimeout)
_PASSING_SOON = (LoginFailed, CatalogMissing)


class Outage:
    """Bears failures until there have been none but failures for too long. A full success ends it.

    :param patience: seconds to bear in all.
    :param clock: seconds that only ever grow.
    """

    def __init__(self, patience: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._began: float | None = None
        self._refused_since: float | None = None
        self._failures = 0

    @property
    def is_on(self) -> bool:
        """True from the first failure until :meth:`end`."""
        return self._began is not None

    @property
    def seconds(self) -> float:
        """How long it has lasted."""
        return 0.0 if self._began is None else self._clock() - self._began

    def bear(self, error: Exception, *, meets_all: bool = False) -> float:
        """Go on in spite of an error.

        :param error: what went wrong; one that is none of the catalog's counts as one that may pass.
        :param meets_all: it meets everybody who waits, so it is about the server, and any such error may pass.
            Default: False.
        :return: seconds to wait before the next look: ever longer, with a random part so that many do not come at once.
        :raises Exception: the same error, if it is none that passes or if it has lasted too long.
        """
        now = self._clock()
        if self._began is None:
            self._began = now
        if not isinstance(error, _PASSING_SOON):
            self._refused_since = None
        elif self._refused_since is None:
            self._refused_since = now
        if self._is_too_long(error, now, meets_all):
            raise error
        self._failures += 1
        longest = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(self._failures - 1, 10))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 spreads clients over time, guards nothing

    def end(self) -> float | None:
        """Everything went well.

        :return: how long the outage lasted in seconds; None if there was none.
        """
        if self._began is None:
            return None
        lasted = self.seconds
        self._began = self._refused_since = None
        self._failures = 0
        return lasted

    def _is_too_long(self, error: Exception, now: float, meets_all: bool) -> bool:
        if self.seconds >= self._patience:
            return True
        if self._refused_since is not None:
            # Counted from the first refusal: a server may have been away for long before it knows its logins.
            return now - self._refused_since >= LOGIN_GRACE
        return not meets_all and isinstance(error, CatalogError) and not isinstance(error, _PASSING)

"""Keeps secrets out of the texts of a run."""

from __future__ import annotations

import re
import threading
from typing import Final

_SHORTEST: Final = 4
"""A shorter secret is replaced only where it is a whole word, so that texts stay readable."""


class Secrets:
    """The secrets of a run: values of sensitive parameters, and passwords. It can be used from any thread."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, secret: object) -> None:
        """Replace a text in all later messages.

        :param secret: the secret; an empty text is no secret.
        """
        text = "" if secret is None else str(secret)
        with self._lock:
            if text.strip() and text not in self._known:
                self._known.add(text)
                parts = sorted(self._known, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(_part, parts)))

    def masked(self, text: str) -> str:
        """Return a text with asterisks in the place of secrets."""
        return text if self._pattern is None else self._pattern.sub("***", text)


def _part(secret: str) -> str:
    escaped = re.escape(secret)
    return escaped if len(secret) >= _SHORTEST else rf"(?<!\w){escaped}(?!\w)"

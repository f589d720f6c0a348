"""Keeps secrets out of the texts of a run."""

from __future__ import annotations

import json
import re
import threading
from typing import Final
from xml.sax.saxutils import escape

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

        :param secret: the secret; an empty text is not a secret.
        """
        text = "" if secret is None else str(secret)
        with self._lock:
            if text.strip() and text not in self._known:
                self._known.update(_forms(text))
                parts = sorted(self._known, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(_part, parts)))

    def masked(self, text: str) -> str:
        """Return a text with asterisks instead of secrets."""
        return text if self._pattern is None else self._pattern.sub("***", text)


def _forms(secret: str) -> set[str]:
    """The forms in which messages quote a text: as Python's ``repr`` and JSON have it, and in connection strings."""
    quoted = repr(secret)[1:-1]
    in_json = json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]
    return {secret, quoted, *in_json, *(secret.replace(mark, 2 * mark) for mark in "}'\""), escape(secret)}


def _part(secret: str) -> str:
    escaped = re.escape(secret)
    return escaped if len(secret) >= _SHORTEST else rf"(?<!\w){escaped}(?!\w)"

"""Maps paths of Windows to paths of this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from airflow_provider_ssis.engine.errors import TaskFailure

_DRIVE_OR_SHARE: Final = re.compile(r"[A-Za-z]:|[\\/]{2}[^\\/]")


class PathMap:
    r"""The user's rules: ``C:\data`` is ``/data``. The rule with the longest prefix counts.

    Prefixes are compared without case, with both kinds of slashes, and match whole names only.

    :param rules: folders of this machine by prefix.
    """

    def __init__(self, rules: Mapping[str, str]) -> None:
        normal = ((_normal(prefix), folder.rstrip("/") or "/") for prefix, folder in rules.items())
        self._rules = sorted(normal, key=lambda rule: len(rule[0]), reverse=True)

    def path(self, text: str) -> Path:
        """Return a path of this machine.

        :param text: the path as the package has it.
        :raises TaskFailure: it is a path of Windows, and no rule maps it.
        """
        mapped = self.mapped(text)
        if mapped is not None:
            return Path(mapped)
        if is_windows_path(text):
            raise TaskFailure(
                f"The path {text} is one of Windows, and no rule maps it to a path of this machine. Give a rule for one"
                f" of its folders: --map-path '{_example(text)}=/folder'."
            )
        return Path(text)

    def mapped(self, text: str) -> str | None:
        """Return the path to which a rule maps another one; None if no rule does."""
        normal = _normal(text)
        for prefix, folder in self._rules:
            if normal == prefix or normal.startswith(f"{prefix}/") or prefix == "":
                rest = text.replace("\\", "/")[len(prefix) :].strip("/")
                return f"{folder.rstrip('/')}/{rest}" if rest else folder
        return None


def is_windows_path(text: str) -> bool:
    r"""Return whether a text is a path of Windows: with a drive, a share or a backslash."""
    return _DRIVE_OR_SHARE.match(text) is not None or "\\" in text


def _normal(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").lower()


def _example(text: str) -> str:
    return re.sub(r"[\\/][^\\/]*$", "", text) or text

"""Windows paths of packages as paths of this machine."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_ssis.engine.errors import TaskFailure

_WINDOWS = re.compile(r"[A-Za-z]:|\\\\")
_LONG = re.compile(r"\\\\\?\\(UNC\\)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PathMap:
    r"""Rules that map folders or files of Windows to those of this machine.

    :param rules: pairs of a path of Windows and one of this machine: ``("C:\\data", "/data")``. The longest rule that
        a path begins with decides. Letters of rules are compared without case, as Windows does.
    """

    rules: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> PathMap:
        r"""Read rules as the command line takes them: ``C:\data=/data``.

        :param texts: the rules.
        :raises ValueError: a rule is not a path of Windows, '=' and a path of this machine.
        """
        rules: list[tuple[str, str]] = []
        for text in texts:
            source, separator, target = text.partition("=")
            if not (source.strip() and separator and target.strip()):
                raise ValueError(f"The path rule {text!r} is not in the form C:\\folder=/folder.")
            rules.append((source.strip(), target.strip()))
        return cls(tuple(rules))

    def path(self, text: str) -> Path:
        r"""Return the path on this machine.

        A relative path is relative to the current folder; its backslashes separate folders.

        :param text: the path as the package has it.
        :raises TaskFailure: it is empty, or it is a path of Windows and no rule maps it.
        """
        given = text.strip().strip('"')
        if not given:
            raise TaskFailure("A path is empty. Set the connection manager or variable that holds it.", 0xC002F30D)
        if Path(given).is_absolute():
            mapped = self._mapped(given)
            return mapped or Path(given)
        given = _without_prefix(given)
        mapped = self._mapped(given)
        if mapped is not None:
            return mapped
        problem = self.problem(text)
        if problem is not None:
            raise TaskFailure(problem)
        return Path(given.replace("\\", "/"))

    def maps(self, text: str) -> bool:
        """Return True if a rule maps a path.

        :param text: the path as the package has it.
        """
        return self._mapped(_without_prefix(text.strip().strip('"'))) is not None

    def problem(self, text: str) -> str | None:
        """Return the missing rule for a path of Windows that no rule maps, as a sentence, or None.

        :param text: the path as the package has it.
        """
        given = _without_prefix(text.strip().strip('"'))
        if not _WINDOWS.match(given) or self._mapped(given) is not None:
            return None
        folder = ntpath.dirname(given) or given
        return (
            f"{text} is a path of Windows, and no rule maps it to this machine. Add one: "
            f"--map-path '{folder}=/folder/here', or path_map in Python."
        )

    def _mapped(self, text: str) -> Path | None:
        parts = _parts(text)
        best: tuple[int, str] | None = None
        for source, target in self.rules:
            prefix = _parts(source)
            fits = [part.lower() for part in parts[: len(prefix)]] == [part.lower() for part in prefix]
            if fits and (best is None or len(prefix) > best[0]):
                best = len(prefix), target
        return None if best is None else Path(best[1], *parts[best[0] :])


def _without_prefix(text: str) -> str:
    return _LONG.sub(lambda found: "\\\\" if found[1] else "", text)


def hint_of_case(path: Path) -> str:
    """Return a sentence that names the file or folder whose name differs only in upper and lower case; empty for none.

    Packages come from Windows, where the case of names does not matter.

    :param path: a path of this machine that does not exist.
    """
    found = Path(path.anchor)
    for name in path.parts[1:] if path.anchor else path.parts:
        try:
            if not (found / name).exists():
                [name] = (each.name for each in found.iterdir() if each.name.casefold() == name.casefold())
        except (OSError, ValueError):  # a folder that cannot be read; no such name, or several
            return ""
        found /= name
    return "" if found == path else f" Did you mean {found}? The case of letters matters on this machine."


def _parts(text: str) -> list[str]:
    drive, rest = ntpath.splitdrive(ntpath.normpath(text))
    return [drive, *(part for part in rest.split("\\") if part)]

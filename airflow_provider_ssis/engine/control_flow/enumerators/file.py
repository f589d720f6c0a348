"""The Foreach File enumerator: the files of a folder that match a pattern.

Sources: Microsoft Learn, "Foreach Loop Container" and "Directory.GetFiles" of .NET Framework, whose rules for patterns
it has: ``*.xls`` also finds ``.xlsx``, because a pattern whose extension has three letters matches longer ones.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from airflow_provider_ssis.engine.connections.paths import hint_of_case
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.control_flow.enumerators.enumerator import ForeachEnumerator
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.loops import FileEnumerator

_EMPTY = 0x8001C004
"""DTS_W_FILEENUMEMPTY."""
_GET_ENUMERATOR = 0xC0014023
"""DTS_E_GETENUMERATOR."""
_FULL_PATH, _NAME_AND_EXTENSION, _NAME = range(3)
_THREE_LETTERS = re.compile(r"\.[^.*?]{3}$")
_PIECE = re.compile(r"\*|\?+|[^*?]+")
_WINDOWS = re.compile(r"[A-Za-z]:|[^/]*\\")


class FileTurns(ForeachEnumerator[FileEnumerator]):
    """An iteration for each file: the files of a folder by name without case, then those of its subfolders."""

    def refusals(self) -> Iterator[Refusal]:
        """Yield an unknown way to return names, and a pattern with folders."""
        if self.data.name_retrieval not in (_FULL_PATH, _NAME_AND_EXTENSION, _NAME):
            what = f"the file name retrieval {self.data.name_retrieval}"
            yield Refusal(self.where, what, "it is not 0 (path), 1 (name and extension) or 2 (name)")
        if set(self.data.file_spec) & set("\\/"):
            what = f"the file specification {self.data.file_spec!r}"
            yield Refusal(self.where, what, "it contains a folder", "Put the folder into the property Directory.")

    def turns(self, context: TaskContext) -> Iterator[tuple[str]]:
        """Yield the path or name of each file that exists when the loop begins."""
        folder = context.connections.path(self.data.folder)
        if not folder.is_dir():
            raise TaskFailure(
                f"The folder {folder} of the loop does not exist. Create it, or correct the path rules."
                f"{hint_of_case(folder)}",
                _GET_ENUMERATOR,
            )
        pattern = file_pattern(self.data.file_spec)
        found = list(_files(folder, pattern, recurses=self.data.recurse))
        if not found:
            context.warning(
                f"The loop runs no iteration: no file in {folder} matches {self.data.file_spec or '*'!r}.", _EMPTY
            )
        for path in found:
            context.cancel.check()
            yield (self._shown(folder, path),)

    def _shown(self, folder: Path, path: Path) -> str:
        if self.data.name_retrieval == _NAME_AND_EXTENSION:
            return path.name
        if self.data.name_retrieval == _NAME:
            return path.stem
        given = self.data.folder.strip()
        if not _WINDOWS.match(given):
            return str(path)
        # Expressions of the package split the path at backslashes.
        return "\\".join((given.rstrip("\\/"), *path.relative_to(folder).parts))


def file_pattern(text: str) -> re.Pattern[str]:
    r"""Return the regular expression of a pattern for file names.

    :param text: the pattern: ``*`` for any characters, ``?`` for one character; before a point or the end ``?`` also
        stands for none. An empty pattern and ``*.*`` match every file.
    """
    text = text.strip()
    if text in ("", "*.*"):
        text = "*"
    parts: list[str] = []
    for piece in _PIECE.finditer(text):
        if piece[0] == "*":
            parts.append(".*")
        elif piece[0].startswith("?"):
            ends = text[piece.end() : piece.end() + 1] in ("", ".")
            parts.append(f"[^.]{{0,{len(piece[0])}}}" if ends else f".{{{len(piece[0])}}}")
        else:
            parts.append(re.escape(piece[0]))
    longer = "[^.]*" if "*" in text and _THREE_LETTERS.search(text) else ""
    return re.compile("".join(parts) + longer, re.IGNORECASE | re.DOTALL)


def _files(folder: Path, pattern: re.Pattern[str], *, recurses: bool) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: (entry.name.casefold(), entry.name))
    except OSError as error:
        raise TaskFailure(
            f"The folder {folder} of the loop cannot be read: {error.strerror}.", _GET_ENUMERATOR
        ) from None
    for entry in entries:
        if entry.is_file() and pattern.fullmatch(entry.name):
            yield Path(entry.path)
    if recurses:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path), pattern, recurses=True)

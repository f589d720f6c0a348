"""Find words that this project does not use: ``python -m scripts.wording [file or folder ...]``.

scripts/wording.toml has the words, each with what to write instead. Python, Markdown and TOML files are checked, with
their comments, texts and names. Each line of output is ``file:line: word -> what to write instead``.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIST = Path(__file__).with_suffix(".toml")
TESTS = ROOT / "tests" / "scripts" / "test_wording.py"
SUFFIXES = {".py", ".md", ".toml"}
FOLDERS = ("airflow_provider_ssis", "benchmarks", "docs", "example_dags", "scripts", "tests")

_SPACES = re.compile(r"_|(?<=[a-z0-9])(?=[A-Z])")
"""Where a name is split into its words."""


@dataclass(frozen=True)
class WordList:
    """Words to avoid.

    :param pattern: matches any of them; the number of the group that matched leads to its replacement.
    :param instead: what to write instead, in the order of the groups.
    :param allowed: matches phrases in which they are right.
    """

    pattern: re.Pattern[str]
    instead: Sequence[str]
    allowed: re.Pattern[str]

    @classmethod
    def read(cls, path: Path = LIST) -> WordList:
        """Read the list from a file."""
        table = tomllib.loads(path.read_text())
        instead: dict[str, str] = table["instead"]
        pattern = r"\b(?:" + "|".join(f"({words})" for words in instead) + r")\b"
        allowed = "|".join(table["allowed"]["phrases"])
        return cls(re.compile(pattern, re.IGNORECASE), list(instead.values()), re.compile(allowed, re.IGNORECASE))

    def find(self, text: str) -> Iterator[tuple[int, str, str]]:
        """The number of each line of a text with a word to avoid, the word, and what to write instead."""
        for number, line in enumerate(text.splitlines(), 1):
            spaced = self.allowed.sub("", _SPACES.sub(" ", line))
            for match in self.pattern.finditer(spaced):
                yield number, match[0], self.instead[(match.lastindex or 1) - 1]


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files to check among these files and folders, without the list itself and its tests."""
    for path in paths:
        for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if each.suffix in SUFFIXES and each.resolve() not in (LIST, TESTS):
                yield each


def main(arguments: Sequence[str]) -> int:
    """Check files and folders, by default the whole project; returns the exit code."""
    top_level = [path for path in sorted(ROOT.iterdir()) if path.suffix in SUFFIXES]
    paths = [Path(each) for each in arguments] or [*(ROOT / folder for folder in FOLDERS), *top_level]
    words = WordList.read()
    found = 0
    for path in files(paths):
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        for number, word, instead in words.find(path.read_text(encoding="utf-8")):
            print(f"{name}:{number}: {word} -> {instead}")
            found += 1
    if found:
        print(f"{found} words to replace", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

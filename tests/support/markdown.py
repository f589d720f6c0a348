"""Markdown pages for tests: their code blocks, headings and links, read with markdown-it."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.support.places import ROOT

_COMMENT = re.compile(r"<!--\s*(.*?)\s*-->", re.DOTALL)
_NOT_RUN = "not run:"
_FILE = re.compile(r"(?:#|--|//)\s*([\w.][\w./-]*\.\w+)\n")


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced block of code.

    :param page: the page's path from the project's root.
    :param line: of its first line of code, from 1.
    :param language: the word behind the fence, empty without one.
    :param text: the code.
    :param comment: the HTML comment directly before it, empty if there is none.
    """

    page: str
    line: int
    language: str
    text: str
    comment: str

    @property
    def reason_not_run(self) -> str | None:
        """Why the block is not run, from a comment ``<!-- not run: … -->``; None if it is."""
        return self.comment.removeprefix(_NOT_RUN).strip() if self.comment.startswith(_NOT_RUN) else None

    @property
    def file(self) -> str | None:
        """The file that the block is to be saved as, from a comment in its first line; None if it has none."""
        found = _FILE.match(self.text)
        return found.group(1) if found else None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Every Markdown page of the project."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def code_blocks(*languages: str) -> list[CodeBlock]:
    """The code blocks of all pages.

    :param languages: only those in one of these languages; all without any.
    """
    return [block for page in pages() for block in _blocks(page) if not languages or block.language in languages]


def blocks_of(page: str, language: str) -> list[CodeBlock]:
    """The code blocks of one page in one language."""
    return [block for block in _blocks(ROOT / page) if block.language == language]


@functools.cache
def _blocks(page: Path) -> tuple[CodeBlock, ...]:
    return tuple(_read_blocks(page))


def _read_blocks(page: Path) -> Iterator[CodeBlock]:
    comment = ""
    for token in _without_inline(page):
        if token.type == "fence":
            line = token.map[0] + 2 if token.map else 0
            language = token.info.split()[0] if token.info.split() else ""
            yield CodeBlock(str(page.relative_to(ROOT)), line, language, token.content, comment)
        found = _COMMENT.fullmatch(token.content.strip()) if token.type == "html_block" else None
        comment = found.group(1) if found else ""


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    seen: dict[str, int] = {}
    tokens = _tokens(page)
    names = set()
    for opening, inline in itertools.pairwise(tokens):
        if opening.type != "heading_open":
            continue
        text = "".join(child.content for child in inline.children or () if child.type in ("text", "code_inline"))
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        names.add(f"{slug}-{count}" if count else slug)
    return names


def links(page: Path) -> list[str]:
    """The targets of a page's links and images."""
    return [
        str(child.attrGet("href") or child.attrGet("src"))
        for token in _tokens(page)
        for child in token.children or ()
        if child.type in ("link_open", "image")
    ] + re.findall(r'<(?:img|a)[^>]+(?:src|href)="([^"]+)"', page.read_text(encoding="utf-8"))


@functools.cache
def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


@functools.cache
def _without_inline(page: Path) -> list[Token]:
    """The blocks of a page, with what is within lines left unread, which takes most of the time."""
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.disable(["inline", "text_join"])
    return parser.parse(page.read_text(encoding="utf-8"))

"""Links between the pages: every file, folder and anchor that one names is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.markdown import anchors, links, pages
from tests.support.places import ROOT


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page: Path) -> None:
    broken = []
    for link in links(page):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    reached: set[Path] = set()
    to_read = [index]
    while to_read:
        page = to_read.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = ((page.parent / link.partition("#")[0]).resolve() for link in links(page) if "://" not in link)
        to_read.extend(target for target in targets if target.suffix == ".md" and target.is_file())
    missing = {page for page in pages() if page.is_relative_to(ROOT / "docs")} - reached
    assert sorted(map(str, missing)) == []

"""The snippets of the page on the embedded SSISDB."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "embedded-ssisdb.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(1, len(SNIPPETS) + 1))
def test_each_python_snippet_runs_as_it_is_written(snippet: str, tmp_path: Path) -> None:
    file = tmp_path / "snippet.py"
    file.write_text(snippet, encoding="utf-8")
    runpy.run_path(str(file))


def test_the_page_has_python_snippets() -> None:
    assert len(SNIPPETS) >= 3

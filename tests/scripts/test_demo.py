"""The demo, as ``make demo`` runs it, and the picture that ``make picture`` draws from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.markdown import links
from tests.support.places import ROOT

SECONDS = 300
PICTURE = "docs/demo.svg"


@pytest.mark.processes
def test_the_demo_runs_and_draws_its_picture(tmp_path: Path) -> None:
    picture = tmp_path / "demo.svg"
    result = subprocess.run(
        [sys.executable, "-m", "scripts.demo", "--picture", str(picture)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for drawn in (text_of(picture), text_of(ROOT / PICTURE)):
        assert "Sales/SalesMart/LoadSales.dtsx" in drawn
        assert "succeeded" in drawn
        assert "The demo succeeded" in drawn


def test_the_readme_shows_the_picture_on_its_first_screen() -> None:
    readme = ROOT / "README.md"
    assert PICTURE in links(readme)
    lines = readme.read_text(encoding="utf-8").splitlines()
    assert next(number for number, line in enumerate(lines) if PICTURE in line) < 20


def text_of(picture: Path) -> str:
    """The text in an SVG file, with its non-breaking spaces as spaces."""
    root = ET.fromstring(picture.read_text(encoding="utf-8"))  # noqa: S314 drawn by this project
    return "\n".join("".join(node.itertext()) for node in root.iter() if node.tag.endswith("text")).replace("\xa0", " ")

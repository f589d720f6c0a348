"""Folders that tests read, in the repository and next to it."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""

SALES_MART = ROOT / "example_dags" / "ssis" / "sales_mart"
"""The project of the example DAGs."""

SHARED = ROOT.parent / "shared"
"""Files that are not part of the repository. Tests that need them are skipped without them."""

INPUTS = SHARED / "inputs"
"""Projects and packages that other people have written."""

needs_inputs = pytest.mark.skipif(
    not INPUTS.is_dir(), reason="the real projects are not here (expected in ../shared/inputs)"
)

"""The number of examples of Hypothesis: few in `make test-fast`, all that a test asks for in `make test`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import hypothesis
import pytest

MOST_FAST_EXAMPLES: Final = 10
"""Examples of each test of a fast run."""

_SETTINGS: Final = "_hypothesis_internal_use_settings"
"""Where the decorator ``settings`` leaves what a test asks for; Hypothesis has no public way to lower it."""


def is_fast_run(config: pytest.Config) -> bool:
    """Whether only fast tests run, or all of their cases: ``-m fast``, ``-m 'fast or exhaustive'``."""
    return bool(config.option.markexpr in ("fast", "fast or exhaustive"))


def limit_examples(items: Iterable[pytest.Item]) -> None:
    """Lower the number of examples of tests that ask for more than a fast run gives."""
    for item in items:
        function: Any = getattr(item, "function", None)
        own = getattr(function, _SETTINGS, None)
        if own is not None and own.max_examples > MOST_FAST_EXAMPLES:
            setattr(function, _SETTINGS, hypothesis.settings(own, max_examples=MOST_FAST_EXAMPLES))

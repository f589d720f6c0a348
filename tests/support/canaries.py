"""Secrets that must not appear in any output, each from a different source."""

from __future__ import annotations

PARAMETER = "c4nary-of-a-parameter"
OVERRIDE = "c4nary-of-an-override"
VARIABLE = "c4nary-of-an-environment"
CANARY_CONNECTION = f"generic://{PARAMETER}:{OVERRIDE}@nowhere"

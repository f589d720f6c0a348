"""Fuzzing the expression language: text that must get a value or an error with a code, in a limited time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from airflow_provider_ssis.expressions.functions import FUNCTIONS
from airflow_provider_ssis.expressions.requests import evaluate_line
from tests.fuzz.target import FaultFound
from tests.support.places import ROOT

_SECONDS = 10
_TOKENS = [
    *(f"{name}(" for name in FUNCTIONS),
    *"( ) , + - * / % & | ^ ~ ! ? : == != < > <= >= && || = . # @ [ ] 0 1 2.5 1e3 0xFF 9999999999".split(),
    *'"a" "\\n" "\\x0041" "2024-02-29" "day" TRUE FALSE @n @[User::s] x [x] #12'.split(),
    *"NULL(DT_I4) NULL(DT_STR,5,1252)".split(),
    *"(DT_I4) (DT_WSTR,20) (DT_STR,5,1252) (DT_NUMERIC,38,10) (DT_DATE) (DT_DBTIMESTAMP2,7) (DT_R4) (DT_BOOL)".split(),
]
_VARIABLES = {"User::n": {"type": "Int32", "value": 3}, "User::s": {"type": "String", "value": "a\U0001f600b"}}
_COLUMNS = {"x": {"type": "DT_I8", "value": -(2**63)}, "#12": {"type": "DT_NUMERIC(38,9)", "value": "1.5"}}


class Expressions:
    """The parser, the type check and the scalar evaluator."""

    name = "expressions"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Read the expressions in the tests."""
        text = "".join(path.read_text() for path in sorted(Path(ROOT, "tests", "expressions").glob("test_*.py")))
        self._corpus = text.split()
        yield

    def make(self, chance: Random) -> bytes:
        """Random tokens, nested brackets, or a part of the tests' text."""
        tokens = [chance.choice(_TOKENS) for _ in range(chance.randint(1, 40))]
        if chance.random() < 0.2:
            start = chance.randrange(len(self._corpus))
            tokens = self._corpus[start : start + chance.randint(1, 20)]
        elif chance.random() < 0.1:
            depth = chance.randint(1, 30_000)
            tokens = [chance.choice(["(", "!", "ABS(", "x + ("])] * depth + tokens + [")"] * depth
        return " ".join(tokens).encode("utf-8", "surrogatepass")

    def feed(self, data: bytes) -> None:
        """Evaluate a text."""
        text = data.decode("utf-8", "surrogatepass")
        request = {"expression": text, "variables": _VARIABLES, "columns": _COLUMNS}
        began = time.process_time()
        answer = evaluate_line(json.dumps(request))
        error = answer["error"]
        if error and not error["code"]:
            raise FaultFound(f"{error['message']}\n{text[:500]}")
        if error and not 0 <= error["position"] <= len(text):
            raise FaultFound(f"the position {error['position']} is not in the text\n{text[:500]}")
        if (seconds := time.process_time() - began) > _SECONDS:
            raise FaultFound(f"took {seconds:.0f} s of processor time\n{text[:500]}")

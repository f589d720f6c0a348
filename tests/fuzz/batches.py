"""Batches of T-SQL: each gets an answer or an error number of SQL Server, in time, and harms no other client."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from random import Random

import pytds

from tests.fuzz.mutation import mutated_batch
from tests.fuzz.server_process import BATCH_SECONDS, HEALTH_EVERY, ServerProcess
from tests.fuzz.target import FaultFound
from tests.support import random_batches
from tests.support.places import ROOT

_BATCH = re.compile(
    r"\s*(SELECT|DECLARE|EXEC|INSERT|UPDATE|DELETE|CREATE|SET|IF|WHILE|WITH|BEGIN|MERGE)\b", re.IGNORECASE
)
_UNSUITABLE = re.compile(r"WAITFOR|emulator\.", re.IGNORECASE)
"""These wait, or inject faults."""
_EXPRESSION = re.compile(r"[A-Z_]+\(.*\)", re.IGNORECASE | re.DOTALL)


@cache
def corpus() -> tuple[str, ...]:
    """The batches and expressions in the tests of the embedded SSISDB."""
    found = set()
    for path in sorted((ROOT / "tests" / "emulator").rglob("test_*.py")):
        tree = ast.parse(path.read_text())
        pieces = {id(each) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for each in node.values}
        for node in ast.walk(tree):
            if id(node) not in pieces and isinstance(node, ast.Constant) and isinstance(node.value, str):
                if _BATCH.match(node.value) and not _UNSUITABLE.search(node.value):
                    found.add(node.value)
                elif _EXPRESSION.fullmatch(node.value):
                    found.add(_with_variables(f"SELECT {node.value}"))
    return tuple(sorted(found))


def _with_variables(batch: str) -> str:
    """The batch with declarations of its variables."""
    names = sorted(set(re.findall(r"(?<!@)@\w+", batch)))
    return "".join(f"DECLARE {name} nvarchar(50) = N'1'; " for name in names) + batch


class Batches:
    """The T-SQL of the embedded SSISDB, through a driver. Each batch has its own connection.

    :param every: mutate only each n-th batch of the tests. All that are mutated must run first, which takes a minute.
        Default: 1.
    """

    name = "batches"

    def __init__(self, every: int = 1) -> None:
        self._fed = 0
        self._every = every

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run a server."""
        with ServerProcess() as self._server:
            self._corpus = [batch for batch in corpus()[:: self._every] if self._error(batch) is None]
            yield

    def make(self, chance: Random) -> bytes:
        """A batch of the tests with some tokens changed, or a random one."""
        generated = random_batches.Batches(chance)
        batch = chance.choice(
            (
                lambda: mutated_batch(chance, chance.choice(self._corpus), self._corpus),
                lambda: random_batches.SETUP + generated.batch(),
                lambda: random_batches.SETUP + generated.expression(),
            )
        )()
        return batch.encode("utf-8", "surrogatepass")

    def feed(self, data: bytes) -> None:
        """Run a batch to its end, and at most for some seconds."""
        batch = data.decode("utf-8", "surrogatepass")
        self._fed += 1
        error = self._error(batch)
        try:
            # Other errors have a number of SQL Server; those of severity 20 and more end the connection, as there.
            if error is not None and "Internal error" in str(error):
                raise FaultFound(str(error))
            if not isinstance(error, pytds.Error | OSError | UnicodeError | type(None)):
                raise FaultFound(f"the driver cannot read the answer: {error!r}")
            self._server.check()
            if self._fed % HEALTH_EVERY == 0 or isinstance(error, TimeoutError):
                self._server.check_health()
        except FaultFound as fault:
            self._server.restart()
            raise FaultFound(f"{fault}\n{batch}\n") from fault

    def _error(self, batch: str) -> Exception | None:
        """Run a batch to its end; returns the error that ended it, if any."""
        try:
            with closing(self._server.connect(seconds=BATCH_SECONDS)) as connection, connection.cursor() as cursor:
                cursor.execute(batch)
                while True:
                    if cursor.description:
                        cursor.fetchall()
                    if not cursor.nextset():
                        return None
        except Exception as error:  # noqa: BLE001 judged by the caller
            return error

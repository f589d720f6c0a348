"""Unsupported parts of packages, found before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_ssis.engine.errors import EngineError


@dataclass(frozen=True, slots=True)
class Refusal:
    """A part of a package that the engine cannot run.

    :param where: its path: ``\\Package\\Load\\Orders``, with the component of a data flow after the task.
    :param what: the thing: ``Script task``, ``the property FastParse of the column Amount``.
    :param why: the reason, in a few words.
    :param advice: the next step for the user. Default: none is known.
    :param needs_value: whether the engine can run the part once the user gives what is missing, such as a password that
        the package stores encrypted, or the file of a child package. Default: False.
    """

    where: str
    what: str
    why: str
    advice: str = ""
    needs_value: bool = False

    def __str__(self) -> str:
        advice = f" {self.advice}" if self.advice else ""
        return f"{self.where}: {self.what}: {self.why}.{advice}"


class UnsupportedError(EngineError):
    """A package contains parts that the engine does not support. Nothing was run.

    :param refusals: the parts.
    """

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__("\n".join(map(str, refusals)))
        self.refusals = tuple(refusals)

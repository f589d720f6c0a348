"""A row of the tables of refused calls, and the T-SQL that begins several of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_ssis.verify.probe import Probe

VALUE = "DECLARE @v sql_variant = "
ID = "DECLARE @id bigint; "


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused call.

    :param name: the fact's name without its group.
    :param statement: what is refused, and with which error.
    :param call: T-SQL with the markers of the probe.
    :param number: the number of the error.
    :param needs: makes what must exist before the call.
    """

    name: str
    statement: str
    call: str
    number: int
    needs: Callable[[Probe], None]

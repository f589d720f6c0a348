"""The base of the sections that change the catalog: calls of one procedure, and the explanation of a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.refusals import OperationTarget, Target, explain_refusal
from airflow_provider_ssis.catalog.session import CatalogPart, Repeat
from airflow_provider_ssis.catalog.sql.statements import MarkerValue, guarded, guarded_command

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.sql.rows import ResultSet


class CommandPart(CatalogPart):
    """A part of the client whose methods call procedures."""

    def _command(
        self,
        call: str,
        values: Sequence[MarkerValue],
        doing: str,
        *needs: Target | OperationTarget,
        role: str | None = None,
        declare: str = "",
        repeat: Repeat = Repeat.IF_REFUSED,
    ) -> None:
        """Call a procedure that returns nothing.

        :param call: the statements.
        :param values: the values for their markers.
        :param doing: what they do, as the beginning of an error message.
        :param needs: the objects that the call names, with the permissions that it needs.
        :param role: the role that the call needs.
        :param declare: variable declarations, without markers.
        :param repeat: when the call may be repeated after a transient error.
        """
        explain = explain_refusal(self._session, doing, *needs, role=role)
        batch = guarded_command(call, values, declare=declare)
        self._session.run(batch, doing=doing, repeat=repeat, explain=explain)

    def _query(
        self,
        statements: str,
        values: Sequence[MarkerValue],
        doing: str,
        *needs: Target | OperationTarget,
        role: str | None = None,
        declare: str = "",
        repeat: Repeat = Repeat.IF_REFUSED,
    ) -> ResultSet:
        """Run statements that end in a SELECT, and return its result; otherwise as :meth:`_command`."""
        explain = explain_refusal(self._session, doing, *needs, role=role)
        batch = guarded(statements, values, declare=declare)
        return self._session.run(batch, doing=doing, repeat=repeat, explain=explain)[-1]

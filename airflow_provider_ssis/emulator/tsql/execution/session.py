"""A client's session: answers batches, remote procedure calls and transaction requests."""

from __future__ import annotations

from collections.abc import AsyncIterator

from airflow_provider_ssis.emulator.session import (
    BulkRows,
    Event,
    RpcRequest,
    StatementDone,
    TransactionAction,
    TransactionRequest,
)
from airflow_provider_ssis.emulator.tsql.execution.calls.function_calls import FunctionRunner
from airflow_provider_ssis.emulator.tsql.execution.calls.remote_calls import remote_call
from airflow_provider_ssis.emulator.tsql.execution.interpreter import Interpreter
from airflow_provider_ssis.emulator.tsql.execution.runner import SystemProcedures
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.bulk_load import bulk_load
from airflow_provider_ssis.emulator.tsql.execution.transactions.transaction_state import given_up
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError


class TsqlSession:
    """The session of one client; see :class:`~airflow_provider_ssis.emulator.session.Session`.

    :param state: of the session.
    :param system_procedures: the procedures that every database has.
    """

    def __init__(self, state: SessionState, system_procedures: SystemProcedures) -> None:
        self.state = state
        self._interpreter = Interpreter(state, system_procedures)
        state.functions = FunctionRunner(state, system_procedures)

    @property
    def spid(self) -> int:
        """The session's number."""
        return self.state.spid

    @property
    def database(self) -> str:
        """The current database."""
        return self.state.database

    def batch(self, text: str) -> AsyncIterator[Event]:
        """Run a SQL batch."""
        return self._interpreter.run(text)

    def call(self, request: RpcRequest) -> AsyncIterator[Event]:
        """Run a remote procedure call."""
        return remote_call(self._interpreter, request)

    async def transaction(self, request: TransactionRequest) -> AsyncIterator[Event]:
        """Carry out a transaction manager request."""
        transactions = self.state.transactions
        ended = transactions.begin_request()
        try:
            if ended and request.action is not TransactionAction.ROLLBACK:
                raise given_up()
            match request.action:
                case TransactionAction.BEGIN:
                    events = self.state.transactions.begin(request.name)
                case TransactionAction.COMMIT:
                    events = self.state.transactions.commit()
                case TransactionAction.ROLLBACK if ended:
                    events = []
                case TransactionAction.ROLLBACK:
                    events = self.state.transactions.roll_back(request.name)
                case TransactionAction.SAVE:
                    events = self.state.transactions.save(request.name)
            if request.begin_next:
                events = [*events, *self.state.transactions.begin()]
        except SqlError as error:
            self.state.last_error = error.number
            events = [error.message(), StatementDone(is_error=True)]
        finally:
            transactions.end_request()
        for event in (*ended, *events):
            yield event

    def bulk(self, rows: AsyncIterator[BulkRows]) -> AsyncIterator[Event]:
        """Take the rows of a bulk load."""
        return self._interpreter.request(bulk_load(self._interpreter, rows), in_procedure=False)

    async def reset(self, *, keep_transaction: bool = False) -> None:
        """Return to the state after login."""
        self.state.reset(keep_transaction=keep_transaction)

    async def close(self) -> None:
        """Roll back and release everything that the session holds."""
        self.state.functions.close()
        self.state.close()

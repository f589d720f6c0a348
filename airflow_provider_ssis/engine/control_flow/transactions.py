"""Transactions of a package: which executables take part, and how they end.

Required begins a transaction or joins that around it, Supported joins, NotSupported does neither. Integration Services
uses MSDTC, which coordinates several connections; here one connection carries a transaction, and everything else is
refused. Source: "Integration Services Transactions".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.connections.connection import Connections
from airflow_provider_ssis.engine.connections.transactions import BEGIN_FAILED, TransactionConnections
from airflow_provider_ssis.engine.control_flow.event_raising import Events
from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.threads import in_thread
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.events import Result
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.models import ExecutableKind
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.containers import DtsContainer, DtsEventHandler
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.tasks import ExecuteSqlTask
from airflow_provider_ssis.project.type_names import component_class, task_type

_HANDLER_TAGS: Final = (f"{DTS}EventHandlers", f"{DTS}EventHandler")
NOT_SUPPORTED: Final = 0
REQUIRED: Final = 2
_STARTING: Final = 0x4001100A
_COMMITTING: Final = 0x4001100B
_ABORTING: Final = 0x4001100C
_DATABASES: Final = ("OLEDB", "ADO", "ADO.NET", "ODBC")
_WITHOUT_CONNECTION: Final = "without MSDTC, one connection carries a transaction"
_NO_ROLLBACK: Final = "a file is not rolled back"
_ADVICE: Final = "Set TransactionOption to Supported or NotSupported"


class Transactions:
    """The transactions of a run.

    :param events: gets what begins, commits and rolls back.
    :param cancel: ends waiting for another task of a transaction.
    """

    def __init__(self, events: Events, cancel: CancelToken) -> None:
        self._events = events
        self._cancel = cancel
        self._open: dict[Frame, TransactionConnections] = {}

    def connections(self, frame: Frame) -> Connections:
        """Return the connections that a task uses: those of its transaction, or those of its package."""
        transaction = self._around(frame)
        if transaction is not None:
            return transaction
        if frame.package.connections is None:
            raise ValueError(f"the package {frame.package.file} has no connections")
        return frame.package.connections

    async def begin(self, frame: Frame) -> None:
        """Begin a transaction at an executable that requires one, unless it joins that around it."""
        connections = frame.package.connections
        if frame.container.transaction_option != REQUIRED or self._around(frame) is not None or connections is None:
            return
        level = frame.container.isolation_level
        self._open[frame] = TransactionConnections(connections, level, self._cancel)
        await self._events.information(frame, "The transaction begins.", _STARTING)

    async def end(self, frame: Frame, result: Result) -> None:
        """End the transaction that an executable began: commit, or roll back after a failure.

        :raises TaskFailure: the server did not commit, or a task could not take part in the transaction.
        """
        transaction = self._open.pop(frame, None)
        if transaction is None:
            return
        succeeded = result in (Result.SUCCESS, Result.COMPLETION)
        if succeeded and transaction.refusal is None:
            await self._events.information(frame, "The transaction is committed.", _COMMITTING)
            await in_thread("commit", transaction.commit)
            return
        await self._events.information(frame, "The transaction is rolled back.", _ABORTING)
        await in_thread("rollback", transaction.rollback)
        if succeeded and transaction.refusal is not None:
            text = "Nothing is committed, because a task of the transaction could not take part in it."
            raise TaskFailure(text, BEGIN_FAILED, causes=[transaction.refusal])

    def _around(self, frame: Frame) -> TransactionConnections | None:
        for outer in frame.outwards():
            if outer in self._open:
                return self._open[outer]
            if outer.container.transaction_option == NOT_SUPPORTED:
                return None
        return None


Uses = Callable[[DtsContainer], Iterable[DtsConnectionManager]]
"""Returns the connection managers that a task uses."""


def transaction_refusals(
    root: DtsContainer, managers: tuple[DtsConnectionManager, ...], uses: Uses | None = None
) -> Iterator[Refusal]:
    """Yield the transactions of a package that one connection cannot carry.

    :param managers: the connection managers of the package and its project.
    :param uses: the connection managers of a task. Default: those that it stores.
    """
    uses = uses or stored_uses(managers)
    for handler in _handlers(root):
        if handler.transaction_option == REQUIRED:
            why = "the engine begins no transactions for event handlers"
            advice = f"{_ADVICE} for the event handler, and to Required for a sequence in it."
            yield Refusal(handler.path, "the transaction", why, advice)
    for begins in _beginning(root, inside=False):
        used: dict[str, str] = {}
        for member in _members(begins):
            if member.kind is not ExecutableKind.TASK:
                continue
            if task_type(member.type) == "ExecutePackageTask":
                what = "a child package in a transaction"
                yield Refusal(member.path, what, _WITHOUT_CONNECTION, f"{_ADVICE} for the container or the task.")
            found = list(uses(member))
            used |= {manager.id: manager.name for manager in found if manager.kind.upper() in _DATABASES}
            if writes_workbook(member, found):
                yield Refusal(member.path, "an Excel file in a transaction", _NO_ROLLBACK, f"{_ADVICE} for the task.")
        if len(used) > 1:
            what = f"a transaction with {len(used)} connection managers ({', '.join(sorted(used.values()))})"
            yield Refusal(begins.path, what, _WITHOUT_CONNECTION, f"{_ADVICE} for the tasks of all but one.")


def stored_uses(managers: Iterable[DtsConnectionManager]) -> Uses:
    """Return a function that returns which of some connection managers a task stores.

    :param managers: the connection managers of the package and its project.
    """

    def uses(container: DtsContainer) -> list[DtsConnectionManager]:
        text = _text(container)
        return [manager for manager in managers if _uses(text, manager)]

    return uses


def writes_workbook(container: DtsContainer, managers: Iterable[DtsConnectionManager]) -> bool:
    """Return whether a task changes an Excel file.

    :param managers: the connection managers that it uses.
    """
    data = container.data()
    if isinstance(data, Pipeline):
        return any(component_class(one) == "ExcelDestination" for one in data.components)
    return isinstance(data, ExecuteSqlTask) and any(manager.kind.upper() == "EXCEL" for manager in managers)


def _beginning(container: DtsContainer, *, inside: bool) -> Iterator[DtsContainer]:
    if container.disabled:
        return
    if container.transaction_option == REQUIRED and not inside:
        yield container
    inside = container.transaction_option != NOT_SUPPORTED and (inside or container.transaction_option == REQUIRED)
    for child in container.children:
        yield from _beginning(child, inside=inside)
    for handler in container.enabled_handlers:
        for child in handler.children:
            yield from _beginning(child, inside=inside and handler.transaction_option != NOT_SUPPORTED)


def _members(container: DtsContainer) -> Iterator[DtsContainer]:
    """Yield the executables that take part in a transaction, those of event handlers too."""
    yield container
    children = list(container.children)
    for handler in container.enabled_handlers:
        children += handler.children if handler.transaction_option != NOT_SUPPORTED else ()
    for child in children:
        if not child.disabled and child.transaction_option != NOT_SUPPORTED:
            yield from _members(child)


def _handlers(container: DtsContainer) -> Iterator[DtsEventHandler]:
    if container.disabled:
        return
    children = list(container.children)
    for handler in container.enabled_handlers:
        yield handler
        children += handler.children
    for child in children:
        yield from _handlers(child)


def _text(container: DtsContainer) -> str:
    """Return the texts and attributes of a task, without those of its event handlers."""
    parts = [str(value) for value in container.element.attrib.values()]
    for child in container.element:
        if str(child.tag) in _HANDLER_TAGS:
            continue
        for element in child.iter("*"):
            parts += [str(value) for value in element.attrib.values()]
            parts.append(element.text or "")
    return "\n".join(parts).upper()


def _uses(text: str, manager: DtsConnectionManager) -> bool:
    return manager.id.upper() in text or f"CONNECTIONMANAGERS[{manager.name}]".upper() in text

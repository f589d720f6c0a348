"""The tree of containers: package, sequences, loops, tasks and event handlers, with their precedence constraints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.dts import DtsContents
from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.models import ConstraintValue, EvalOp, ExecutableKind
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.elements import DtsElement, expressions_of
from airflow_provider_ssis.project.package.loops import ForeachLoop, ForLoop, read_for_loop, read_foreach_loop
from airflow_provider_ssis.project.package.options import DtsLogging, read_logging
from airflow_provider_ssis.project.package.task_data import read_task
from airflow_provider_ssis.project.package.tasks import TaskData
from airflow_provider_ssis.project.package.variables import DtsVariable, read_variable

if TYPE_CHECKING:
    from lxml.etree import _Element

ContainerData = TaskData | ForLoop | ForeachLoop | None
"""The data of a task or loop; None for a package or sequence, which have none."""
_KINDS = {
    "STOCK:SEQUENCE": ExecutableKind.SEQUENCE,
    "STOCK:FORLOOP": ExecutableKind.FOR_LOOP,
    "STOCK:FOREACHLOOP": ExecutableKind.FOREACH_LOOP,
}
_SAVE_AGAIN = "Open the package in Visual Studio and save it again"
SERIALIZABLE = 1_048_576
"""The number of .NET's isolation level Serializable, the default."""
_CONSTRAINT_VALUES = {int(one): one for one in ConstraintValue}
_EVAL_OPS = {int(one): one for one in EvalOp}


@dataclass(frozen=True, slots=True)
class DtsPrecedenceConstraint(DtsElement):
    """A precedence constraint between two containers with the same parent.

    :param source: the path of the container before.
    :param target: the path of the container after.
    :param logical_and: all constraints of the target must hold; False if one of them is enough.
    """

    name: str
    source: str
    target: str
    value: ConstraintValue
    eval_op: EvalOp
    logical_and: bool
    expression: str


@dataclass(frozen=True, slots=True)
class DtsContainer(DtsElement):
    """A package, container or task.

    :param path: the path in the package: ``\\Package\\Sequence\\Task``.
    :param ref_id: the reference in formats 6 and 8; empty in older formats.
    :param type: the type as stored: ``Microsoft.ExecuteSQLTask``, ``STOCK:SEQUENCE``, ...
    :param max_error_count: the number of errors at which it fails; 0 for no limit.
    :param force_execution_result: 0 success, 1 failure, 2 completion; None for the real result.
    :param transaction_option: 0 not supported, 1 supported, 2 required.
    :param isolation_level: the number that .NET uses; 1048576 is serializable.
    :param locale_id: None for that of the parent.
    :param expressions: property expressions, by the name of the property in Microsoft's object model.
    :param logging: the logging options; None if it has none.
    :param children: the containers inside.
    :param constraints: the precedence constraints between the children.
    :param force_execution_value: whether the execution value is the forced one.
    :param forced_execution_value: the forced execution value as text.
    :param execution_value_type: the number of its VARIANT type; 3 is Int32.
    :param execution_value_variable: the variable that receives the execution value; empty for none.
    """

    name: str
    path: str
    id: str
    ref_id: str
    kind: ExecutableKind
    type: str
    description: str
    disabled: bool
    delay_validation: bool
    max_error_count: int
    fail_package_on_failure: bool
    fail_parent_on_failure: bool
    force_execution_result: int | None
    transaction_option: int
    isolation_level: int
    locale_id: int | None
    disable_event_handlers: bool
    variables: tuple[DtsVariable, ...]
    expressions: Mapping[str, str]
    logging: DtsLogging | None
    event_handlers: tuple[DtsEventHandler, ...]
    children: tuple[DtsContainer, ...]
    constraints: tuple[DtsPrecedenceConstraint, ...]
    force_execution_value: bool = False
    forced_execution_value: str = ""
    execution_value_type: int = 3
    execution_value_variable: str = ""

    def data(self) -> ContainerData:
        """Read the data of a task or loop; None for a package or sequence, which have none.

        :raises InvalidPartError: a value in it is invalid.
        """
        if self.kind is ExecutableKind.TASK:
            return read_task(self.element, self.part)
        if self.kind is ExecutableKind.FOR_LOOP:
            return read_for_loop(self.element, self.part)
        if self.kind is ExecutableKind.FOREACH_LOOP:
            return read_foreach_loop(self.element, self.part)
        return None

    @property
    def enabled_handlers(self) -> tuple[DtsEventHandler, ...]:
        """The event handlers that SSIS runs."""
        return () if self.disable_event_handlers else tuple(one for one in self.event_handlers if not one.disabled)

    def walk_enabled(self) -> Iterator[DtsContainer]:
        """Yield the containers of :meth:`walk` that SSIS runs: without disabled ones and what is inside them."""
        if self.disabled:
            return
        yield self
        owners: tuple[DtsEventHandler | DtsContainer, ...] = (*self.enabled_handlers, self)
        for owner in owners:
            for child in owner.children:
                yield from child.walk_enabled()

    def walk(self) -> Iterator[DtsContainer]:
        """Yield this container and all containers inside, depth first, including those of event handlers."""
        yield self
        for handler in self.event_handlers:
            for child in handler.children:
                yield from child.walk()
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class DtsEventHandler(DtsElement):
    """The containers that run when a container raises an event.

    :param event: ``OnError``, ``OnPreExecute``, ...
    :param propagate: whether the handlers of the surrounding containers run too (``System::Propagate``).
    """

    event: str
    path: str
    id: str
    disabled: bool
    propagate: bool
    transaction_option: int
    isolation_level: int
    variables: tuple[DtsVariable, ...]
    expressions: Mapping[str, str]
    children: tuple[DtsContainer, ...]
    constraints: tuple[DtsPrecedenceConstraint, ...]


def read_containers(root: _Element, part: str) -> DtsContainer:
    """Read the tree of containers of a package.

    :param root: the root element of the package.
    :param part: the file that contains it, for errors.
    :raises InvalidPartError: two children of a container have the same name, a precedence constraint has no container
        at one end, precedence constraints form a cycle, or a property is invalid.
    """
    return _Reader(part).container(DtsContents(root), "\\Package", ExecutableKind.PACKAGE)


@dataclass(frozen=True, slots=True)
class _Reader:
    part: str

    def container(self, found: DtsContents, path: str, kind: ExecutableKind) -> DtsContainer:
        forced = found.number("ForceExecutionResult", -1, self.part)
        locale_id = found.number("LocaleID", -1, self.part)
        children, constraints = self._children(found, path)
        return DtsContainer(
            found.element,
            self.part,
            name=found.text("ObjectName"),
            path=path,
            id=found.text("DTSID").upper(),
            ref_id=found.text("refId"),
            kind=kind,
            type=found.text("ExecutableType"),
            description=found.text("Description"),
            disabled=found.flag("Disabled"),
            delay_validation=found.flag("DelayValidation"),
            max_error_count=found.number("MaxErrorCount", 1, self.part),
            fail_package_on_failure=found.flag("FailPackageOnFailure"),
            fail_parent_on_failure=found.flag("FailParentOnFailure"),
            force_execution_result=None if forced < 0 else forced,
            transaction_option=found.number("TransactionOption", 1, self.part),
            isolation_level=found.number("ISOLevel", SERIALIZABLE, self.part),
            locale_id=None if locale_id == -1 else locale_id,
            disable_event_handlers=found.flag("DisableEventHandlers"),
            variables=self._variables(found),
            expressions=expressions_of(found.children("PropertyExpression")),
            logging=read_logging(found.children("LoggingOptions"), self.part),
            event_handlers=tuple(
                self._event_handler(handler, path) for handler in found.members("EventHandlers", "EventHandler")
            ),
            children=children,
            constraints=constraints,
            force_execution_value=found.flag("ForceExecValue"),
            forced_execution_value=found.text("ExecValue"),
            execution_value_type=found.number("ExecValueType", 3, self.part),
            execution_value_variable=found.text("ExecValueVariable"),
        )

    def _event_handler(self, element: _Element, owner: str) -> DtsEventHandler:
        found = DtsContents(element)
        event = found.text("EventName") or found.text("CreationName")
        path = f"{owner}.EventHandlers[{event}]"
        children, constraints = self._children(found, path)
        variables = self._variables(found)
        return DtsEventHandler(
            element,
            self.part,
            event=event,
            path=path,
            id=found.text("DTSID").upper(),
            disabled=found.flag("Disabled"),
            propagate=_propagates(variables),
            transaction_option=found.number("TransactionOption", 1, self.part),
            isolation_level=found.number("ISOLevel", SERIALIZABLE, self.part),
            variables=variables,
            expressions=expressions_of(found.children("PropertyExpression")),
            children=children,
            constraints=constraints,
        )

    def _variables(self, found: DtsContents) -> tuple[DtsVariable, ...]:
        return tuple([read_variable(one, self.part) for one in found.members("Variables", "Variable")])

    def _children(
        self, found: DtsContents, path: str
    ) -> tuple[tuple[DtsContainer, ...], tuple[DtsPrecedenceConstraint, ...]]:
        children: dict[str, DtsContainer] = {}
        paths: dict[str, str] = {}
        for element in found.members("Executables", "Executable"):
            child = DtsContents(element)
            name = child.text("ObjectName")
            if not name:
                raise self._error("contains an executable without a name", element)
            child_path = f"{path}\\{name}"
            if child_path in children:
                raise self._error(f"contains two executables with the path {child_path}", element)
            kind = _KINDS.get(child.text("ExecutableType").upper(), ExecutableKind.TASK)
            children[child_path] = self.container(child, child_path, kind)
            # Precedence constraints refer to executables by refId since SQL Server 2012, and by DTSID before.
            paths[child.text("refId", child_path[1:])] = child_path
            paths[child.text("DTSID").upper()] = child_path
        constraints = tuple(
            self._constraint(one, paths) for one in found.members("PrecedenceConstraints", "PrecedenceConstraint")
        )
        self._check_order(constraints, found.element)
        return tuple(children.values()), constraints

    def _constraint(self, element: _Element, paths: dict[str, str]) -> DtsPrecedenceConstraint:
        found = DtsContents(element)
        value = found.number("Value", ConstraintValue.SUCCESS, self.part)
        eval_op = found.number("EvalOp", EvalOp.CONSTRAINT, self.part)
        if value not in _CONSTRAINT_VALUES or eval_op not in _EVAL_OPS:
            problem = f"contains a precedence constraint with the unknown Value {value} or EvalOp {eval_op}"
            raise self._error(problem, element)
        ends = {end.get(f"{DTS}IsFrom") in ("-1", "True"): end for end in found.children("Executable")}
        return DtsPrecedenceConstraint(
            element,
            self.part,
            name=found.text("ObjectName"),
            source=self._end(element, "From", ends.get(True), paths),
            target=self._end(element, "To", ends.get(False), paths),
            value=_CONSTRAINT_VALUES[value],
            eval_op=_EVAL_OPS[eval_op],
            logical_and=found.flag("LogicalAnd"),
            expression=found.text("Expression"),
        )

    def _end(self, element: _Element, attribute: str, reference: _Element | None, paths: dict[str, str]) -> str:
        name = element.get(DTS + attribute)
        if name is None and reference is not None:
            name = reference.get("IDREF") or reference.get(f"{DTS}IDREF")
        # A GUID may differ in case from the one that it refers to.
        found = None if name is None else paths.get(name) or paths.get(name.upper())
        if found is None:
            raise self._error(
                f"contains a precedence constraint {attribute.lower()} {name!r}, which is not in the same container",
                element,
            )
        return found

    def _check_order(self, constraints: Sequence[DtsPrecedenceConstraint], element: _Element) -> None:
        if not constraints:
            return
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for constraint in constraints:
            sorter.add(constraint.target, constraint.source)
        try:
            sorter.prepare()
        except CycleError as error:
            circle = ", ".join(error.args[1])
            raise self._error(f"contains precedence constraints that form a cycle: {circle}", element) from None

    def _error(self, problem: str, element: _Element) -> InvalidPartError:
        return InvalidPartError(problem, part=self.part, line=element.sourceline, advice=_SAVE_AGAIN)


def _propagates(variables: Iterable[DtsVariable]) -> bool:
    for variable in variables:
        if (variable.namespace, variable.name) == ("System", "Propagate"):
            return variable.text.strip().lower() not in ("0", "false")
    return True

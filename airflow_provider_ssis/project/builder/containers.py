"""Containers: sequences, loops and event handlers, with their executables and precedence constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_ssis.project.builder.data_flow import DataFlowBuilder
from airflow_provider_ssis.project.builder.enumerators import enumerator_data, enumerator_type
from airflow_provider_ssis.project.builder.executables import (
    BuiltPackage,
    ExecutableBuilder,
    Options,
    ScopeBuilder,
    TaskBuilder,
    executable_element,
)
from airflow_provider_ssis.project.builder.logging_options import logging_elements
from airflow_provider_ssis.project.builder.task_types import PIPELINE, TaskType
from airflow_provider_ssis.project.builder.tasks import Tasks
from airflow_provider_ssis.project.builder.variables import Variable
from airflow_provider_ssis.project.builder.xml import (
    check_name,
    element,
    expressions,
    group,
    guid,
    plain_element,
    stored_xml,
)
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.models import ConstraintValue, EvalOp
from airflow_provider_ssis.project.package.loops import AdoEnumerator, Enumerator, VariableEnumerator
from airflow_provider_ssis.project.package.variables import IN_DEBUG_DUMP

if TYPE_CHECKING:
    from lxml.etree import _Element


T = TypeVar("T", bound=ExecutableBuilder)


@dataclass(frozen=True, slots=True)
class _Constraint:
    name: str
    source: ExecutableBuilder
    target: ExecutableBuilder
    value: ConstraintValue
    eval_op: EvalOp
    logical_and: bool
    expression: str


class ContainerContents(Tasks, ScopeBuilder):
    """The executables inside a package, container or event handler, and the order in which they run."""

    def __init__(self, package: BuiltPackage, parent: ScopeBuilder | None, name: str, ref_id: str) -> None:
        super().__init__(package, parent, name, ref_id)
        self._set_up_contents()

    def _set_up_contents(self) -> None:
        self._children: dict[str, ExecutableBuilder] = {}
        self._constraints: list[_Constraint] = []

    def add_sequence(self, name: str, *, options: Options | None = None) -> SequenceBuilder:
        """Add a Sequence container.

        :param name: its name.
        :param options: the properties that all executables have. Default: their defaults.
        :raises BuildError: the name is invalid or used in this container.
        """
        return self._add(SequenceBuilder(self.package, self, name, self._child_ref_id(name), options or Options()))

    def add_for_loop(
        self, name: str, condition: str, *, init: str = "", assign: str = "", options: Options | None = None
    ) -> ForLoopBuilder:
        """Add a For loop.

        :param name: its name.
        :param condition: the expression that is true while the loop continues.
        :param init: an assignment before the first iteration. Default: none.
        :param assign: an assignment after each iteration. Default: none.
        :param options: as for :meth:`add_sequence`.
        :raises BuildError: as for :meth:`add_sequence`, or there is no condition.
        """
        if not condition.strip():
            raise BuildError(f"the For loop {name} needs a condition", part=self.package.part)
        loop = ForLoopBuilder(self.package, self, name, self._child_ref_id(name), options or Options())
        loop.loop_expressions = {
            "InitExpression": init or None,
            "EvalExpression": condition,
            "AssignExpression": assign or None,
        }
        return self._add(loop)

    def add_foreach_loop(
        self,
        name: str,
        enumerator: Enumerator | None,
        *,
        mappings: Sequence[Variable] | Mapping[int, Variable] = (),
        enumerator_expressions: Mapping[str, str] | None = None,
        options: Options | None = None,
    ) -> ForeachLoopBuilder:
        """Add a Foreach loop.

        :param name: its name.
        :param enumerator: what it iterates over: a class of ``project.package.loops``. None makes a loop that fails at
            validation, as the designer stores a new one.
        :param mappings: the variables for the values of each iteration, in order or by number from 0. Default: none.
        :param enumerator_expressions: property expressions of the enumerator, by the name of the property:
            ``Directory``, ``FileSpec``, ... Default: none.
        :param options: as for :meth:`add_sequence`.
        :raises BuildError: as for :meth:`add_sequence`, the builder does not write the enumerator, or a variable is
            not visible here or cannot be changed.
        """
        type_name = "" if enumerator is None else enumerator_type(enumerator, self.package.format_version)
        if isinstance(enumerator, (AdoEnumerator, VariableEnumerator)):
            self.variable_name(enumerator.variable)
        numbered = mappings if isinstance(mappings, Mapping) else dict(enumerate(mappings))
        loop = ForeachLoopBuilder(self.package, self, name, self._child_ref_id(name), options or Options())
        loop.enumerator = enumerator
        loop.enumerator_type = type_name
        loop.enumerator_expressions = dict(enumerator_expressions or {})
        loop.mappings = {index: self.target_name(variable) for index, variable in sorted(numbered.items())}
        return self._add(loop)

    def add_data_flow(self, name: str, *, options: Options | None = None) -> DataFlowBuilder:
        """Add a Data Flow task.

        :param name: its name.
        :param options: as for :meth:`add_sequence`.
        :returns: the data flow, to which components are added. Its task is ``task``.
        :raises BuildError: as for :meth:`add_sequence`.
        """
        data = plain_element(PIPELINE.element, {"version": 1})
        return DataFlowBuilder(self._add_task(name, PIPELINE, data, options), data)

    def add_stored_task(
        self, name: str, type_name: str, data: str = "", *, options: Options | None = None
    ) -> TaskBuilder:
        """Add a task of a type without a method here, with its data as a file stores it.

        :param name: its name.
        :param type_name: its type as a file stores it: ``Microsoft.XMLTask``, ...
        :param data: the XML of its data: the element inside ``ObjectData``. Default: none.
        :param options: as for :meth:`add_sequence`.
        :raises BuildError: as for :meth:`add_sequence`.
        :raises ProjectError: the data is not well-formed XML.
        """
        return self._add(
            TaskBuilder(
                self.package,
                self,
                name,
                self._child_ref_id(name),
                options or Options(),
                type_name=type_name,
                title="",
                data=stored_xml(data, self.package.part) if data else None,
                thread_hint=False,
            )
        )

    def discard(self, name: str) -> None:
        """Remove an executable, if there is one of that name.

        :raises BuildError: a precedence constraint leads to or from it.
        """
        found = self._children.get(name.casefold())
        if any(found in (each.source, each.target) for each in self._constraints):
            raise BuildError(
                f"cannot remove {name} from {self.ref_id}: a precedence constraint leads to or from it",
                part=self.package.part,
            )
        self._children.pop(name.casefold(), None)

    def add_constraint(
        self,
        source: ExecutableBuilder,
        target: ExecutableBuilder,
        *,
        value: ConstraintValue = ConstraintValue.SUCCESS,
        expression: str = "",
        eval_op: EvalOp | None = None,
        logical_and: bool = True,
        name: str = "",
    ) -> None:
        """Let an executable wait for another one.

        :param source: the executable before.
        :param target: the executable after.
        :param value: the result that the source must have. Default: success.
        :param expression: an expression that must be true. Default: none.
        :param eval_op: how result and expression are combined. Default: both must hold, or the result alone if there
            is no expression.
        :param logical_and: all constraints of the target must hold; False if one of them is enough. Default: True.
        :param name: its name. Default: made from its number.
        :raises BuildError: one of the two is not in this container, they are the same, they have a constraint, the
            name is used, there is no such result, or the constraints would form a cycle.
        """
        part = self.package.part
        for end in (source, target):
            if self._children.get(end.name.casefold()) is not end:
                raise BuildError(
                    f"cannot connect {end.ref_id}, which is not a direct part of {self.ref_id}",
                    part=part,
                    advice="A precedence constraint connects two executables of the same container",
                )
        if source is target or any(one.source is source and one.target is target for one in self._constraints):
            raise BuildError(
                f"cannot connect {source.ref_id} to {target.ref_id}: they are the same, or connected already", part=part
            )
        if self._is_before(target, source):
            raise BuildError(
                f"cannot connect {source.ref_id} to {target.ref_id}, which already runs before it", part=part
            )
        if value not in list(ConstraintValue):
            known = ", ".join(f"ConstraintValue.{each.name}" for each in ConstraintValue)
            raise BuildError(
                f"the constraint from {source.ref_id} to {target.ref_id} has the unknown result {value!r}",
                part=part,
                advice=f"Results: {known}",
            )
        chosen = eval_op or (EvalOp.EXPRESSION_AND_CONSTRAINT if expression else EvalOp.CONSTRAINT)
        if bool(expression) is (chosen is EvalOp.CONSTRAINT):
            raise BuildError(
                f"the constraint from {source.ref_id} to {target.ref_id} with {chosen.name} "
                f"{'ignores its' if expression else 'needs an'} expression",
                part=part,
            )
        names = {each.name for each in self._constraints}
        if name in names:
            raise BuildError(f"contains two precedence constraints {name} in {self.ref_id}", part=part)
        number = len(self._constraints)
        while not name or name in names:
            name, number = f"Constraint {number}" if number else "Constraint", number + 1
        self._constraints.append(_Constraint(name, source, target, value, chosen, logical_and, expression))

    def connect(self, *executables: ExecutableBuilder) -> None:
        """Let each of some executables wait for the success of the one before; see :meth:`add_constraint`.

        :param executables: the executables, in their order.
        :raises BuildError: as for :meth:`add_constraint`.
        """
        for source, target in pairwise(executables):
            self.add_constraint(source, target)

    def _is_before(self, first: ExecutableBuilder, last: ExecutableBuilder) -> bool:
        """Return whether constraints lead from an executable to another one."""
        seen: list[ExecutableBuilder] = [first]
        for each in seen:
            seen += [one.target for one in self._constraints if one.source is each and one.target not in seen]
        return last in seen

    def _child_ref_id(self, name: str) -> str:
        check_name(name, "executable", self.package.part)
        if name.casefold() in self._children:
            raise BuildError(f"contains two executables {name} in {self.ref_id}", part=self.package.part)
        return f"{self.ref_id}\\{name}"

    def _add(self, made: T) -> T:
        self._children[made.name.casefold()] = made
        return made

    def _add_task(self, name: str, task_type: TaskType, data: _Element, options: Options | None) -> TaskBuilder:
        ref_id = self._child_ref_id(name)
        return self._add(
            TaskBuilder(
                self.package,
                self,
                name,
                ref_id,
                options or Options(),
                type_name=task_type.stored_name(self.package.format_version),
                title=task_type.title,
                data=data,
                thread_hint=task_type.has_thread_hint,
            )
        )

    def _content_elements(self) -> list[_Element]:
        return [
            *group("Executables", [each.element() for each in self._children.values()], always=True),
            *group("PrecedenceConstraints", [self._constraint_element(each) for each in self._constraints]),
        ]

    def _constraint_element(self, found: _Constraint) -> _Element:
        ref_id = f"{self.ref_id}.PrecedenceConstraints[{found.name}]"
        return element(
            "PrecedenceConstraint",
            {
                "refId": ref_id,
                "CreationName": "",
                "DTSID": guid(*self.package.scope, ref_id),
                "EvalOp": None if found.eval_op is EvalOp.CONSTRAINT else int(found.eval_op),
                "Expression": found.expression or None,
                "From": found.source.ref_id,
                "LogicalAnd": found.logical_and,
                "ObjectName": found.name,
                "To": found.target.ref_id,
                "Value": int(found.value) or None,
            },
        )


class ContainerBuilder(ContainerContents, ExecutableBuilder):
    """A container that is an executable itself."""

    type_name = ""
    title = ""

    def __init__(
        self, package: BuiltPackage, parent: ScopeBuilder | None, name: str, ref_id: str, options: Options
    ) -> None:
        ExecutableBuilder.__init__(self, package, parent, name, ref_id, options)
        self._set_up_contents()

    def element(self) -> _Element:
        """Return ``DTS:Executable``."""
        made = executable_element(self, self.type_name, self.title, self._own_attributes())
        made.extend(expressions(self.expressions))
        made.extend(self._elements_before())
        made.extend(self._variable_elements())
        made.extend(logging_elements(self.logging))
        made.extend(self._content_elements())
        made.extend(self._handler_elements())
        made.extend(self._elements_after())
        return made

    def _own_attributes(self) -> dict[str, object]:
        return {}

    def _elements_before(self) -> list[_Element]:
        return []

    def _elements_after(self) -> list[_Element]:
        return []


class SequenceBuilder(ContainerBuilder):
    """A Sequence container."""

    type_name = "STOCK:SEQUENCE"
    title = "Sequence Container"


class ForLoopBuilder(ContainerBuilder):
    """A For loop."""

    type_name = "STOCK:FORLOOP"
    title = "For Loop Container"
    loop_expressions: dict[str, str | None]

    def _own_attributes(self) -> dict[str, object]:
        return dict(self.loop_expressions)


class ForeachLoopBuilder(ContainerBuilder):
    """A Foreach loop."""

    type_name = "STOCK:FOREACHLOOP"
    title = "Foreach Loop Container"
    enumerator: Enumerator | None
    enumerator_type: str
    enumerator_expressions: dict[str, str]
    mappings: dict[int, str]

    def _elements_before(self) -> list[_Element]:
        if self.enumerator is None:
            return []
        id_ = guid(*self.package.scope, self.ref_id, "enumerator")
        made = element("ForEachEnumerator", {"CreationName": self.enumerator_type, "DTSID": id_, "ObjectName": id_})
        made.extend(expressions(self.enumerator_expressions))
        data = element("ObjectData")
        data.append(enumerator_data(self.enumerator))
        made.append(data)
        return [made]

    def _elements_after(self) -> list[_Element]:
        return group("ForEachVariableMappings", [self._mapping(*each) for each in self.mappings.items()])

    def _mapping(self, index: int, variable: str) -> _Element:
        id_ = guid(*self.package.scope, self.ref_id, "mapping", str(index))
        return element(
            "ForEachVariableMapping",
            {"CreationName": "", "DTSID": id_, "ObjectName": id_, "ValueIndex": index, "VariableName": variable},
        )


class EventHandlerBuilder(ContainerContents):
    """The executables that run when an executable raises an event.

    :param package: the package.
    :param owner: the executable.
    :param event: the event.
    :param propagate: whether the handlers of the objects around the owner run too.
    """

    def __init__(self, package: BuiltPackage, owner: ExecutableBuilder, event: str, propagate: bool) -> None:
        super().__init__(package, owner, event, f"{owner.ref_id}.EventHandlers[{event}]")
        self.propagate = propagate
        self.disabled = False

    def element(self) -> _Element:
        """Return ``DTS:EventHandler``."""
        made = element(
            "EventHandler",
            {
                "refId": self.ref_id,
                "CreationName": self.name,
                "Disabled": self.disabled,
                "DTSID": self.id,
                "EventID": 0,
                "EventName": self.name,
                "LocaleID": -1,
                **self.stored_attributes,
            },
        )
        made.extend(expressions(self.expressions))
        variables = self._variable_elements()
        variables[0].insert(0, self._propagate())
        made.extend(variables)
        made.extend(self._content_elements())
        return made

    def _propagate(self) -> _Element:
        made = element(
            "Variable",
            {
                "CreationName": "",
                "Description": "Whether the event propagates to the objects around",
                "DTSID": guid(*self.package.scope, self.ref_id, "Propagate"),
                "IncludeInDebugDump": IN_DEBUG_DUMP,
                "Namespace": "System",
                "ObjectName": "Propagate",
            },
        )
        made.append(element("VariableValue", {"DataType": 11}, text="-1" if self.propagate else "0"))
        return made

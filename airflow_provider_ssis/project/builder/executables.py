"""The executables of a package: the properties that all tasks and containers share, and their event handlers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from airflow_provider_ssis.project.builder.logging_options import (
    LOGGING_MODES,
    Logging,
    LogProviderBuilder,
    logging_elements,
)
from airflow_provider_ssis.project.builder.values import check_number, stored_value
from airflow_provider_ssis.project.builder.variables import BuiltParameter, BuiltVariable, Variable
from airflow_provider_ssis.project.builder.xml import check_name, element, expressions, group, guid
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.package.containers import SERIALIZABLE
from airflow_provider_ssis.project.safe_xml import NOT_IN_XML

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder
    from airflow_provider_ssis.project.models import ParameterValue

EVENTS = (
    "OnError",
    "OnExecStatusChanged",
    "OnInformation",
    "OnPostExecute",
    "OnPostValidate",
    "OnPreExecute",
    "OnPreValidate",
    "OnProgress",
    "OnQueryCancel",
    "OnTaskFailed",
    "OnVariableValueChanged",
    "OnWarning",
)

_NUMBERS = {
    "force_execution_result": "ForceExecutionResult",
    "isolation_level": "ISOLevel",
    "max_error_count": "MaxErrorCount",
    "transaction_option": "TransactionOption",
}
"""The options that are numbers, with their stored names."""
_NAMES = ("ObjectName", "refId")


@dataclass(slots=True)
class Options:
    """The properties that tasks and containers share. Their names and defaults are those of the reader.

    :param description: a text. Default: that of the type.
    :param max_error_count: the number of errors at which it fails; 0 for no limit. Default: 1.
    :param force_execution_result: 0 success, 1 failure, 2 completion. Default: None, the real result.
    :param transaction_option: 0 not supported, 1 supported, 2 required. Default: 1.
    :param isolation_level: the number that .NET uses. Default: 1048576, serializable.
    """

    description: str | None = None
    disabled: bool = False
    delay_validation: bool = False
    max_error_count: int = 1
    fail_package_on_failure: bool = False
    fail_parent_on_failure: bool = False
    force_execution_result: int | None = None
    transaction_option: int = 1
    isolation_level: int = SERIALIZABLE
    disable_event_handlers: bool = False

    def __post_init__(self) -> None:
        """Check the numbers.

        :raises BuildError: SSIS has no such value.
        """
        for name, stored in _NUMBERS.items():
            value = getattr(self, name)
            if value is not None or name != "force_execution_result":
                check_number(f"the option {name}", stored, value)

    def attributes(self) -> dict[str, object]:
        """Return the attributes to store, without those of defaults."""
        return {
            "Description": self.description or None,
            "Disabled": self.disabled,
            "DelayValidation": self.delay_validation,
            "MaxErrorCount": None if self.max_error_count == 1 else self.max_error_count,
            "FailPackageOnFailure": self.fail_package_on_failure,
            "FailParentOnFailure": self.fail_parent_on_failure,
            "ForceExecutionResult": self.force_execution_result,
            "TransactionOption": None if self.transaction_option == 1 else self.transaction_option,
            "ISOLevel": None if self.isolation_level == SERIALIZABLE else self.isolation_level,
            "DisableEventHandlers": self.disable_event_handlers,
        }


class BuiltPackage(Protocol):
    """What the objects of a package use of it."""

    @property
    def part(self) -> str:
        """The name of its file."""

    @property
    def format_version(self) -> int:
        """8 or 6."""

    @property
    def scope(self) -> tuple[str, str]:
        """The names of its project and of itself, from which ids are made."""

    @property
    def log_providers(self) -> Sequence[LogProviderBuilder]:
        """Its log providers."""

    def visible_parameters(self) -> Iterator[BuiltParameter]:
        """Yield the parameters that it can use."""

    def sees(self, manager: ConnectionManagerBuilder) -> bool:
        """Return True for a connection manager of this package or its project."""


class BuiltHandler(Protocol):
    """An event handler."""

    def element(self) -> _Element:
        """Return ``DTS:EventHandler``."""


class ScopeBuilder:
    """An object with variables: a package, container, task or event handler.

    :param package: the package that contains it; None for the package itself.
    :param parent: the object around it; None for the package.
    :param name: its name.
    :param ref_id: its reference: ``Package\\Sequence\\Task``.
    """

    def __init__(self, package: BuiltPackage, parent: ScopeBuilder | None, name: str, ref_id: str) -> None:
        self.package = package
        self.parent = parent
        self.name = name
        self.ref_id = ref_id
        self.expressions: dict[str, str] = {}
        self.stored_attributes: dict[str, str | None] = {}
        self._variables: dict[tuple[str, str], BuiltVariable] = {}

    @property
    def id(self) -> str:
        """The id, made from the names of the project, the package and the object."""
        return guid(*self.package.scope, self.ref_id)

    def add_variable(
        self,
        name: str,
        value: ParameterValue = None,
        *,
        data_type: str | None = None,
        namespace: str = "User",
        expression: str = "",
        read_only: bool = False,
        raise_changed_event: bool = False,
        description: str = "",
        id_: str | None = None,
    ) -> BuiltVariable:
        """Add a variable, visible in this object and in everything inside.

        :param name: its name.
        :param value: its value. Default: None, the default of its type, and an Object without a type.
        :param data_type: its type: ``Int32``, ``String``, ``Object``, ... Default: that of the Python value.
        :param namespace: its namespace; ``System`` is reserved. Default: ``User``.
        :param expression: an expression for its value. Default: none.
        :param read_only: whether tasks cannot change it. Default: False.
        :param raise_changed_event: raise OnVariableValueChanged when it changes. Default: False.
        :param description: a text. Default: none.
        :param id_: its id. Default: None, made from the names.
        :returns: the variable.
        :raises BuildError: the name is invalid or used, or the type cannot store the value.
        """
        part = self.package.part
        check_name(name, "variable", part)
        check_name(namespace, "namespace", part)
        if namespace.casefold() == "system":
            raise BuildError(f"cannot contain the variable System::{name}: the namespace is reserved", part=part)
        if (namespace, name) in self._variables:
            raise BuildError(f"contains the variable {namespace}::{name} twice in {self.ref_id}", part=part)
        made = BuiltVariable(
            name=name,
            namespace=namespace,
            value=stored_value(value, data_type, f"variable {namespace}::{name}", part),
            id=id_ or guid(*self.package.scope, self.ref_id, "variable", namespace, name),
            expression=expression,
            read_only=read_only,
            raise_changed_event=raise_changed_event,
            description=description,
        )
        self._variables[namespace, name] = made
        return made

    def set_expression(self, name: str, expression: str) -> None:
        """Set a property by an expression.

        :param name: the property, by its name in Microsoft's object model: ``SqlStatementSource``, ``Disable``, ...
        :param expression: the expression.
        :raises BuildError: the property has no name, or a text has a character that XML does not allow.
        """
        if not name.strip() or NOT_IN_XML.search(name + expression):
            raise BuildError(
                f"{self.ref_id} cannot have the expression {expression!r} for the property {name!r}",
                part=self.package.part,
                advice="Name the property, and use no control characters",
            )
        self.expressions[name] = expression

    def set_attributes(self, attributes: Mapping[str, str | None]) -> None:
        """Set attributes that no argument sets, as a file stores them.

        :param attributes: texts by name; None to leave an attribute out.
        :raises BuildError: the attribute is the name of the object.
        """
        fixed = [name for name in attributes if name in _NAMES]
        if fixed and self.parent is not None:
            raise BuildError(
                f"cannot change the attribute {fixed[0]} of {self.ref_id}: other places of the package refer to it",
                part=self.package.part,
                advice="Add the object with another name",
            )
        self.stored_attributes |= attributes

    def variable_name(self, variable: Variable) -> str:
        """Return the qualified name of a variable or parameter, after checking that this object sees it.

        :param variable: the variable, the parameter, or its qualified name.
        :raises BuildError: there is no such variable or parameter here.
        """
        name = variable if isinstance(variable, str) else variable.qualified_name
        if name.startswith("System::"):
            return name
        visible = self._visible()
        if name not in visible or (not isinstance(variable, str) and visible[name] is not variable):
            known = ", ".join(sorted(visible)) or "none"
            raise BuildError(
                f"has no variable or parameter {name} that {self.ref_id} can use",
                part=self.package.part,
                advice=f"Add it to {self.ref_id} or to an object around it. It can use: {known}",
            )
        return name

    def target_name(self, variable: Variable) -> str:
        """Return the qualified name of a variable that gets a value when the package runs.

        :param variable: the variable, or its qualified name.
        :raises BuildError: as for :meth:`variable_name`, or nothing can change it: it is a parameter or a system
            variable.
        """
        name = self.variable_name(variable)
        is_system = name.startswith("System::") and name != "System::Propagate"
        if is_system or isinstance(self.visible(name), BuiltParameter):
            raise BuildError(
                f"{self.ref_id} cannot change {name}, which is a parameter or a system variable",
                part=self.package.part,
                advice="Name a variable",
            )
        return name

    def visible(self, name: str) -> BuiltVariable | BuiltParameter | None:
        """Return the variable or parameter that this object sees under a qualified name; None for a system variable.

        :param name: the qualified name.
        """
        return self._visible().get(name)

    def _visible(self) -> dict[str, BuiltVariable | BuiltParameter]:
        found: dict[str, BuiltVariable | BuiltParameter] = {}
        scope: ScopeBuilder | None = self
        while scope is not None:
            for each in scope._variables.values():
                found.setdefault(each.qualified_name, each)
            scope = scope.parent
        return found | {each.qualified_name: each for each in self.package.visible_parameters()}

    def _variable_elements(self) -> list[_Element]:
        return group("Variables", [each.element() for each in self._variables.values()], always=True)


class ExecutableBuilder(ScopeBuilder, ABC):
    """A task, container or package.

    :param package: the package.
    :param parent: the object around it.
    :param name: its name.
    :param ref_id: its reference.
    :param options: the properties that all executables have.
    """

    def __init__(
        self, package: BuiltPackage, parent: ScopeBuilder | None, name: str, ref_id: str, options: Options
    ) -> None:
        super().__init__(package, parent, name, ref_id)
        self.options = options
        self.handlers: dict[str, BuiltHandler] = {}
        self.logging: Logging | None = None

    @abstractmethod
    def element(self) -> _Element:
        """Return ``DTS:Executable``."""

    def set_logging(
        self,
        events: Sequence[str] = (),
        providers: Sequence[LogProviderBuilder] = (),
        *,
        mode: str = "enabled",
        exclude: bool = False,
    ) -> None:
        """Choose the events that this object logs.

        :param events: the names of the events: ``OnError``, ``OnTaskFailed``, ... Default: none.
        :param providers: the log providers of the package that log them. Default: none.
        :param mode: ``enabled``; ``disabled``; ``parent``, the events of the object around it. Default: ``enabled``.
        :param exclude: log all events but these. Default: False.
        :raises BuildError: there is no such mode, or a log provider is one of another package.
        """
        foreign = [each.name for each in providers if not any(each is one for one in self.package.log_providers)]
        if foreign:
            raise BuildError(
                f"{self.ref_id} cannot log with {foreign[0]}, a log provider of another package",
                part=self.package.part,
                advice="Add it to this package",
            )
        if mode not in LOGGING_MODES:
            raise BuildError(
                f"{self.ref_id} has the unknown logging mode {mode!r}",
                part=self.package.part,
                advice=f"Modes: {', '.join(LOGGING_MODES)}",
            )
        self.logging = Logging(mode, tuple(events), tuple(providers), exclude)

    def _handler_elements(self) -> list[_Element]:
        return group("EventHandlers", [each.element() for each in self.handlers.values()])


class TaskBuilder(ExecutableBuilder):
    """A task.

    :param type_name: its type as the file stores it.
    :param title: its description, unless the options have one.
    :param data: the element with its data; None for none.
    :param thread_hint: whether the attribute ThreadHint is written.
    """

    def __init__(
        self,
        package: BuiltPackage,
        parent: ScopeBuilder,
        name: str,
        ref_id: str,
        options: Options,
        *,
        type_name: str,
        title: str,
        data: _Element | None,
        thread_hint: bool,
    ) -> None:
        super().__init__(package, parent, name, ref_id, options)
        self.type_name = type_name
        self._title = title
        self._data = data
        self._thread_hint = thread_hint

    def element(self) -> _Element:
        """Return ``DTS:Executable``."""
        made = executable_element(
            self,
            self.type_name,
            self._title,
            {"TaskContact": self._title or None, "ThreadHint": "0" if self._thread_hint else None},
        )
        made.extend(expressions(self.expressions))
        made.extend(self._variable_elements())
        made.extend(logging_elements(self.logging))
        made.extend(self._handler_elements())
        data = element("ObjectData")
        if self._data is not None:
            data.append(self._data)
        made.append(data)
        return made


def executable_element(
    owner: ExecutableBuilder, type_name: str, title: str, others: dict[str, object] | None = None
) -> _Element:
    """Return ``DTS:Executable`` with its attributes, in the order of Visual Studio.

    :param owner: the executable.
    :param type_name: its type as the file stores it.
    :param title: its description, unless its options have one.
    :param others: other attributes. Default: none.
    """
    attributes = {
        "CreationName": type_name,
        "DTSID": owner.id,
        "ExecutableType": type_name,
        "LocaleID": -1,
        "ObjectName": owner.name,
        **owner.options.attributes(),
        **(others or {}),
    }
    attributes["Description"] = attributes.get("Description") or title or None
    attributes |= owner.stored_attributes
    return element("Executable", {"refId": owner.ref_id, **dict(sorted(attributes.items(), key=_without_case))})


def _without_case(item: tuple[str, object]) -> str:
    return item[0].casefold()

"""The content of a project file (.ispac)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ParameterValue = bool | int | float | Decimal | str | datetime | None


class ProtectionLevel(IntEnum):
    """How a project or package protects its sensitive values."""

    DONT_SAVE_SENSITIVE = 0
    ENCRYPT_SENSITIVE_WITH_USER_KEY = 1
    ENCRYPT_SENSITIVE_WITH_PASSWORD = 2
    ENCRYPT_ALL_WITH_PASSWORD = 3
    ENCRYPT_ALL_WITH_USER_KEY = 4
    SERVER_STORAGE = 5

    @property
    def label(self) -> str:
        """The name that SSIS uses: ``DontSaveSensitive``."""
        return "".join(word.capitalize() for word in self.name.split("_"))


class ExecutableKind(Enum):
    """The kind of an executable."""

    PACKAGE = "package"
    SEQUENCE = "sequence"
    FOR_LOOP = "for loop"
    FOREACH_LOOP = "foreach loop"
    TASK = "task"

    @property
    def is_container(self) -> bool:
        """True if the executable can contain other executables."""
        return self is not ExecutableKind.TASK


class ConstraintValue(IntEnum):
    """The result of the preceding executable that a precedence constraint requires."""

    SUCCESS = 0
    FAILURE = 1
    COMPLETION = 2


class EvalOp(IntEnum):
    """What a precedence constraint evaluates. Source: [MS-DTSX2], DTSPrecedenceEvalOp."""

    EXPRESSION = 1
    CONSTRAINT = 2
    EXPRESSION_AND_CONSTRAINT = 3
    EXPRESSION_OR_CONSTRAINT = 4


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a project or package, including connection parameters (``CM.…``).

    :param data_type: the SSIS name as in the catalog's views: Boolean, Byte, SByte, Int16, Int32, Int64, UInt32,
        UInt64, Single, Double, Decimal, DateTime, String.
    :param value: the design default; None if there is none, or if it is encrypted.
    """

    name: str
    data_type: str
    value: ParameterValue = None
    required: bool = False
    sensitive: bool = False
    description: str = ""
    id: str = ""

    def __repr__(self) -> str:
        # Logs and test reports show parameters, but must not show sensitive values.
        value = "***" if self.sensitive and self.value is not None else repr(self.value)
        return f"Parameter({self.name!r}, {self.data_type}, {value})"


@dataclass(frozen=True, slots=True)
class ConnectionManager:
    """A connection manager of a project (file ``*.conmgr``) or of a package.

    :param connection_string: as in the file; not part of the ``repr``, because it can contain a password.
    """

    name: str
    id: str
    creation_name: str
    connection_string: str = field(default="", repr=False)
    description: str = ""


@dataclass(frozen=True, slots=True)
class PrecedenceConstraint:
    """A precedence constraint between two executables of one container, which are named by path."""

    source: str
    target: str
    value: ConstraintValue = ConstraintValue.SUCCESS
    eval_op: EvalOp = EvalOp.CONSTRAINT
    logical_and: bool = True
    expression: str = ""


@dataclass(frozen=True, slots=True)
class DataFlowComponent:
    """A source, transformation or destination of a data flow.

    :param properties: the names of its custom properties.
    :param parts: the custom properties of its inputs and outputs, and of their columns: the names of the input or
        output, of the column if it is one of a column, and of the property.
    """

    name: str
    class_id: str
    ref_id: str = ""
    properties: tuple[str, ...] = ()
    parts: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class DataFlowPath:
    """A path of a data flow.

    :param id_string: the identification string in data taps and data statistics, ``Paths[Source.Output]``.
    :param source: the name of the component at the start of the path.
    :param destination: the name of the component at the end of the path.
    """

    name: str
    id_string: str
    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class DataFlow:
    """The content of a Data Flow task."""

    components: tuple[DataFlowComponent, ...] = ()
    paths: tuple[DataFlowPath, ...] = ()


@dataclass(frozen=True, slots=True)
class VariableDefinition:
    """A variable of a container.

    :param name: with its namespace, ``User::Day``.
    :param data_type: its type: a name as for parameters, or ``Object``, ``Currency``, ``Char``, ``Empty``, ``DBNull``.
    :param text: the stored value as text.
    :param expression: the expression of its value; empty if it has none, or does not use it.
    :param read_only: whether tasks and loops cannot change it.
    """

    name: str
    data_type: str
    text: str = ""
    expression: str = ""
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ForExpressions:
    """The expressions of a For loop.

    :param init: the assignment before the first iteration; empty for none.
    :param condition: the condition of each iteration.
    :param step: the assignment after each iteration; empty for none.
    """

    init: str
    condition: str
    step: str


@dataclass(frozen=True, slots=True)
class ForeachItems:
    """The fixed items of a Foreach loop.

    :param items: for each iteration its values, each with its OLE Automation type code and text.
    :param mappings: the variables that get the values: name, and number of the value from 0.
    """

    items: tuple[tuple[tuple[int, str], ...], ...]
    mappings: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class EventHandler:
    """The executables that run when an executable raises an event.

    :param event: ``OnError``, ``OnPreExecute``, ...
    :param path: ``\\Package\\Task.EventHandlers[OnError]``; the paths of its executables start with it.
    :param variables: the names of its variables, ``User::Day``.
    :param definitions: its variables, with types and values.
    :param propagate: whether the handlers of the surrounding containers run too (``System::Propagate``).
    """

    event: str
    path: str
    id: str = ""
    disabled: bool = False
    children: tuple[Executable, ...] = ()
    constraints: tuple[PrecedenceConstraint, ...] = ()
    propagate: bool = True
    variables: tuple[str, ...] = ()
    definitions: tuple[VariableDefinition, ...] = ()


@dataclass(frozen=True, slots=True)
class Executable:
    """A package, container or task of a control flow.

    :param path: the package path as in the catalog's views, ``\\Package\\Container\\Task``.
    :param id: the DTSID, in braces, upper case.
    :param type: the task's type: ``Microsoft.ExecuteSQLTask``, ``STOCK:SEQUENCE``, ...
    :param child_package: the file name of the package that an Execute Package task runs, if it is in the same project.
    :param child_assignments: the parameters of that package that the task sets, and the variables or parameters with
        their values.
    :param max_error_count: the number of errors at which the executable fails; 0 for no limit.
    :param force_execution_result: the fixed result: 0 success, 1 failure, 2 completion; None for the real result.
    :param variables: the names of the variables that it declares, ``User::Day``.
    :param log_providers: the names of the log providers of a package.
    :param definitions: the variables that it declares, with types and values.
    :param for_expressions: of a For loop; None if it has none.
    :param foreach_items: of a Foreach loop over fixed items; None for all others.
    :param property_expressions: names of properties, and their expressions.
    :param assignment: of an Expression task.
    """

    name: str
    path: str
    id: str
    kind: ExecutableKind
    type: str = ""
    description: str = ""
    disabled: bool = False
    children: tuple[Executable, ...] = ()
    constraints: tuple[PrecedenceConstraint, ...] = ()
    event_handlers: tuple[EventHandler, ...] = ()
    data_flow: DataFlow | None = None
    child_package: str | None = None
    child_assignments: tuple[tuple[str, str], ...] = ()
    max_error_count: int = 1
    fail_parent_on_failure: bool = False
    fail_package_on_failure: bool = False
    force_execution_result: int | None = None
    variables: tuple[str, ...] = ()
    log_providers: tuple[str, ...] = ()
    definitions: tuple[VariableDefinition, ...] = ()
    for_expressions: ForExpressions | None = None
    foreach_items: ForeachItems | None = None
    property_expressions: tuple[tuple[str, str], ...] = ()
    assignment: str = ""

    def walk(self) -> Iterator[Executable]:
        """Yield this executable and all executables inside, depth first, without those of event handlers."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Package:
    """A package of a project.

    :param name: the file name, with ``.dtsx``.
    :param parameters: in the order of the project's manifest: connection parameters first.
    :param control_flow: the package as the root executable; None if its file is encrypted as a whole.
    :param note: why ``control_flow`` is None. Default: empty.
    """

    name: str
    id: str = ""
    entry_point: bool = True
    description: str = ""
    version_major: int = 1
    version_minor: int = 0
    version_build: int = 0
    version_comments: str = ""
    version_guid: str = ""
    format_version: int = 8
    protection_level: ProtectionLevel = ProtectionLevel.DONT_SAVE_SENSITIVE
    parameters: tuple[Parameter, ...] = ()
    connection_managers: tuple[ConnectionManager, ...] = ()
    control_flow: Executable | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """A project.

    :param target_server_version: 110 to 170, from the manifest; None if the manifest has none.
    :param parameters: the project's parameters, followed by its connection parameters (``CM.…``).
    """

    name: str
    id: str = ""
    description: str = ""
    protection_level: ProtectionLevel = ProtectionLevel.DONT_SAVE_SENSITIVE
    format_version: int = 1
    version_major: int = 1
    version_minor: int = 0
    version_build: int = 0
    version_comments: str = ""
    target_server_version: int | None = None
    parameters: tuple[Parameter, ...] = ()
    connection_managers: tuple[ConnectionManager, ...] = ()
    packages: tuple[Package, ...] = field(default=())

    def package(self, name: str) -> Package | None:
        """Return the package with a file name, compared without case as in the catalog."""
        return next((package for package in self.packages if package.name.lower() == name.lower()), None)

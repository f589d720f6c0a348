"""What a project file (.ispac) holds, as data."""

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
    """How a project or a package keeps its sensitive values."""

    DONT_SAVE_SENSITIVE = 0
    ENCRYPT_SENSITIVE_WITH_USER_KEY = 1
    ENCRYPT_SENSITIVE_WITH_PASSWORD = 2
    ENCRYPT_ALL_WITH_PASSWORD = 3
    ENCRYPT_ALL_WITH_USER_KEY = 4
    SERVER_STORAGE = 5

    @property
    def label(self) -> str:
        """The level's name as SSIS writes it: ``DontSaveSensitive``."""
        return "".join(word.capitalize() for word in self.name.split("_"))


class ExecutableKind(Enum):
    """What sort of executable stands in a control flow."""

    PACKAGE = "package"
    SEQUENCE = "sequence"
    FOR_LOOP = "for loop"
    FOREACH_LOOP = "foreach loop"
    TASK = "task"

    @property
    def is_container(self) -> bool:
        """True where executables can stand inside."""
        return self is not ExecutableKind.TASK


class ConstraintValue(IntEnum):
    """The outcome of the preceding executable that a precedence constraint waits for."""

    SUCCESS = 0
    FAILURE = 1
    COMPLETION = 2


class EvalOp(IntEnum):
    """What a precedence constraint evaluates (MS-DTSX2, DTSPrecedenceEvalOp)."""

    EXPRESSION = 1
    CONSTRAINT = 2
    EXPRESSION_AND_CONSTRAINT = 3
    EXPRESSION_OR_CONSTRAINT = 4


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a project or of a package, connection parameters (``CM.…``) included.

    :param data_type: the SSIS name as the catalog shows it: Boolean, Byte, SByte, Int16, Int32, Int64, UInt32, UInt64,
        Single, Double, Decimal, DateTime, String.
    :param value: the design default; None where there is none or where it is sensitive and cannot be read.
    """

    name: str
    data_type: str
    value: ParameterValue = None
    required: bool = False
    sensitive: bool = False
    description: str = ""
    id: str = ""

    def __repr__(self) -> str:
        # Parameters end up in logs and test reports; a sensitive value must not.
        value = "***" if self.sensitive and self.value is not None else repr(self.value)
        return f"Parameter({self.name!r}, {self.data_type}, {value})"


@dataclass(frozen=True, slots=True)
class ConnectionManager:
    """A connection manager of a project (file ``*.conmgr``) or of a package.

    :param connection_string: as the file holds it; left out of the ``repr``, since it may name a password.
    """

    name: str
    id: str
    creation_name: str
    connection_string: str = field(default="", repr=False)
    description: str = ""


@dataclass(frozen=True, slots=True)
class PrecedenceConstraint:
    """An arrow of a control flow, between two executables of the same container (by their paths)."""

    source: str
    target: str
    value: ConstraintValue = ConstraintValue.SUCCESS
    eval_op: EvalOp = EvalOp.CONSTRAINT
    logical_and: bool = True
    expression: str = ""


@dataclass(frozen=True, slots=True)
class DataFlowComponent:
    """A source, transformation or destination of a data flow."""

    name: str
    class_id: str
    ref_id: str = ""


@dataclass(frozen=True, slots=True)
class DataFlowPath:
    """A path of a data flow.

    :param id_string: the identification string that data taps and data statistics use, ``Paths[Source.Output]``.
    :param source: the name of the component that the path leaves.
    :param destination: the name of the component that the path enters.
    """

    name: str
    id_string: str
    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class DataFlow:
    """What a Data Flow task holds."""

    components: tuple[DataFlowComponent, ...] = ()
    paths: tuple[DataFlowPath, ...] = ()


@dataclass(frozen=True, slots=True)
class EventHandler:
    """The executables that run when an event is raised on the executable they hang on.

    :param event: ``OnError``, ``OnPreExecute``, ...
    :param path: ``\\Package\\Task.EventHandlers[OnError]``; paths of its children go on from there.
    :param propagate: whether the event goes on to the handlers of the containers around (``System::Propagate``).
    """

    event: str
    path: str
    id: str = ""
    disabled: bool = False
    children: tuple[Executable, ...] = ()
    constraints: tuple[PrecedenceConstraint, ...] = ()
    propagate: bool = True


@dataclass(frozen=True, slots=True)
class Executable:
    """A package, container or task of a control flow.

    :param path: the package path as the catalog's views show it, ``\\Package\\Container\\Task``.
    :param id: the DTSID, in braces, upper case.
    :param type: the task's type: ``Microsoft.ExecuteSQLTask``, ``STOCK:SEQUENCE``, ...
    :param child_package: for an Execute Package task into the same project, the name of the package file.
    :param max_error_count: how many errors may occur before the executable counts as failed; 0 for any number.
    :param force_execution_result: 0 success, 1 failure, 2 completion, whatever happens; None to leave it as it comes.
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
    max_error_count: int = 1
    fail_parent_on_failure: bool = False
    fail_package_on_failure: bool = False
    force_execution_result: int | None = None

    def walk(self) -> Iterator[Executable]:
        """This executable and all inside it, depth first, without those of event handlers."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Package:
    """A package of a project.

    :param name: the file name, with ``.dtsx``.
    :param parameters: as the project's manifest lists them: connection parameters first.
    :param control_flow: the package itself as the root executable; None where its XML is encrypted as a whole.
    :param note: why ``control_flow`` is None; empty otherwise.
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
    """A project as an .ispac file holds it.

    :param parameters: project parameters, and the project's connection parameters (``CM.…``).
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
        """The package of that file name, compared without case as the catalog does."""
        return next((package for package in self.packages if package.name.lower() == name.lower()), None)

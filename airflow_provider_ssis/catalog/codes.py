"""Code tables of the SSISDB catalog, under the names that its documentation gives them.

The one list in the project: the client reads statuses with it and the embedded SSISDB writes them.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag, StrEnum


class OperationStatus(IntEnum):
    """Column ``status`` of ``catalog.operations``, ``catalog.executions`` and ``catalog.validations``."""

    CREATED = 1
    RUNNING = 2
    CANCELED = 3
    FAILED = 4
    PENDING = 5
    ENDED_UNEXPECTEDLY = 6
    SUCCEEDED = 7
    STOPPING = 8
    COMPLETED = 9

    @property
    def is_terminal(self) -> bool:
        """True once the operation can no longer change."""
        return self in TERMINAL_STATUSES

    @property
    def is_active(self) -> bool:
        """True while the operation was started and has not ended."""
        return self in ACTIVE_STATUSES


TERMINAL_STATUSES = frozenset(
    {
        OperationStatus.CANCELED,
        OperationStatus.FAILED,
        OperationStatus.ENDED_UNEXPECTEDLY,
        OperationStatus.SUCCEEDED,
        OperationStatus.COMPLETED,
    }
)
ACTIVE_STATUSES = frozenset({OperationStatus.PENDING, OperationStatus.RUNNING, OperationStatus.STOPPING})


class OperationType(IntEnum):
    """Column ``operation_type`` of ``catalog.operations``. UNKNOWN is a type that a later SSISDB has brought."""

    UNKNOWN = -1
    STARTUP = 1
    RETENTION_WINDOW = 2
    MAX_PROJECT_VERSION = 3
    DEPLOY_PROJECT = 101
    DEPLOY_PACKAGES = 102
    RESTORE_PROJECT = 106
    EXECUTION = 200
    STOP_OPERATION = 202
    EXECUTION_DUMP = 205
    VALIDATE_PROJECT = 300
    VALIDATE_PACKAGE = 301
    CHECK_SCHEMA_VERSION = 700
    CONFIGURE_CATALOG = 1000


class ObjectType(IntEnum):
    """Column ``object_type``: what an operation or a parameter belongs to."""

    FOLDER = 10
    PROJECT = 20
    PACKAGE = 30
    ENVIRONMENT = 40
    EXECUTION = 50


class MessageType(IntEnum):
    """Column ``message_type`` of ``catalog.operation_messages`` and ``catalog.event_messages``."""

    UNKNOWN = -1
    PRE_VALIDATE = 10
    POST_VALIDATE = 20
    PRE_EXECUTE = 30
    POST_EXECUTE = 40
    STATUS_CHANGE = 50
    PROGRESS = 60
    INFORMATION = 70
    VARIABLE_VALUE_CHANGED = 80
    DIAGNOSTIC = 90
    QUERY_CANCEL = 100
    WARNING = 110
    ERROR = 120
    TASK_FAILED = 130
    DIAGNOSTIC_EX = 140
    CUSTOM = 200
    NON_DIAGNOSTIC = 400


class MessageSourceType(IntEnum):
    """Column ``message_source_type``: what wrote a message."""

    ENTRY_API = 10
    EXTERNAL_PROCESS = 20
    PACKAGE = 30
    TASK = 40
    CONTAINER = 50
    DATA_FLOW = 60


class ContextType(IntEnum):
    """Column ``context_type`` of ``catalog.event_message_context``."""

    TASK = 10
    PIPELINE = 20
    SEQUENCE = 30
    FOR_LOOP = 40
    FOREACH_LOOP = 50
    PACKAGE = 60
    VARIABLE = 70
    CONNECTION_MANAGER = 80


class ExecutionResult(IntEnum):
    """Column ``execution_result`` of ``catalog.executable_statistics``."""

    SUCCESS = 0
    FAILURE = 1
    COMPLETION = 2
    CANCELLED = 3


class LoggingLevel(IntEnum):
    """The server option ``LOGGING_LEVEL`` of an execution."""

    NONE = 0
    BASIC = 1
    PERFORMANCE = 2
    VERBOSE = 3
    RUNTIME_LINEAGE = 4
    CUSTOMIZED = 100


class PermissionType(IntEnum):
    """Column ``permission_type`` of the permission views; values from 100 are inherited from a folder."""

    READ = 1
    MODIFY = 2
    EXECUTE = 3
    MANAGE_PERMISSIONS = 4
    CREATE_OBJECTS = 100
    READ_OBJECTS = 101
    MODIFY_OBJECTS = 102
    EXECUTE_OBJECTS = 103
    MANAGE_OBJECT_PERMISSIONS = 104


class SecuredObjectType(IntEnum):
    """Column ``object_type`` of the permission views: another list than :class:`ObjectType`."""

    FOLDER = 1
    PROJECT = 2
    ENVIRONMENT = 3
    OPERATION = 4


class ValidationStatus(StrEnum):
    """Column ``validation_status`` of projects, packages and environment references."""

    NOT_VALIDATED = "N"
    FAILED = "F"
    SUCCEEDED = "S"
    UNKNOWN = ""


class ValidationType(StrEnum):
    """Column ``validate_type`` of ``catalog.validations``."""

    FULL = "F"
    UNKNOWN = ""


class ReferenceType(StrEnum):
    """Column ``reference_type``: whether an environment reference names the environment's folder."""

    RELATIVE = "R"
    ABSOLUTE = "A"


class ValueType(StrEnum):
    """Column ``value_type`` of ``catalog.object_parameters``: what gives the parameter its value."""

    VALUE = "V"
    REFERENCE = "R"


class LoggedStatistics(IntFlag):
    """Bits of ``profile_value`` of a customized logging level: which statistics are recorded."""

    EXECUTION = 1
    VOLUME = 2
    PERFORMANCE = 4


class LoggedEvents(IntFlag):
    """Bits of ``events_value`` of a customized logging level: which events are logged.

    ``events << CONTEXT_SHIFT`` are the same events with their context.
    """

    ON_VARIABLE_VALUE_CHANGED = 1 << 0
    ON_EXECUTION_STATUS_CHANGED = 1 << 1
    ON_PRE_EXECUTE = 1 << 2
    ON_POST_EXECUTE = 1 << 3
    ON_PRE_VALIDATE = 1 << 4
    ON_POST_VALIDATE = 1 << 5
    ON_WARNING = 1 << 6
    ON_INFORMATION = 1 << 7
    ON_ERROR = 1 << 8
    ON_TASK_FAILED = 1 << 9
    ON_PROGRESS = 1 << 10
    ON_QUERY_CANCEL = 1 << 11
    ON_BREAKPOINT_HIT = 1 << 12
    ON_CUSTOM_EVENT = 1 << 13
    DIAGNOSTIC = 1 << 14
    DIAGNOSTIC_EX = 1 << 15
    NON_DIAGNOSTIC = 1 << 16


NO_STATISTICS = LoggedStatistics(0)
NO_EVENTS = LoggedEvents(0)
CONTEXT_SHIFT = 32
"""How far the bits of events with their context are to the left of :class:`LoggedEvents`."""

"""The catalog's errors: number, severity and text, in words of our own.

The numbers are those of SSISDB; ``{0}``, ``{1}`` stand for what the error names.
"""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

TEXTS: Final[dict[int, str]] = {
    27100: "The argument '{0}' is NULL. Give it a value.",
    27101: "The argument '{0}' has a value that is not allowed.",
    27102: "The argument '{0}' is an empty string.",
    27103: "There is no execution {0}, or you have no permission on it.",
    27104: "There is no folder '{0}', or you have no permission on it.",
    27105: "There is no operation {0}, or you have no permission on it.",
    27106: "There is no parameter '{0}' on that project or package, or you have no permission on it.",
    27109: "There is no project '{0}', or you have no permission on it.",
    27111: "There is no environment reference {0} of that project, or you have no permission on it.",
    27113: "No row of {0} was deleted.",
    27114: "There is no environment reference {0}, or you have no permission on it.",
    27118: "The project cannot be deployed now: another deployment of it is running. Try again.",
    27121: "The execution was started before, or is over: an execution can be started once only.",
    27123: (
        "This operation is refused to logins that SQL Server authenticates. Log in with Windows authentication"
        " and try again."
    ),
    27124: "Operation {0} cannot be stopped: it is not running.",
    27125: "The operation cannot be stopped yet: no process has registered for it.",
    27126: "The operation is being stopped already.",
    27138: "A required argument is NULL.",
    27140: "This needs membership in the database role '{0}' or the server role '{1}'.",
    27142: "'{0}' is not a valid name of an environment.",
    27143: "You have no permission on operation {0}.",
    27145: "'{0}' is not a valid name of a project.",
    27146: "There is no such package, or you have no permission on it.",
    27147: "The type of the value does not fit the data type {0}.",
    27148: "A parameter and the environment variable that it refers to have different data types.",
    27150: "The project was deployed again after the execution was created. Create a new execution.",
    27153: "The permissions on the new operation could not be granted.",
    27154: "It is not said whether the value is sensitive.",
    27156: "The catalog has no property '{0}'.",
    27157: "There is an environment '{0}' already, or you may not create one of that name.",
    27159: "The data type is none that SSIS knows.",
    27161: "The permission was there before; nothing was granted.",
    27163: "The catalog property '{0}' has a value that is not allowed.",
    27165: (
        "The server was stopped while operation {0} of type {1} was in status {2}: the operation is marked as"
        " ended unexpectedly."
    ),
    27170: "The project '{0}' cannot be read.",
    27173: "The environment has a variable '{0}' already.",
    27176: "The execution has no parameter '{0}', or you have no permission on it.",
    27178: "You may not execute packages of the project '{0}'.",
    27180: "'{0}' is not a valid name of an environment variable.",
    27182: "There is no environment '{0}', or you have no permission on it.",
    27183: "There is no environment variable '{0}', or you have no permission on it.",
    27184: "The execution cannot start: a required parameter has no value.",
    27188: "Only members of ssis_admin or sysadmin may create, change or delete folders.",
    27189: "The folder name is missing.",
    27190: "There is a folder '{0}' already, or you may not create one of that name.",
    27191: "There is no permission of type {0} on objects of type {1}.",
    27192: "You may not manage permissions on this object.",
    27194: "There is no such project, or you have no permission on it.",
    27195: "The wait for another create_execution took too long. Try again.",
    27196: "The folder '{0}' cannot be deleted: it holds projects or environments.",
    27197: "There is no {0} with the id {1}.",
    27199: "'{0}' is not a valid name of a folder.",
    27203: "The project was not deployed. See the messages of operation {0} in catalog.operation_messages.",
    27204: "The project has a reference to that environment already.",
    27206: "You may not deploy projects to the folder '{0}'.",
    27208: "There is no environment reference {0} of that project.",
    27209: "You may not create environments in the folder '{0}'.",
    27210: "The value of {0} cannot be converted to {1}.",
    27217: "{0} is no logging level: allowed are 0 to 4 and 100.",
    27221: "A sensitive environment variable cannot be used for a parameter that is not sensitive.",
    27224: "The parameters of the execution cannot be changed any more: it was started.",
    27225: "The property overrides of the execution cannot be changed any more: it was started.",
    27237: "There is no customized logging level '{0}'.",
    27239: "You may not change the customized logging level '{0}'.",
}
"""The text of each error by its number."""

_INFORMATION: Final = frozenset({27161, 27165})


def catalog_error(number: int, *arguments: Any, ends_batch: bool = True) -> SqlError:
    """One of the catalog's errors.

    :param arguments: what the text names.
    :param ends_batch: thrown out of a TRY block of the procedure, so that the batch ends; the checks of arguments at a
        procedure's beginning give the error and let the batch go on.
    """
    severity = 10 if number in _INFORMATION else 16
    return SqlError(number, text(number, *arguments), severity=severity, ends_batch=ends_batch)


def text(number: int, *arguments: Any) -> str:
    """The text of an error with its arguments filled in."""
    return TEXTS[number].format(*arguments)

"""The catalog's errors: number, severity and text.

The numbers are those of SSISDB, the texts are this project's. ``{0}`` and ``{1}`` are the arguments of an error.
"""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

TEXTS: Final[dict[int, str]] = {
    27100: "The argument '{0}' is NULL. Give it a value.",
    27101: "The value of the argument '{0}' is not allowed.",
    27102: "The argument '{0}' is an empty string.",
    27103: "The execution {0} does not exist, or you have no permission on it.",
    27104: "The folder '{0}' does not exist, or you have no permission on it.",
    27105: "The operation {0} does not exist, or you have no permission on it.",
    27106: "The project or package has no parameter '{0}', or you have no permission on it.",
    27109: "The project '{0}' does not exist, or you have no permission on it.",
    27111: "The project has no environment reference {0}, or you have no permission on it.",
    27112: "No row of {0} was updated.",
    27113: "No row of {0} was deleted.",
    27114: "The environment reference {0} does not exist, or you have no permission on it.",
    27115: "The destination folder '{0}' does not exist, or you have no permission to create objects in it.",
    27116: "The value cannot be encrypted, because it does not convert to the type in which it is encrypted.",
    27118: "The project cannot be deployed now, because another deployment of it is running. Try again.",
    27121: "The execution was started before. An execution can be started only once.",
    27123: (
        "Logins with SQL Server authentication cannot run this operation. Log in with Windows authentication and try"
        " again."
    ),
    27124: "The operation {0} cannot be stopped, because it is not running.",
    27125: "The operation cannot be stopped yet, because its process has not started. Try again.",
    27126: "The operation is already being stopped.",
    27129: "The folder '{0}' already exists, or you have no permission to rename it.",
    27138: "A required argument is NULL. Give it a value.",
    27139: "The property cannot be changed while operations are running. Try again when they have ended.",
    27140: "This operation requires membership in the database role '{0}' or the server role '{1}'.",
    27141: "The property cannot be changed while the catalog has executions. Delete their logs first.",
    27142: "'{0}' is not a valid name of an environment.",
    27143: "You have no permission on the operation {0}.",
    27145: "'{0}' is not a valid name of a project.",
    27146: "The package does not exist, or you have no permission on it.",
    27147: "The type of the value does not match the data type {0}.",
    27148: "The parameter and the environment variable that it refers to have different data types.",
    27150: "The project was deployed again after the execution was created. Create a new execution.",
    27151: "Started to restore the project '{0}' to its version {1}.",
    27152: "Restored the project '{0}' to its version {1}.",
    27153: "The permissions on the new operation could not be granted.",
    27154: "The sensitivity of the value is missing. Give 0 or 1.",
    27155: "The project has this version already. Nothing was restored.",
    27156: "The catalog has no property '{0}'.",
    27157: "The environment '{0}' already exists, or you have no permission to create it.",
    27159: "The data type is not a data type of SSIS.",
    27160: "{0} needs the database SSISDB in single-user mode. Run ALTER DATABASE SSISDB SET SINGLE_USER first.",
    27161: "The permission was granted before. Nothing was changed.",
    27162: "The property {0} can be changed only while the database SSISDB is in single-user mode.",
    27163: "The value of the catalog property '{0}' is not allowed.",
    27165: (
        "The server stopped while the operation {0} of type {1} was in status {2}. The operation ended unexpectedly."
    ),
    27169: "The row of the operation could not be written.",
    27170: "The project '{0}' cannot be read.",
    27173: "The environment already has a variable '{0}'.",
    27176: "The execution has no parameter '{0}', or you have no permission on it.",
    27178: "You have no permission to execute packages of the project '{0}'.",
    27179: "The project has no such version, or you have no permission on it.",
    27180: "'{0}' is not a valid name of an environment variable.",
    27181: "The destination folder already has a project '{0}', or you have no permission on it.",
    27182: "The environment '{0}' does not exist, or you have no permission on it.",
    27183: "The environment variable '{0}' does not exist, or you have no permission on it.",
    27184: "The execution cannot start, because a required parameter has no value. Set it before the start.",
    27185: "The validation {0} does not exist, or you have no permission on it.",
    27186: "The environment lacks variables to which parameters of the project refer.",
    27187: "The project does not exist, or you have no permission on it. Deploy the whole project first.",
    27188: "Creating, changing and deleting folders requires membership in ssis_admin or sysadmin.",
    27189: "The folder name is NULL. Give it a value.",
    27190: "The folder '{0}' already exists, or you have no permission to create it.",
    27191: "The permission type {0} does not apply to objects of type {1}.",
    27192: "You have no permission to manage the permissions on this object.",
    27194: "The project does not exist, or you have no permission on it.",
    27195: "Timed out waiting for another create_execution. Try again.",
    27196: "The folder '{0}' cannot be deleted, because it contains projects or environments.",
    27197: "The {0} with the id {1} does not exist.",
    27199: "'{0}' is not a valid name of a folder.",
    27200: "The project has no such environment reference.",
    27201: "The validation found a required parameter that has no value.",
    27202: "Parameters refer to environment variables, so the validation needs an environment reference.",
    27203: "The project was not deployed. The reasons are in catalog.operation_messages, for operation {0}.",
    27204: "The project already has a reference to this environment.",
    27206: "You have no permission to deploy projects to the folder '{0}'.",
    27207: "The environment '{0}' lacks variables to which parameters of the project refer.",
    27208: "The project has no environment reference {0}.",
    27209: "You have no permission to create environments in the folder '{0}'.",
    27210: "The value of {0} cannot be converted to {1}.",
    27212: "Data taps can be changed only before the execution is started.",
    27213: "The execution {0} already has a data tap on this path of this task.",
    27214: "The execution {1} already has a data tap on this path of the task {0}.",
    27215: "The data tap {0} does not exist, or you have no permission on it.",
    27217: "{0} is not a logging level. Give 0 to 4, or 100.",
    27218: "There is no dump of the execution {0}, because no process runs it.",
    27219: "You have no permission for this operation.",
    27221: "A sensitive environment variable cannot be used for a parameter that is not sensitive.",
    27223: "You have no permission to move projects to the folder '{0}'.",
    27224: "The parameters of the execution can no longer be changed, because it was started.",
    27225: "The property overrides of the execution can no longer be changed, because it was started.",
    27226: "The user or role cannot be dropped, because permissions in the catalog refer to it. Revoke them first.",
    27230: "The packages cannot be deployed now, because another deployment to the project is running. Try again.",
    27231: "The packages were not deployed. The reasons are in catalog.operation_messages, for operation {0}.",
    27232: "You have no permission to create the customized logging level '{0}'.",
    27233: "The name of the customized logging level is missing. Give it a name.",
    27234: "'{0}' is not a valid name of a customized logging level.",
    27235: "The customized logging level '{0}' already exists.",
    27236: "You have no permission to delete the customized logging level '{0}'.",
    27237: "The customized logging level '{0}' does not exist.",
    27238: "You have no permission to rename the customized logging level '{0}' to '{1}'.",
    27239: "You have no permission to change the customized logging level '{0}'.",
    27240: "The value is negative. Give 0 or more.",
    27241: "The logging level {0} needs a customized logging level. Set SERVER_CUSTOMIZED_LOGGING_LEVEL first.",
    27242: "The Scale Out job {0} does not exist, or you have no permission on it.",
    27243: "The Scale Out worker {0} does not exist, or you have no permission on it.",
    27251: "The Scale Out job {0} is open to any worker, so no worker can be added. Create it with @useanyworker = 0.",
    27252: "The Scale Out worker {0} is disabled. Enable it first.",
    27255: "The execution has no Scale Out job. Create it with @runinscaleout = 1.",
    27257: "No Scale Out worker is active.",
    27260: "This operation requires membership in sysadmin.",
}
"""The text of each error by its number."""

_INFORMATION: Final = frozenset({27151, 27152, 27161, 27165})


def catalog_error(number: int, *arguments: Any, ends_batch: bool = True) -> SqlError:
    """One of the catalog's errors.

    :param arguments: they replace ``{0}`` and ``{1}`` in the text.
    :param ends_batch: whether the error ends the batch, as an error inside a TRY block of the real procedure does.
        After an error in the checks of arguments, at the beginning of a procedure, the batch continues.
    """
    severity = 10 if number in _INFORMATION else 16
    return SqlError(number, text(number, *arguments), severity=severity, ends_batch=ends_batch)


def text(number: int, *arguments: Any) -> str:
    """The text of an error with its arguments."""
    return TEXTS[number].format(*arguments)

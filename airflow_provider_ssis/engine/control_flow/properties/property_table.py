"""The properties that expressions, configurations and the user can set, by their names in Microsoft's object model.

The model has other names than the package format: ``Disable`` is stored as ``Disabled``, ``ToLine`` as ``To``. Names
are compared without case. Enumerations are given by number in expressions, and by number or name elsewhere. Source:
"Use Property Expressions in Packages" and the pages of the tasks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from airflow_provider_ssis.engine.data_flow.stored.component_properties import changed_flow
from airflow_provider_ssis.project.package.choices import (
    FILE_OPERATIONS,
    FTP_OPERATIONS,
    MAIL_SOURCES,
    PRIORITIES,
    RESULT_TYPES,
    SQL_SOURCES,
)
from airflow_provider_ssis.project.package.containers import ContainerData, DtsContainer
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.loops import (
    AdoEnumerator,
    Enumerator,
    FileEnumerator,
    ForeachLoop,
    ForLoop,
    NodeListEnumerator,
    OtherEnumerator,
    SchemaRowsetEnumerator,
    SmoEnumerator,
    VariableEnumerator,
)
from airflow_provider_ssis.project.package.tasks import (
    BulkInsertTask,
    ExecutePackageTask,
    ExecuteProcessTask,
    ExecuteSqlTask,
    ExpressionTask,
    FileSystemTask,
    FtpTask,
    OtherTask,
    ScriptTask,
    SendMailTask,
)
from airflow_provider_ssis.project.property_paths import component_names

Parse = Callable[[Any], Any]


class UnknownProperty(ValueError):
    """An object has no property of a name, or the engine cannot set it."""


def _text(value: Any) -> str:
    if value is None:
        raise ValueError("it is NULL")
    return ("True" if value else "False") if isinstance(value, bool) else str(value)


def boolean(value: Any) -> bool:
    """Return the value of a Boolean property.

    :raises ValueError: the text is not a Boolean.
    """
    found = _BOOLEANS.get(_text(value).strip().lower())
    if found is None:
        raise ValueError("it is a Boolean, True or False")
    return found


def _whole(value: Any) -> int:
    try:
        return int(_text(value).strip())
    except ValueError:
        raise ValueError("it is a whole number") from None


def _count(value: Any) -> int:
    found = _whole(value)
    if found < 0:
        raise ValueError("it is a number, 0 or more")
    return found


def _names(value: Any) -> tuple[str, ...]:
    return tuple(name.strip() for name in _text(value).split(",") if name.strip())


def _files(value: Any) -> tuple[str, ...]:
    return tuple(name.strip() for name in _text(value).split("|") if name.strip())


def one_of(values: Mapping[int, Any]) -> Parse:
    """Return a reader of an enumeration: its numbers, or the names of its values."""
    names = {str(value).lower(): value for value in values.values()}

    def parse(value: Any) -> Any:
        text = _text(value).strip().lower()
        if re.fullmatch(r"-?\d{1,9}", text) and int(text) in values:
            return values[int(text)]
        if text in names:
            return names[text]
        known = ", ".join(f"{code} {name}" for code, name in values.items())
        raise ValueError(f"it is one of {known}")

    return parse


def _forced(value: Any) -> int | None:
    found = one_of({-1: "none", 0: "success", 1: "failure", 2: "completion"})(value)
    return {"none": None, "success": 0, "failure": 1, "completion": 2}[found]


def _transaction(value: Any) -> int:
    found = one_of({0: "notsupported", 1: "supported", 2: "required"})(value)
    return ("notsupported", "supported", "required").index(found)


def _usage(value: Any) -> int:
    found = one_of({0: "never", 1: "ifexists", 2: "always"})(value)
    return ("never", "ifexists", "always").index(found)


def _locale(value: Any) -> int | None:
    return None if _whole(value) == -1 else _whole(value)


_BOOLEANS: Final = {"true": True, "1": True, "-1": True, "false": False, "0": False}
Table = Mapping[str, tuple[str, Parse]]
"""For each property, by name in lower case, the field that it sets and how its value is read."""

CONTAINER: Final[Table] = {
    "delayvalidation": ("delay_validation", boolean),
    "description": ("description", _text),
    "disable": ("disabled", boolean),
    "disabled": ("disabled", boolean),
    "disableeventhandlers": ("disable_event_handlers", boolean),
    "execvaluevariable": ("execution_value_variable", _text),
    "failpackageonfailure": ("fail_package_on_failure", boolean),
    "failparentonfailure": ("fail_parent_on_failure", boolean),
    "forcedexecutionvalue": ("forced_execution_value", _text),
    "forceexecutionresult": ("force_execution_result", _forced),
    "forceexecutionvalue": ("force_execution_value", boolean),
    "isolationlevel": ("isolation_level", _whole),
    "localeid": ("locale_id", _locale),
    "maximumerrorcount": ("max_error_count", _count),
    "transactionoption": ("transaction_option", _transaction),
}

HANDLER: Final = frozenset(
    "delayvalidation description disable disabled isolationlevel localeid transactionoption".split()
)
"""The properties of event handlers that the engine applies, or that have no effect on its run."""

PACKAGE: Final[Mapping[str, Parse]] = {
    "checkpointfilename": _text,
    "checkpointusage": _usage,
    "maxconcurrentexecutables": _whole,
    "savecheckpoints": boolean,
}
"""How the values of properties are read that only packages have."""

DATA: Final[Mapping[type, Table]] = {
    ForLoop: {
        "assignexpression": ("assign_expression", _text),
        "evalexpression": ("eval_expression", _text),
        "initexpression": ("init_expression", _text),
    },
    ExecuteSqlTask: {
        "bypassprepare": ("bypass_prepare", boolean),
        "codepage": ("code_page", _whole),
        "connection": ("connection", _text),
        "isstoredprocedure": ("is_stored_procedure", boolean),
        "resultsettype": ("result_type", one_of(RESULT_TYPES)),
        "sqlstatementsource": ("source", _text),
        "sqlstatementsourcetype": ("source_type", one_of(SQL_SOURCES)),
        "timeout": ("timeout", _count),
    },
    ExecutePackageTask: {
        "connection": ("connection", _text),
        "executeoutofprocess": ("execute_out_of_process", boolean),
        "packageid": ("package_id", _text),
        "packagename": ("package_name", _text),
        "packagenamefromprojectreference": ("package_name", _text),
        "useprojectreference": ("use_project_reference", boolean),
        "versionid": ("version_id", _text),
    },
    ExecuteProcessTask: {
        "arguments": ("arguments", _text),
        "executable": ("executable", _text),
        "failtaskifreturncodeisnotsuccessvalue": ("fail_on_other_return_code", boolean),
        "requirefullfilename": ("require_full_file_name", boolean),
        "standarderrorvariable": ("standard_error_variable", _text),
        "standardinputvariable": ("standard_input_variable", _text),
        "standardoutputvariable": ("standard_output_variable", _text),
        "successvalue": ("success_value", _whole),
        "terminateprocessaftertimeout": ("terminate_after_timeout", boolean),
        "timeout": ("timeout", _count),
        "windowstyle": ("window_style", _text),
        "workingdirectory": ("working_directory", _text),
    },
    FileSystemTask: {
        "attributes": ("file_attributes", _text),
        "destination": ("destination", _text),
        "isdestinationpathvariable": ("destination_is_variable", boolean),
        "issourcepathvariable": ("source_is_variable", boolean),
        "operation": ("operation", one_of(FILE_OPERATIONS)),
        "overwritedestinationfile": ("overwrite", boolean),
        "source": ("source", _text),
        "usedirectoryifexists": ("overwrite", boolean),
    },
    SendMailTask: {
        "bcc": ("bcc", _text),
        "bccline": ("bcc", _text),
        "cc": ("cc", _text),
        "ccline": ("cc", _text),
        "fileattachments": ("attachments", _files),
        "fromline": ("sender", _text),
        "messagesource": ("source", _text),
        "messagesourcetype": ("source_type", one_of(MAIL_SOURCES)),
        "priority": ("priority", one_of(PRIORITIES)),
        "smtpconnection": ("smtp_server", _text),
        "subject": ("subject", _text),
        "toline": ("to", _text),
    },
    ScriptTask: {
        "readonlyvariables": ("read_only_variables", _names),
        "readwritevariables": ("read_write_variables", _names),
    },
    ExpressionTask: {"expression": ("expression", _text)},
    FtpTask: {
        "connection": ("connection", _text),
        "islocalpathvariable": ("local_path_is_variable", boolean),
        "isremotepathvariable": ("remote_path_is_variable", boolean),
        "istransferascii": ("ascii", boolean),
        "istransfertypeascii": ("ascii", boolean),
        "localpath": ("local_path", _text),
        "operation": ("operation", one_of(FTP_OPERATIONS)),
        "remotepath": ("remote_path", _text),
    },
    BulkInsertTask: {
        "destinationconnection": ("destination_connection", _text),
        "destinationtablename": ("destination_table", _text),
        "fieldterminator": ("field_terminator", _text),
        "rowterminator": ("row_terminator", _text),
        "sourceconnection": ("source_connection", _text),
    },
    Pipeline: {
        "autoadjustbuffersize": ("auto_adjust_buffer_size", boolean),
        "defaultbuffermaxrows": ("buffer_max_rows", _count),
        "defaultbuffersize": ("buffer_size", _count),
        "enginethreads": ("engine_threads", _count),
        "runinoptimizedmode": ("run_in_optimized_mode", boolean),
    },
    FileEnumerator: {
        "directory": ("folder", _text),
        "filenameretrieval": ("name_retrieval", _count),
        "filespec": ("file_spec", _text),
        "recurse": ("recurse", boolean),
    },
    AdoEnumerator: {
        "dataobjectvariable": ("variable", _text),
        "type": (
            "enumeration",
            one_of(dict(enumerate("EnumerateTables EnumerateAllRows EnumerateRowsInFirstTable".split()))),
        ),
    },
    VariableEnumerator: {"variablename": ("variable", _text)},
    SchemaRowsetEnumerator: {"connection": ("connection", _text), "schemarowset": ("schema", _text)},
    NodeListEnumerator: {
        "enumerationtype": (
            "enumeration_type",
            one_of(dict(enumerate("Navigator Node NodeText ElementCollection".split()))),
        ),
        "innerxpathstring": ("inner_xpath", _text),
        "outerxpathstring": ("outer_xpath", _text),
        "sourcedocument": ("source_document", _text),
        "sourcetype": ("source_type", one_of(dict(enumerate("FileConnection Variable DirectInput".split())))),
    },
    SmoEnumerator: {"enumurn": ("urn", _text)},
}
"""The properties of each type of task, loop and enumerator."""

_XML_OPERATIONS: Final = dict(enumerate("Validate XSLT XPATH Merge Diff Patch".split()))
_XPATH_OPERATIONS: Final = dict(enumerate("Evaluation Values NodeList".split()))
_OVERWRITE: Final = ("TaskOverwriteDest", boolean)

STORED: Final[Mapping[type, Table]] = {
    FtpTask: {
        "overwritefileatdestination": _OVERWRITE,
        "overwritefileatdest": _OVERWRITE,
        "overwritedestination": _OVERWRITE,
        "stoponoperationfailure": ("TaskStopOnOperationFailure", boolean),
    },
    BulkInsertTask: {
        "batchsize": ("BatchSize", _count),
        "checkconstraints": ("CheckConstraints", boolean),
        "codepage": ("CodePage", _text),
        "datafiletype": ("DataFileType", _text),
        "firetriggers": ("FireTriggers", boolean),
        "firstrow": ("FirstRow", _count),
        "keepidentity": ("KeepIdentity", boolean),
        "keepnulls": ("KeepNulls", boolean),
        "lastrow": ("LastRow", _count),
        "maximumerrors": ("MaximumErrors", _count),
        "sorteddata": ("SortedData", _text),
        "tablelock": ("TableLock", boolean),
    },
    OtherTask: {
        "destination": ("Destination", _text),
        "failonvalidationfail": ("FailOnValidationFail", boolean),
        "operationtype": ("OperationType", one_of(_XML_OPERATIONS)),
        "overwritedestination": ("OverwriteDestination", boolean),
        "saveoperationresult": ("SaveOperationResult", boolean),
        "secondoperand": ("SecondOperand", _text),
        "source": ("Source", _text),
        "validationtype": ("ValidationType", one_of(dict(enumerate(("DTD", "XSD"))))),
        "xpathoperation": ("XPathOperation", one_of(_XPATH_OPERATIONS)),
    },
}
"""The properties that tasks keep by their stored names: the name, and how its value is read. OtherTask is XML."""
_SAME: Final[Mapping[str, str]] = {"maxerrors": "maximumerrors"}
"""Stored names of one property."""


def with_container_property(container: DtsContainer, name: str, value: Any) -> DtsContainer | None:
    """Return a container with another value of a property that all containers have; None for another property.

    :raises ValueError: the value is not one of the property.
    """
    found = CONTAINER.get(name.lower())
    return None if found is None else replace(container, **{found[0]: found[1](value)})


def with_data_property(data: ContainerData | Enumerator, name: str, value: Any) -> Any:
    """Return the data of a task, loop or enumerator with another value of a property.

    :param name: the property: ``SqlStatementSource``; of a component of a data flow: ``[Lookup].[SqlCommand]``;
        of an output, input or column of it: ``[Split].[Errors].[FriendlyExpression]``.
    :raises UnknownProperty: there is no such property, or the engine cannot set it.
    :raises ValueError: the value is not one of the property.
    """
    if isinstance(data, Pipeline) and (names := component_names(name)):
        changed = changed_flow(data, names, _text(value))
        if changed is None:
            raise UnknownProperty(f"the data flow has no property {name.strip()}")
        return changed
    found = DATA.get(type(data), {}).get(name.lower())
    if found is not None:
        return replace(data, **{found[0]: found[1](value)})  # type: ignore[type-var]  # all of the table are dataclasses
    stored = STORED.get(type(data), {}).get(name.lower())
    if stored is not None and isinstance(data, (FtpTask, BulkInsertTask)):
        return replace(data, properties=_with_stored(data.properties, stored[0], stored[1](value)))
    if stored is not None and isinstance(data, OtherTask) and data.data is not None:
        attributes = _with_stored(data.data.attributes, stored[0], stored[1](value))
        return replace(data, data=replace(data.data, attributes=attributes))
    if isinstance(data, OtherEnumerator):
        return replace(data, properties=_with_stored(data.properties, name, value))
    raise UnknownProperty(f"it has no property {name} that the engine can set")


def is_of_component(data: ContainerData | Enumerator, name: str) -> bool:
    """Return whether a property expression of a Data Flow task sets a property in the data flow.

    The Data Flow task evaluates these expressions itself.
    """
    return isinstance(data, Pipeline) and name.lstrip().startswith("[")


def can_set(data: ContainerData | Enumerator, name: str) -> bool:
    """Return whether :func:`with_data_property` knows a property."""
    if isinstance(data, Pipeline) and (names := component_names(name)):
        return changed_flow(data, names, "") is not None
    if isinstance(data, OtherEnumerator):
        return True
    if isinstance(data, OtherTask) and data.data is None:
        return False
    return name.lower() in DATA.get(type(data), {}) or name.lower() in STORED.get(type(data), {})


def with_enumerator_property(loop: ForeachLoop, name: str, value: Any) -> ForeachLoop:
    """Return a Foreach loop with another value of a property of its enumerator.

    :raises ValueError: as for :func:`with_data_property`.
    """
    if loop.enumerator is None:
        raise UnknownProperty("the loop has no enumerator")
    return replace(loop, enumerator=with_data_property(loop.enumerator, name, value))


def _with_stored(found: Mapping[str, str], name: str, value: Any) -> dict[str, str]:
    """Return stored properties with another value of one, which replaces all forms of its name."""
    return {key: text for key, text in found.items() if _meaning(key) != _meaning(name)} | {name: _text(value)}


def _meaning(name: str) -> str:
    lower = name.lower()
    # The task reads these two by a part of their names, which differ between versions.
    return next((part for part in ("overwrite", "stop") if part in lower), _SAME.get(lower, lower))

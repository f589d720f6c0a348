"""Finds names and values in the stored data of tasks and loops that the engine would ignore or read as something else.

Source of the names: packages of formats 2 to 8, and the pages of the tasks on Microsoft Learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.dts import DtsContents
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.containers import ContainerData, DtsContainer, DtsEventHandler
from airflow_provider_ssis.project.package.elements import BOOLEANS, attributes, local_name
from airflow_provider_ssis.project.package.loops import ForeachLoop
from airflow_provider_ssis.project.package.stored import (
    FILE_SYSTEM_TASK,
    FTP_TASK,
    PACKAGE_TASK,
    PROCESS_TASK,
    SEND_MAIL_TASK,
    SQL_TASK,
    Stored,
)

if TYPE_CHECKING:
    from lxml.etree import _Element

_CORRECT: Final = "Open the package in Visual Studio, correct it, and save it again."
_REMOVE: Final = "Remove it, or run the package on a server."


@dataclass(frozen=True, slots=True)
class _Names:
    """What the engine knows of an element.

    :param known: attributes that the engine applies, checks elsewhere, or that have no effect.
    :param values: for other attributes, the supported values in lower case.
    :param children: the elements inside by name.
    :param texts: elements inside that contain only a text: their names.
    """

    known: frozenset[str] = frozenset()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    children: Mapping[str, _Names] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()


def _of(table: tuple[Stored, ...], *more: str, **children: _Names) -> _Names:
    """Return the names of a task's table; its Booleans have the values of Booleans."""
    flags = {one.name for one in table if isinstance(one.default, bool)}
    known = frozenset({one.name for one in table} - flags) | frozenset(more)
    return _Names(known, dict.fromkeys(flags, BOOLEANS), children)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FLAGS_OF_BULK_INSERT: Final = _words("TableLock CheckConstraints FireTriggers KeepIdentity KeepNulls")
_PACKAGE_FLAGS: Final = frozenset(one.name for one in PACKAGE_TASK if isinstance(one.default, bool))
_ASSIGNMENT: Final = _words("ParameterName BindedVariableOrParameterName")
_OPERATION: Final = ("TaskOperationName", "OperationName")
"""The operation in the language of the designer, in addition to its name."""
_TASKS: Final[Mapping[str, _Names]] = {
    "SqlTaskData": _Names(
        _of(SQL_TASK).known,
        {**_of(SQL_TASK).values, "TypeConversionMode": ("allowed", "none")},
        {
            "ParameterBinding": _Names(
                _words("ParameterName DtsVariableName ParameterDirection DataType ParameterSize")
            ),
            "ResultBinding": _Names(_words("ResultName DtsVariableName")),
        },
    ),
    "ExecutePackageTask": _Names(
        # EncryptedData takes the place of the password where a password protects the package.
        texts=frozenset(one.name for one in PACKAGE_TASK) | {"PackagePassword", "EncryptedData"},
        children={"ParameterAssignment": _Names(_ASSIGNMENT, texts=_ASSIGNMENT)},
    ),
    "ExecuteProcessData": _of(PROCESS_TASK),
    "FileSystemData": _of(FILE_SYSTEM_TASK, *_OPERATION),
    "SendMailTaskData": _of(
        SEND_MAIL_TASK, "Attachments", "FileAttachments", Attachments=_Names(frozenset({"FileName"}))
    ),
    "FtpData": _Names(
        _of(FTP_TASK, *_OPERATION).known,
        {
            **_of(FTP_TASK).values,
            **dict.fromkeys(
                _words(
                    "TaskOverwriteDest TaskOverwriteDestFile TaskOverwriteFileAtDest OverwriteFileAtDest"
                    " OverwriteFileAtDestination OverwriteDestination"
                    " TaskStopOnOperationFailure StopOnOperationFailure TaskStopOnFailure"
                ),
                BOOLEANS,
            ),
        },
    ),
    "ExpressionTask": _Names(frozenset({"Expression"})),
    "XMLTaskData": _Names(
        _words(
            "OperationType Source SourceType SecondOperand SecondOperandType Destination DestinationType"
            " XPathOperation PutResultInOneNode ValidationType"
            " DiffAlgorithm DiffOptions DiffGramSave DiffGramDestination DiffGramDestinationType"
            " FailOnDifference SaveDiffGram OverwriteDiffGram OverwriteDiffGramDestination"
        ),
        {
            **dict.fromkeys(("SaveOperationResult", "OverwriteDestination", "FailOnValidationFail"), BOOLEANS),
            # The result has another form with these.
            **dict.fromkeys(("ValidationDetails", "EnableValidationDetails"), ("false", "0")),
        },
    ),
    "BulkInsertTaskData": _Names(values=dict.fromkeys(_FLAGS_OF_BULK_INSERT, BOOLEANS)),
}
"""The data of each task. The Bulk Insert task refuses its unknown properties itself."""
_OPEN: Final = frozenset({"BulkInsertTaskData"})
_ENUMERATORS: Final[Mapping[str, _Names]] = {
    "ForEachFileEnumeratorProperties": _Names(
        children={
            "FEFEProperty": _Names(_words("Folder FileSpec FileNameRetrievalType"), {"Recurse": BOOLEANS}),
        }
    ),
    "FEIEItems": _Names(
        children={"FEIEItem": _Names(children={"FEIEItemValue": _Names(frozenset({"Type", "Value"}))})}
    ),
    "FEEADO": _Names(_words("EnumType VarName")),
    "FEEFVE": _Names(frozenset({"VariableName"})),
}
"""The data of enumerators; the others refuse their properties themselves."""
_OFF: Final = ("false", "0")
_OF_HANDLERS: Final = {
    "FailPackageOnFailure": _OFF,
    "FailParentOnFailure": _OFF,
    "ForceExecValue": _OFF,
    "ForceExecutionResult": ("-1",),
}
_NODE_LIST: Final = _words(
    "EnumerationType SourceType SourceDocument OuterXPathSourceType OuterXPathString InnerElementType"
    " InnerXPathSourceType InnerXPathString"
)

_PROPERTY_MAPPINGS: Final = tuple(
    f"{parent}{DTS}ForEachPropertyMapping"
    for parent in ("", f"{DTS}ForEachPropertyMappings/", f"{DTS}ForEachEnumerator/")
)


def ignored_names(container: DtsContainer, data: ContainerData) -> Iterator[Refusal]:
    """Yield what a task or loop stores and the engine would ignore.

    :param container: the task or loop, which is not disabled.
    :param data: its data.
    """
    if isinstance(data, ForeachLoop):
        yield from _of_loop(container)
        return
    for element in container.element.iterfind(f"{DTS}ObjectData/*"):
        name = local_name(element)
        known = _TASKS.get(name)
        if known is None:
            continue
        yield from _element(container.path, "", element, known, is_open=name in _OPEN)
        if name == "ExecutePackageTask":
            for child in element:
                text = (child.text or "").strip()
                if local_name(child) in _PACKAGE_FLAGS and text and text.lower() not in BOOLEANS:
                    yield _wrong(container.path, f"the property {local_name(child)}", text, "it is not a Boolean")


def ignored_of_handler(handler: DtsEventHandler) -> Iterator[Refusal]:
    """Yield what an event handler stores and the engine would ignore: its result has no effect on its owner.

    :param handler: the event handler, which is not disabled.
    """
    stored = DtsContents(handler.element)
    locale = stored.text("LocaleID").strip()
    if locale and not locale.removeprefix("-").isdecimal():
        yield _wrong(handler.path, "the property LocaleID", locale, "it is not a whole number")
    for name, values in _OF_HANDLERS.items():
        text = stored.text(name).strip()
        if text and text.lower() not in values:
            why = "the engine does not apply it to event handlers"
            yield Refusal(handler.path, f"the property {name} with the value {text!r}", why, _REMOVE)
    inner = [DtsContents(one) for one in stored.members("EventHandlers", "EventHandler")]
    if any(not one.flag("Disabled") and one.members("Executables", "Executable") for one in inner):
        why = "the engine runs no event handlers of event handlers"
        yield Refusal(
            handler.path, "its event handlers", why, "Put the tasks into a sequence, and move the handlers to it."
        )


def _of_loop(container: DtsContainer) -> Iterator[Refusal]:
    if any(container.element.find(path) is not None for path in _PROPERTY_MAPPINGS):
        why = "the engine maps the values of a loop to variables only"
        advice = "Map the value to a variable, and use a property expression."
        yield Refusal(container.path, "the property mapping of the loop", why, advice)
    for element in container.element.iterfind(f"{DTS}ForEachEnumerator/{DTS}ObjectData/*"):
        name = local_name(element)
        if name in _ENUMERATORS:
            yield from _element(container.path, " of the enumerator", element, _ENUMERATORS[name])
        elif name == "FEENODELIST":
            for one in element.iter("*"):
                yield from _element(container.path, " of the enumerator", one, _Names(_NODE_LIST), is_leaf=False)


def _element(
    path: str, of_part: str, element: _Element, known: _Names, *, is_open: bool = False, is_leaf: bool = True
) -> Iterator[Refusal]:
    for name, text in attributes(element).items():
        value = text.strip()
        if not value or name in known.known or name == "space":
            continue
        values = known.values.get(name)
        if values is not None:
            if value.lower() not in values:
                why = "it is not a Boolean" if values is BOOLEANS else f"the engine supports {', '.join(values)}"
                yield _wrong(path, f"the property {name}{of_part}", value, why)
        elif not is_open:
            yield Refusal(path, f"the property {name}{of_part}", "the engine does not know this property", _REMOVE)
    for child in element if is_leaf else ():
        name = local_name(child)
        if name in known.children:
            yield from _element(path, of_part, child, known.children[name])
        elif name not in known.texts and not is_open and _has_content(child):
            yield Refusal(path, f"the element {name}{of_part}", "the engine does not know this element", _REMOVE)


def _has_content(element: _Element) -> bool:
    return any(
        (one.text or "").strip() or any(value.strip() for value in attributes(one).values())
        for one in element.iter("*")
    )


def _wrong(path: str, what: str, value: str, why: str) -> Refusal:
    return Refusal(path, f"{what} with the value {value!r}", why, _CORRECT)

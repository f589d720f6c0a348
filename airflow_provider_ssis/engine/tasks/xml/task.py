"""The XML task: validation, XSLT and XPath.

Source: Microsoft Learn, "XML Task". Merge, Diff and Patch work with Microsoft's diffgrams and are refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.tasks.files import read_bytes
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.engine.tasks.xml.documents import document_of, evaluate
from airflow_provider_ssis.project.package.elements import is_true
from airflow_provider_ssis.project.package.tasks import OtherTask

if TYPE_CHECKING:
    from lxml.etree import _Element

_OPERATIONS = ("Validate", "XSLT", "XPATH")
_DIFFGRAM = "the diffgrams of Microsoft's XmlDiff have no public description and no counterpart here"
_REASONS = {
    "Merge": "where Microsoft's task puts the nodes of the second document is not documented",
    "Diff": _DIFFGRAM,
    "Patch": _DIFFGRAM,
}
_TYPES = ("DirectInput", "Variable", "FileConnection")
_DEFAULTS = {
    "SourceType": "FileConnection",
    "SecondOperandType": "DirectInput",
    "DestinationType": "FileConnection",
    "XPathOperation": "Evaluation",
    "ValidationType": "XSD",
}
"""What a property without a stored value means: since format 6 files leave out the defaults of the class."""
_INVALID = 0xC002926D
_INVALID_WARNING = 0x8002928D
_NO_FILE = 0xC002928E
_EMPTY = 0xC002928F
_EXISTS = 0xC0029290
_NOT_FILE = 0xC0029263
_XPATH = 0xC002926B


class XmlTask(Task):
    """Validates a document, transforms it, or evaluates an XPath expression."""

    data: OtherTask

    def refusals(self, options: RunOptions) -> Iterator[Refusal]:
        """Yield the operations that are not supported, and operands of unknown types."""
        where = self.container.path
        operation = self._text("OperationType")
        if operation not in _OPERATIONS:
            what = f"the operation {operation or 'without a stored name'} of an XML task"
            why = _REASONS.get(operation, f"only {', '.join(_OPERATIONS)} are supported")
            yield Refusal(where, what, why, "Use a Script task.")
            return
        for name in ("SourceType", *(("SecondOperandType",) if self._text("SecondOperand") else ())):
            if self._text(name) not in _TYPES:
                yield Refusal(where, f"the {name} {self._text(name)!r}", f"the types are {', '.join(_TYPES)}")
        saves = is_true(self._text("SaveOperationResult"))
        if saves and self._text("DestinationType") not in ("Variable", "FileConnection"):
            what = f"the DestinationType {self._text('DestinationType')!r}"
            yield Refusal(where, what, "the types are Variable, FileConnection")
        if operation == "XPATH" and self._text("XPathOperation") != "Evaluation":
            what = f"the XPath operation {self._text('XPathOperation')}"
            yield Refusal(where, what, "only Evaluation is supported", "Use a Foreach loop over nodes.")
        if operation == "Validate" and self._text("ValidationType") not in ("DTD", "XSD"):
            yield Refusal(where, f"the validation type {self._text('ValidationType')}", "the types are DTD and XSD")

    def run(self, context: TaskContext) -> str:
        """Perform the operation, and save its result.

        :returns: the result as text.
        """
        document = document_of(self._operand(context, "Source"), "The source of the task", _EMPTY)
        operation = self._text("OperationType")
        result: bytes | str
        if operation == "Validate":
            result = self._validated(context, document)
        elif operation == "XSLT":
            result = self._transformed(context, document)
        else:
            result = _text(evaluate(document, self._expression(context), _XPATH))
        if is_true(self._text("SaveOperationResult")):
            self._save(context, result)
        return result if isinstance(result, str) else result.decode("utf-8", errors="replace")

    def _text(self, name: str) -> str:
        stored = "" if self.data.data is None else self.data.data.attributes.get(name, "").strip()
        return stored or _DEFAULTS.get(name, "")

    def _operand(self, context: TaskContext, name: str) -> object:
        kind, text = self._text(f"{name}Type"), self._text(name)
        if kind == "Variable":
            return context.read(text)
        if kind == "FileConnection":
            return read_bytes(self._path(context, text), _NO_FILE)
        if not text:
            raise TaskFailure(f"The property {name} of the XML task is empty. Set it.", _EMPTY)
        return text

    def _path(self, context: TaskContext, reference: str) -> Path:
        manager = context.connections.get(reference)
        if manager.kind != "FILE":
            raise TaskFailure(f'The connection manager "{manager.name}" is not a FILE connection.', _NOT_FILE)
        return context.connections.path(manager.connection_string)

    def _expression(self, context: TaskContext) -> str:
        given = self._operand(context, "SecondOperand")
        return given.decode("utf-8-sig", errors="replace").strip() if isinstance(given, bytes) else str(given)

    def _second(self, context: TaskContext, what: str) -> _Element:
        from lxml import etree

        if self._text("SecondOperandType") == "FileConnection":
            # With the path of the file, from which includes and imports are found.
            path = self._path(context, self._text("SecondOperand"))
            read_bytes(path, _NO_FILE)
            try:
                return etree.parse(path, etree.XMLParser(resolve_entities="internal", no_network=True)).getroot()
            except etree.XMLSyntaxError as error:
                raise TaskFailure(f"{what} {path} is not well-formed XML: {error.msg}.", _EMPTY) from None
        return document_of(self._operand(context, "SecondOperand"), what, _EMPTY)

    def _validated(self, context: TaskContext, document: _Element) -> str:
        from lxml import etree

        validator: Any
        try:
            if self._text("ValidationType") == "XSD":
                validator = etree.XMLSchema(self._second(context, "The schema"))
            else:
                validator = self._dtd(context, document)
            is_valid = validator.validate(document)
        except (etree.XMLSchemaError, etree.DTDError) as error:
            raise TaskFailure(f"The schema or DTD is not valid: {error}.", _INVALID) from None
        if not is_valid:
            first = next(iter(validator.error_log), None)
            reason = "" if first is None else f" Line {first.line}: {first.message}"
            if is_true(self._text("FailOnValidationFail")):
                raise TaskFailure(f"The document is not valid.{reason}", _INVALID)
            context.warning(f"The document is not valid.{reason}", _INVALID_WARNING)
        return str(is_valid).lower()

    def _dtd(self, context: TaskContext, document: _Element) -> Any:
        import io

        from lxml import etree

        if self._text("SecondOperand"):
            given = self._operand(context, "SecondOperand")
            data = given if isinstance(given, bytes) else str(given).encode()
            return etree.DTD(io.BytesIO(data))
        found = document.getroottree().docinfo.internalDTD
        if found is None:
            raise TaskFailure("The document has no DTD, and the task names none.", 0xC002926C)
        return found

    def _transformed(self, context: TaskContext, document: _Element) -> bytes | str:
        from lxml import etree

        try:
            transform = etree.XSLT(
                self._second(context, "The style sheet"), access_control=etree.XSLTAccessControl.DENY_ALL
            )
            result: Any = transform(document)
        except etree.XSLTError as error:
            raise TaskFailure(f"The transformation failed: {error}.", 0xC002926A) from None
        return bytes(result) if self._text("DestinationType") == "FileConnection" else str(result)

    def _save(self, context: TaskContext, result: bytes | str) -> None:
        kind, target = self._text("DestinationType"), self._text("Destination")
        overwrites = is_true(self._text("OverwriteDestination"))
        if kind == "Variable":
            if not overwrites and str(context.read(target) or ""):
                raise TaskFailure(
                    f"The variable {target} has a value already. Set OverwriteDestination to True.", 0xC0029277
                )
            context.write(target, result if isinstance(result, str) else result.decode("utf-8", errors="replace"))
            return
        path = self._path(context, target)
        data = result if isinstance(result, bytes) else result.encode("utf-8")
        try:
            with path.open("wb" if overwrites else "xb") as file:
                file.write(data)
        except FileExistsError:
            raise TaskFailure(f"The file {path} exists already. Set OverwriteDestination to True.", _EXISTS) from None
        except OSError as error:
            raise TaskFailure(f"The file {path} cannot be written: {error.strerror}.") from None


def _text(value: object) -> str:
    """The value of an XPath expression as text, as XPath's own function ``string`` has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        if not math.isfinite(value):
            return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    if isinstance(value, list):
        if not value:
            return ""
        first = value[0]
        return str(first) if isinstance(first, str) else "".join(first.itertext())
    return str(value)

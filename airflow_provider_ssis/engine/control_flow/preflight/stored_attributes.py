"""Refuses properties and elements of executables, variables and other DTS elements that the engine would ignore.

Source of the names: packages of formats 2 to 8, and Microsoft's object model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.dts import members
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.containers import DtsContainer, DtsEventHandler
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.package.elements import local_name

if TYPE_CHECKING:
    from lxml.etree import _Element

_REMOVE: Final = "Remove it, or run the package on a server."
_PROPERTY: Final = f"{DTS}Property"
_XML: Final = "{http://www.w3.org/XML/1998/namespace}"


@dataclass(frozen=True, slots=True)
class _Known:
    """What the engine knows of an element.

    :param properties: the properties that it applies, checks elsewhere, or that have no effect on a run.
    :param off: properties that may be stored only with a value that changes nothing: False.
    :param children: the elements inside, by name.
    """

    properties: frozenset[str]
    off: frozenset[str] = frozenset()
    children: frozenset[str] = field(default_factory=frozenset)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OBJECT: Final = _words("refId ObjectName DTSID Description CreationName")
_EXPRESSIONS: Final = frozenset({"PropertyExpression"})
_CONTAINER: Final = _Known(
    _OBJECT
    | _words(
        "ExecutableType Disabled DelayValidation DisableEventHandlers FailPackageOnFailure FailParentOnFailure"
        " MaxErrorCount ForceExecutionResult ForceExecValue ExecValue ExecValueType ExecValueVariable"
        " TransactionOption ISOLevel LocaleID LoggingMode"
    )
    # These have no effect on a run.
    | _words(
        "ThreadHint TaskContact ExecutionLocation ExecutionAddress LockName DebugMode SuspendRequired CreationDate"
    ),
    children=_EXPRESSIONS
    | _words(
        "Property Variables Variable LoggingOptions Executables Executable PrecedenceConstraints PrecedenceConstraint"
        " EventHandlers EventHandler ObjectData PackageVariable"
    ),
)
_PACKAGE: Final = _Known(
    _CONTAINER.properties
    | _words("MaxConcurrentExecutables SaveCheckpoints CheckpointUsage CheckpointFileName EnableConfig")
    # These have no effect on a run.
    | _words(
        "PackageFormatVersion PackageType ProtectionLevel PackagePriorityClass SuppressConfigurationWarnings"
        " VersionMajor VersionMinor VersionBuild VersionGUID VersionComments LastModifiedProductVersion"
        " CreatorName CreatorComputerName DumpDescriptor DumpOnAnyError DumpOnCodes EnableDump UpdateObjects"
        " CheckSignatureOnLoad CertificateContext InteractiveMode OfflineMode"
    ),
    off=_words("EncryptCheckpoints IgnoreConfigurationsOnLoad SafeRecursiveProjectPackageExecution"),
    children=_CONTAINER.children
    | _words(
        "ConnectionManagers ConnectionManager Configurations Configuration LogProviders LogProvider PackageParameters"
        " DesignTimeProperties"
    ),
)
_LOOP: Final = _Known(
    _CONTAINER.properties
    | _words("MaxConcurrent MaxConcurrentExecutables InitExpression EvalExpression AssignExpression"),
    children=_CONTAINER.children
    | _words(
        "ForEachEnumerator ForEachVariableMappings ForEachVariableMapping ForEachPropertyMappings"
        " ForEachPropertyMapping"
    ),
)
_HANDLER: Final = _Known(_CONTAINER.properties | _words("EventName EventID"), children=_CONTAINER.children)
_KINDS: Final[Mapping[str, _Known]] = {"PACKAGE": _PACKAGE, "FOR_LOOP": _LOOP, "FOREACH_LOOP": _LOOP}
_VARIABLE: Final = _Known(
    _OBJECT
    | _words("Namespace EvaluateAsExpression Expression ReadOnly RaiseChangedEvent IncludeInDebugDump DataType"),
    children=_EXPRESSIONS | {"Property", "VariableValue"},
)
_VARIABLE_VALUE: Final = _Known(_words("DataType DataSubType"))
_CONSTRAINT: Final = _Known(
    _OBJECT | _words("From To Value EvalOp LogicalAnd Expression"),
    children=_EXPRESSIONS | {"Property", "Executable", "DesignTimeProperties"},
)
_ENUMERATOR: Final = _Known(
    _OBJECT, children=_EXPRESSIONS | _words("Property ObjectData ForEachPropertyMappings ForEachPropertyMapping")
)
_MAPPING: Final = _Known(_OBJECT | _words("VariableName ValueIndex"), children=frozenset({"Property"}))
_PARAMETER: Final = _Known(
    _OBJECT | _words("DataType Required Sensitive ParameterValue DefaultValue IncludeInDebugDump"),
    children=frozenset({"Property"}),
)
_CONFIGURATION: Final = _Known(
    _OBJECT | _words("ConfigurationString ConfigurationType ConfigurationVariable"), children=frozenset({"Property"})
)
_MANAGER: Final = _Known(
    _OBJECT | _words("DelayValidation ProtectionLevel ConnectByProxy"),
    children=_EXPRESSIONS | {"Property", "ObjectData"},
)
_COLUMN: Final = _Known(
    _OBJECT
    | _words("ColumnType ColumnDelimiter ColumnWidth MaximumWidth DataType DataPrecision DataScale TextQualified"),
    children=_EXPRESSIONS | {"Property"},
)
_CACHE_COLUMN: Final = _Known(
    _OBJECT | _words("DataType Length Precision Scale CodePage IndexPosition"), children=frozenset({"Property"})
)


def ignored_of_executable(owner: DtsContainer | DtsEventHandler) -> Iterator[Refusal]:
    """Yield what an executable or event handler stores and the engine would ignore.

    :param owner: the executable, which is not disabled.
    """
    known = _HANDLER if isinstance(owner, DtsEventHandler) else _KINDS.get(owner.kind.name, _CONTAINER)
    yield from _ignored(owner.path, "", owner.element, known)
    for variable in owner.variables:
        whose = f" of the variable {variable.qualified_name}"
        yield from _ignored(owner.path, whose, variable.element, _VARIABLE)
        for value in variable.element.iterfind(f"{DTS}VariableValue"):
            yield from _attributes(owner.path, f" of the value{whose}", value, _VARIABLE_VALUE)
    for constraint in owner.constraints:
        whose = f" of the precedence constraint to {constraint.target}"
        yield from _ignored(owner.path, whose, constraint.element, _CONSTRAINT)
    for enumerator in owner.element.iterfind(f"{DTS}ForEachEnumerator"):
        yield from _ignored(owner.path, " of the enumerator", enumerator, _ENUMERATOR)
    for mapping in members(owner.element, "ForEachVariableMappings", "ForEachVariableMapping"):
        yield from _ignored(owner.path, " of a variable mapping", mapping, _MAPPING)


def ignored_of_package(package: DtsPackage) -> Iterator[Refusal]:
    """Yield what the parameters and configurations of a package store and the engine would ignore."""
    path = package.container.path
    for parameter in package.parameters:
        yield from _ignored(path, f" of the parameter {parameter.name}", parameter.element, _PARAMETER)
    for one in package.configurations if package.enable_configurations else ():
        yield from _ignored(path, f" of the configuration {one.name}", one.element, _CONFIGURATION)


def ignored_of_manager(where: str, manager: DtsConnectionManager) -> Iterator[Refusal]:
    """Yield what a connection manager and its columns store and the engine would ignore.

    :param where: its path.
    :param manager: the connection manager; the properties of its type are checked elsewhere.
    """
    yield from _ignored(where, "", manager.element, _MANAGER)
    for column in manager.columns:
        yield from _ignored(where, f" of the column {column.name!r}", column.element, _COLUMN)
    for cached in manager.cache_columns:
        yield from _ignored(where, f" of the column {cached.name!r}", cached.element, _CACHE_COLUMN)


def _ignored(where: str, whose: str, element: _Element, known: _Known) -> Iterator[Refusal]:
    yield from _attributes(where, whose, element, known)
    for child in element:
        name = local_name(child)
        if child.tag == _PROPERTY:
            yield from _property(where, whose, child.get(f"{DTS}Name", ""), child, known)
        elif name not in known.children and _has_content(child):
            yield Refusal(where, f"the element {name}{whose}", "the engine does not know this element", _REMOVE)


def _property(where: str, whose: str, name: str, child: _Element, known: _Known) -> Iterator[Refusal]:
    text = "".join(str(part) for part in child.itertext())
    yield from _refused(where, whose, name, text, known)


def _attributes(where: str, whose: str, element: _Element, known: _Known) -> Iterator[Refusal]:
    for name, text in element.attrib.items():
        if not str(name).startswith(_XML):
            yield from _refused(where, whose, str(name).rpartition("}")[2], str(text), known)


def _refused(where: str, whose: str, name: str, text: str, known: _Known) -> Iterator[Refusal]:
    value = text.strip()
    if not value or name in known.properties:
        return
    if name not in known.off:
        yield Refusal(where, f"the property {name}{whose}", "the engine does not know this property", _REMOVE)
    elif value.lower() not in ("false", "0"):
        what = f"the property {name}{whose} with the value {value!r}"
        yield Refusal(where, what, "the engine does not apply it", _REMOVE)


def _has_content(element: _Element) -> bool:
    return any((one.text or "").strip() or one.attrib for one in element.iter("*"))

"""Strategies for XML that looks like SSIS files, but has elements and attributes in any place with any value."""

from __future__ import annotations

from hypothesis import strategies as st
from lxml import etree

from airflow_provider_ssis.project.namespaces import DTS, SSIS, XML_ENCRYPTION

_NSMAP = {
    "DTS": "www.microsoft.com/SqlServer/Dts",
    "SSIS": "www.microsoft.com/SqlServer/SSIS",
    "xenc": "http://www.w3.org/2001/04/xmlenc#",
}
_TAGS = [
    *(f"{DTS}{name}" for name in (
        "Executable", "Executables", "Property", "ConnectionManager", "ConnectionManagers", "ObjectData", "Variable",
        "Variables", "VariableValue", "PackageParameter", "PackageParameters", "PrecedenceConstraint",
        "ForEachEnumerator", "ForEachVariableMapping", "Configuration", "LogProvider", "LoggingOptions",
        "PrecedenceConstraints", "EventHandler", "EventHandlers", "Password",
    )),
    *(f"{SSIS}{name}" for name in (
        "Project", "Properties", "Property", "Packages", "Package", "ConnectionManagers", "ConnectionManager",
        "DeploymentInfo", "ProjectConnectionParameters", "PackageInfo", "PackageMetaData", "Parameters", "Parameter",
    )),
    f"{XML_ENCRYPTION}EncryptedData",
    *(
        "Project", "DeploymentModel", "DeploymentModelSpecificContent", "Manifest", "Configurations", "Configuration",
        "Name", "Options", "TargetServerVersion", "ParameterConfigurationValues", "ConfigurationSetting", "Id", "Value",
        "pipeline", "components", "component", "inputs", "input", "outputs", "output", "paths", "path",
        "property", "inputColumns", "inputColumn", "outputColumns", "outputColumn", "connections", "connection",
        "SqlTaskData", "ParameterBinding", "ScriptProject", "ProjectItem", "FEIEItems", "FEIEItem", "FEEADO",
        "ExecutePackageTask", "UseProjectReference", "PackageName", "ConnectionString", "DTSPackages",
        "DtsPackage", "FullPath", "ConfiguredValue",
    ),
]  # fmt: skip
_ATTRIBUTES = [
    *(f"{DTS}{name}" for name in (
        "Name", "ObjectName", "DTSID", "refId", "ExecutableType", "CreationName", "ProtectionLevel", "From", "To",
        "Value", "EvalOp", "LogicalAnd", "Expression", "EventName", "Disabled", "MaxErrorCount", "Namespace",
        "ForceExecutionResult", "Sensitive", "ConnectionString", "IsFrom", "DataType",
    )),
    *(f"{SSIS}{name}" for name in ("Name", "ProtectionLevel", "EntryPoint", "Sensitive", "Salt", "IV", "Algorithm")),
    *("Sensitive", "refId", "id", "name", "componentClassID", "startId", "endId", "IDREF", "ConnectionString"),
    *("lineageId", "dataType", "length", "isArray", "state", "TimeOut", "DataType", "Type"),
    "{http://www.w3.org/XML/1998/namespace}space",
]  # fmt: skip
_VALUES = st.sampled_from(
    [
        "", " ", "\n", "0", "1", "-1", "2", "5", "8", "99", "18", "True", "false", "preserve", "default", "Load.dtsx",
        "A", "B", "Package\\A", "Package\\B", "Mart.conmgr", "../x.dtsx", "Name", "ID", "Value", "DataType",
        "ObjectName", "PackageFormatVersion", "ProtectionLevel", "ParameterValue", "ConnectionString", "STOCK:SEQUENCE",
        "OnError",
        "DontSaveSensitive", "EncryptAllWithPassword", "SQLServer2019", "Project", "Project::A", "System", "Propagate",
        "AQAAANCMnd8BFdERjHoAwE/Cl+s", "9" * 30, "\u0660", "\u00a0",
    ]
) | st.text(st.characters(exclude_categories=["C"]), max_size=5)  # fmt: skip


@st.composite
def documents(draw: st.DrawFn, root: str | None = None) -> bytes:
    """A document of any such elements.

    :param root: the tag of the root element. Default: any.
    """
    element = etree.Element(root or draw(st.sampled_from(_TAGS)), nsmap=_NSMAP)
    _fill(draw, element, draw(st.integers(0, 5)))
    return etree.tostring(element, encoding="utf-8")


def _fill(draw: st.DrawFn, element: etree._Element, depth: int) -> None:
    for name in draw(st.lists(st.sampled_from(_ATTRIBUTES), max_size=4, unique=True)):
        element.set(name, draw(_VALUES))
    element.text = draw(st.none() | _VALUES)
    if depth:
        for tag in draw(st.lists(st.sampled_from(_TAGS), max_size=4)):
            _fill(draw, etree.SubElement(element, tag), depth - 1)

"""The XML of SSIS files, written from the project's models, as SQL Server 2016 and later write it (format 8)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.models import (
    ConnectionManager,
    ConstraintValue,
    DataFlow,
    EvalOp,
    EventHandler,
    Executable,
    ExecutableKind,
    Package,
    Parameter,
    ParameterValue,
    PrecedenceConstraint,
    Project,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

DTS_URI = "www.microsoft.com/SqlServer/Dts"
SSIS_URI = "www.microsoft.com/SqlServer/SSIS"
DTS = f"{{{DTS_URI}}}"
SSIS = f"{{{SSIS_URI}}}"

LEVEL_NAMES = (
    "DontSaveSensitive",
    "EncryptSensitiveWithUserKey",
    "EncryptSensitiveWithPassword",
    "EncryptAllWithPassword",
    "EncryptAllWithUserKey",
    "ServerStorage",
)
TYPE_CODES = {
    "Boolean": 3,
    "SByte": 5,
    "Byte": 6,
    "Int16": 7,
    "Int32": 9,
    "UInt32": 10,
    "Int64": 11,
    "UInt64": 12,
    "Single": 13,
    "Double": 14,
    "Decimal": 15,
    "DateTime": 16,
    "String": 18,
}
VARIANT_TYPES = {
    "Boolean": 11,
    "SByte": 16,
    "Byte": 17,
    "Int16": 2,
    "Int32": 3,
    "UInt32": 19,
    "Int64": 20,
    "UInt64": 21,
    "Single": 4,
    "Double": 5,
    "Decimal": 14,
    "DateTime": 7,
    "String": 8,
}


def manifest(project: Project) -> bytes:
    """``@Project.manifest``: no XML declaration, as Visual Studio writes it."""
    root = etree.Element(f"{SSIS}Project", nsmap={"SSIS": SSIS_URI})
    root.set(f"{SSIS}ProtectionLevel", LEVEL_NAMES[project.protection_level])
    properties: dict[str, object] = {
        "ID": project.id,
        "Name": project.name,
        "VersionMajor": project.version_major,
        "VersionMinor": project.version_minor,
        "VersionBuild": project.version_build,
        "VersionComments": project.version_comments,
        "CreationDate": "2020-01-01T00:00:00.0000000+00:00",
        "CreatorName": "",
        "CreatorComputerName": "",
        "Description": project.description,
    }
    if project.target_server_version is not None:
        properties["TargetServerVersion"] = project.target_server_version
    _properties(root, {**properties, "FormatVersion": project.format_version})
    packages = etree.SubElement(root, f"{SSIS}Packages")
    for package in project.packages:
        element = etree.SubElement(packages, f"{SSIS}Package")
        element.set(f"{SSIS}Name", package.name)
        element.set(f"{SSIS}EntryPoint", str(int(package.entry_point)))
    managers = etree.SubElement(root, f"{SSIS}ConnectionManagers")
    for manager in project.connection_managers:
        etree.SubElement(managers, f"{SSIS}ConnectionManager").set(f"{SSIS}Name", f"{manager.name}.conmgr")
    deployment = etree.SubElement(root, f"{SSIS}DeploymentInfo")
    connection_parameters = etree.SubElement(deployment, f"{SSIS}ProjectConnectionParameters")
    _parameters(connection_parameters, (one for one in project.parameters if one.name.startswith("CM.")))
    info = etree.SubElement(deployment, f"{SSIS}PackageInfo")
    for package in project.packages:
        metadata = etree.SubElement(info, f"{SSIS}PackageMetaData")
        metadata.set(f"{SSIS}Name", package.name)
        _properties(
            metadata,
            {
                "ID": package.id,
                "Name": package.name.removesuffix(".dtsx"),
                "VersionMajor": package.version_major,
                "VersionMinor": package.version_minor,
                "VersionBuild": package.version_build,
                "VersionComments": package.version_comments,
                "VersionGUID": package.version_guid,
                "PackageFormatVersion": package.format_version,
                "Description": package.description,
                "ProtectionLevel": int(package.protection_level),
            },
        )
        _parameters(etree.SubElement(metadata, f"{SSIS}Parameters"), package.parameters)
    return etree.tostring(root, encoding="utf-8")


def params(project: Project) -> bytes:
    """``Project.params``."""
    root = etree.Element(f"{SSIS}Parameters", nsmap={"SSIS": SSIS_URI})
    _parameters(root, (one for one in project.parameters if not one.name.startswith("CM.")))
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def conmgr(manager: ConnectionManager) -> bytes:
    """A ``.conmgr`` file."""
    root = etree.Element(f"{DTS}ConnectionManager", nsmap={"DTS": DTS_URI})
    _connection_manager(root, manager)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def content_types(with_connection_managers: bool) -> bytes:
    """``[Content_Types].xml``."""
    extensions = ["dtsx", *(["conmgr"] if with_connection_managers else []), "params", "manifest"]
    defaults = "".join(f'<Default Extension="{extension}" ContentType="text/xml" />' for extension in extensions)
    uri = "http://schemas.openxmlformats.org/package/2006/content-types"
    return f'<?xml version="1.0" encoding="utf-8"?><Types xmlns="{uri}">{defaults}</Types>'.encode()


def dtproj(manifest: bytes, configurations: str = "", *, deployment_model: str = "Project") -> bytes:
    """A ``.dtproj`` around a manifest, with a configuration ``Development``.

    :param configurations: XML of further ``<Configuration>`` elements.
    """
    return f"""<?xml version="1.0" encoding="utf-8"?>
<Project xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <DeploymentModel>{deployment_model}</DeploymentModel>
  <ProductVersion>15.0.2000.180</ProductVersion>
  <SchemaVersion>9.0.1.0</SchemaVersion>
  <DeploymentModelSpecificContent><Manifest>{manifest.decode()}</Manifest></DeploymentModelSpecificContent>
  <Configurations>
    <Configuration>
      <Name>Development</Name>
      <Options><OutputPath>bin</OutputPath><ParameterConfigurationValues /></Options>
    </Configuration>{configurations}
  </Configurations>
</Project>
""".encode()


def dtsx(package: Package) -> bytes:
    """A ``.dtsx`` file of format 6 or 8."""
    flow = package.control_flow
    if flow is None:
        raise ValueError(f"{package.name} has no control flow to write")
    root = etree.Element(f"{DTS}Executable", nsmap={"DTS": DTS_URI})
    root.set(f"{DTS}refId", "Package")
    root.set(f"{DTS}ProtectionLevel", str(int(package.protection_level)))
    root.set(f"{DTS}VersionMajor", str(package.version_major))
    root.set(f"{DTS}VersionMinor", str(package.version_minor))
    root.set(f"{DTS}VersionBuild", str(package.version_build))
    root.set(f"{DTS}VersionComments", package.version_comments)
    root.set(f"{DTS}VersionGUID", package.version_guid)
    _attributes(root, flow)
    root.set(f"{DTS}Description", package.description)
    _dts_property(root, "PackageFormatVersion", package.format_version)
    managers = etree.SubElement(root, f"{DTS}ConnectionManagers")
    for manager in package.connection_managers:
        _connection_manager(etree.SubElement(managers, f"{DTS}ConnectionManager"), manager)
    declared = etree.SubElement(root, f"{DTS}PackageParameters")
    for parameter in package.parameters:
        if not parameter.name.startswith("CM."):
            _package_parameter(declared, parameter)
    if flow.log_providers:
        providers = etree.SubElement(root, f"{DTS}LogProviders")
        for name in flow.log_providers:
            provider = etree.SubElement(providers, f"{DTS}LogProvider")
            provider.set(f"{DTS}ObjectName", name)
    _variables(root, flow.variables)
    _content(root, flow)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def value_text(value: ParameterValue) -> str:
    """A parameter's value as SSIS files hold it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value)


def _properties(parent: etree._Element, values: dict[str, object]) -> etree._Element:
    element = etree.SubElement(parent, f"{SSIS}Properties")
    for name, value in values.items():
        child = etree.SubElement(element, f"{SSIS}Property")
        child.set(f"{SSIS}Name", name)
        child.text = str(value)
        if child.text and not child.text.strip(" \t\r\n"):
            child.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    return element


def _parameters(parent: etree._Element, parameters: Iterable[Parameter]) -> None:
    for parameter in parameters:
        element = etree.SubElement(parent, f"{SSIS}Parameter")
        element.set(f"{SSIS}Name", parameter.name)
        values: dict[str, object] = {
            "ID": parameter.id,
            "CreationName": "",
            "Description": parameter.description,
            "IncludeInDebugDump": 0,
            "Required": int(parameter.required),
            "Sensitive": int(parameter.sensitive),
        }
        if parameter.value is not None:
            values["Value"] = value_text(parameter.value)
        _properties(element, {**values, "DataType": TYPE_CODES[parameter.data_type]})


def _dts_property(parent: etree._Element, name: str, value: object) -> etree._Element:
    element = etree.SubElement(parent, f"{DTS}Property")
    element.set(f"{DTS}Name", name)
    element.text = str(value)
    return element


def _package_parameter(parent: etree._Element, parameter: Parameter) -> None:
    element = etree.SubElement(parent, f"{DTS}PackageParameter")
    element.set(f"{DTS}CreationName", "")
    element.set(f"{DTS}DataType", str(VARIANT_TYPES[parameter.data_type]))
    element.set(f"{DTS}DTSID", parameter.id)
    element.set(f"{DTS}ObjectName", parameter.name)
    for mark, is_set in (("Required", parameter.required), ("Sensitive", parameter.sensitive)):
        if is_set:
            element.set(f"{DTS}{mark}", "True")
    if parameter.description:
        element.set(f"{DTS}Description", parameter.description)
    if parameter.value is not None:
        _dts_property(element, "ParameterValue", value_text(parameter.value))


def _connection_manager(element: etree._Element, manager: ConnectionManager) -> None:
    element.set(f"{DTS}ObjectName", manager.name)
    element.set(f"{DTS}DTSID", manager.id)
    element.set(f"{DTS}CreationName", manager.creation_name)
    if manager.description:
        element.set(f"{DTS}Description", manager.description)
    data = etree.SubElement(element, f"{DTS}ObjectData")
    inner = etree.SubElement(data, f"{DTS}ConnectionManager")
    inner.set(f"{DTS}ConnectionString", manager.connection_string)


def _attributes(element: etree._Element, executable: Executable) -> None:
    element.set(f"{DTS}refId", executable.path.removeprefix("\\"))
    element.set(f"{DTS}CreationName", executable.type)
    element.set(f"{DTS}DTSID", executable.id)
    element.set(f"{DTS}ExecutableType", executable.type)
    element.set(f"{DTS}ObjectName", executable.name)
    if executable.description:
        element.set(f"{DTS}Description", executable.description)
    if executable.disabled:
        element.set(f"{DTS}Disabled", "True")
    if executable.max_error_count != 1:
        element.set(f"{DTS}MaxErrorCount", str(executable.max_error_count))
    if executable.fail_parent_on_failure:
        element.set(f"{DTS}FailParentOnFailure", "True")
    if executable.fail_package_on_failure:
        element.set(f"{DTS}FailPackageOnFailure", "True")
    if executable.force_execution_result is not None:
        element.set(f"{DTS}ForceExecutionResult", str(executable.force_execution_result))


def _variables(parent: etree._Element, names: tuple[str, ...]) -> None:
    variables = etree.SubElement(parent, f"{DTS}Variables")
    for name in names:
        namespace, _, own = name.partition("::")
        variable = etree.SubElement(variables, f"{DTS}Variable")
        variable.set(f"{DTS}Namespace", namespace)
        variable.set(f"{DTS}ObjectName", own)
        etree.SubElement(variable, f"{DTS}VariableValue").text = "0"


def _content(element: etree._Element, executable: Executable) -> None:
    """The content of an executable, in the order in which SSIS writes it."""
    if executable.kind is ExecutableKind.FOREACH_LOOP:
        enumerator = etree.SubElement(element, f"{DTS}ForEachEnumerator")
        enumerator.set(f"{DTS}CreationName", "Microsoft.ForEachFileEnumerator")
        etree.SubElement(enumerator, f"{DTS}ObjectData")
    _control_flow(element, executable.children, executable.constraints)
    if executable.event_handlers:
        handlers = etree.SubElement(element, f"{DTS}EventHandlers")
        for handler in executable.event_handlers:
            _event_handler(handlers, handler)
    if executable.data_flow is not None:
        data = etree.SubElement(element, f"{DTS}ObjectData")
        _pipeline(data, executable.data_flow)
    elif executable.child_package is not None:
        data = etree.SubElement(element, f"{DTS}ObjectData")
        child = etree.SubElement(data, "ExecutePackageTask")
        etree.SubElement(child, "UseProjectReference").text = "True"
        etree.SubElement(child, "PackageName").text = executable.child_package


def _control_flow(
    element: etree._Element, children: tuple[Executable, ...], constraints: tuple[PrecedenceConstraint, ...]
) -> None:
    if children:
        executables = etree.SubElement(element, f"{DTS}Executables")
        for child in children:
            one = etree.SubElement(executables, f"{DTS}Executable")
            _attributes(one, child)
            if child.variables:
                _variables(one, child.variables)
            _content(one, child)
    if constraints:
        arrows = etree.SubElement(element, f"{DTS}PrecedenceConstraints")
        for constraint in constraints:
            arrow = etree.SubElement(arrows, f"{DTS}PrecedenceConstraint")
            arrow.set(f"{DTS}From", constraint.source.removeprefix("\\"))
            arrow.set(f"{DTS}To", constraint.target.removeprefix("\\"))
            if constraint.value is not ConstraintValue.SUCCESS:
                arrow.set(f"{DTS}Value", str(int(constraint.value)))
            if constraint.eval_op is not EvalOp.CONSTRAINT:
                arrow.set(f"{DTS}EvalOp", str(int(constraint.eval_op)))
            if constraint.logical_and:
                arrow.set(f"{DTS}LogicalAnd", "True")
            if constraint.expression:
                arrow.set(f"{DTS}Expression", constraint.expression)


def _event_handler(parent: etree._Element, handler: EventHandler) -> None:
    element = etree.SubElement(parent, f"{DTS}EventHandler")
    element.set(f"{DTS}refId", handler.path.removeprefix("\\"))
    element.set(f"{DTS}CreationName", handler.event)
    element.set(f"{DTS}DTSID", handler.id)
    element.set(f"{DTS}EventName", handler.event)
    if handler.disabled:
        element.set(f"{DTS}Disabled", "True")
    _variables(element, handler.variables)
    _control_flow(element, handler.children, handler.constraints)


def _pipeline(parent: etree._Element, flow: DataFlow) -> None:
    pipeline = etree.SubElement(parent, "pipeline", version="1")
    components = etree.SubElement(pipeline, "components")
    ends: dict[tuple[str, str], str] = {}
    for component in flow.components:
        element = etree.SubElement(
            components, "component", refId=component.ref_id, componentClassID=component.class_id, name=component.name
        )
        if component.properties:
            properties = etree.SubElement(element, "properties")
            for name in component.properties:
                etree.SubElement(properties, "property", name=name)
        for end in ("input", "output"):
            name = f"{component.name} {end.capitalize()}"
            ref_id = f"{component.ref_id}.{end.capitalize()}s[{name}]"
            etree.SubElement(etree.SubElement(element, f"{end}s"), end, refId=ref_id, name=name)
            ends[component.name, end] = ref_id
    paths = etree.SubElement(pipeline, "paths")
    for path in flow.paths:
        start, stop = ends[path.source, "output"], ends[path.destination, "input"]
        etree.SubElement(paths, "path", name=path.name, startId=start, endId=stop)

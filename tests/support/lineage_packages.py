"""A package with a data flow and Execute SQL tasks, for tests of lineage."""

from __future__ import annotations

from tests.support.dtsx_text import package_text

PROVIDER = "Provider=MSOLEDBSQL;"
_SQL_TASK = 'xmlns:SQLTask="www.microsoft.com/sqlserver/dts/tasks/sqltask"'


def manager(name: str, text: str, kind: str = "OLEDB", expressions: str = "") -> str:
    """Return a connection manager."""
    return (
        f'<DTS:ConnectionManager DTS:refId="Package.ConnectionManagers[{name}]" DTS:CreationName="{kind}" '
        f'DTS:DTSID="{{{name}}}" DTS:ObjectName="{name}">{expressions}<DTS:ObjectData>'
        f'<DTS:ConnectionManager DTS:ConnectionString="{text}"/></DTS:ObjectData></DTS:ConnectionManager>'
    )


def expression(name: str, text: str) -> str:
    """Return a property expression."""
    return f'<DTS:PropertyExpression DTS:Name="{name}">{text}</DTS:PropertyExpression>'


def executable(name: str, type_: str, data: str, inner: str = "", attributes: str = "") -> str:
    """Return a task."""
    return (
        f'<DTS:Executable DTS:refId="Package\\{name}" DTS:ExecutableType="{type_}" DTS:ObjectName="{name}" '
        f"{attributes}>{inner}<DTS:ObjectData>{data}</DTS:ObjectData></DTS:Executable>"
    )


def sql_task(name: str, sql: str, *, source_type: str = "DirectInput", inner: str = "", attributes: str = "") -> str:
    """Return an Execute SQL task on the connection manager Warehouse."""
    data = (
        f'<SQLTask:SqlTaskData {_SQL_TASK} SQLTask:Connection="{{Warehouse}}" '
        f'SQLTask:SqlStmtSourceType="{source_type}" SQLTask:SqlStatementSource="{sql}"/>'
    )
    return executable(name, "Microsoft.ExecuteSQLTask", data, inner, attributes)


def _properties(values: dict[str, str]) -> str:
    found = "".join(
        f'<property name="{name}" dataType="System.String">{text}</property>' for name, text in values.items()
    )
    return f"<properties>{found}</properties>"


def _connection(name: str) -> str:
    reference = f"Package.ConnectionManagers[{name}]"
    return (
        f'<connections><connection refId="c{name}" connectionManagerID="{reference}" '
        f'connectionManagerRefId="{reference}" name="Connection"/></connections>'
    )


def source(class_id: str, manager_name: str, columns: dict[str, str], **properties: str) -> str:
    """Return a source with output columns, each with its external column."""
    outputs = "".join(
        f'<outputColumn refId="o{name}" lineageId="o{name}" name="{name}" dataType="i4" '
        f'externalMetadataColumnId="e{name}"/>'
        for name in columns
    )
    external = "".join(
        f'<externalMetadataColumn refId="e{name}" name="{outside}" dataType="i4"/>' for name, outside in columns.items()
    )
    return (
        f'<component refId="source" name="Source" componentClassID="Microsoft.{class_id}">{_properties(properties)}'
        f'{_connection(manager_name)}<outputs><output refId="sout" name="Out"><outputColumns>{outputs}</outputColumns>'
        f"<externalMetadataColumns>{external}</externalMetadataColumns></output></outputs></component>"
    )


def destination(class_id: str, manager_name: str, columns: dict[str, str], **properties: str) -> str:
    """Return a destination with the external column of each column of the source."""
    inputs = "".join(
        f'<inputColumn refId="i{name}" lineageId="o{name}" cachedName="{name}" externalMetadataColumnId="d{name}"/>'
        for name in columns
    )
    external = "".join(
        f'<externalMetadataColumn refId="d{name}" name="{outside}" dataType="i4"/>' for name, outside in columns.items()
    )
    return (
        f'<component refId="target" name="Target" componentClassID="Microsoft.{class_id}">{_properties(properties)}'
        f'{_connection(manager_name)}<inputs><input refId="tin" name="In"><inputColumns>{inputs}</inputColumns>'
        f"<externalMetadataColumns>{external}</externalMetadataColumns></input></inputs></component>"
    )


def data_flow(*components: str, inner: str = "", name: str = "Copy") -> str:
    """Return a Data Flow task."""
    data = (
        f"<pipeline><components>{''.join(components)}</components>"
        '<paths><path refId="p" name="P" startId="sout" endId="tin"/></paths></pipeline>'
    )
    return executable(name, "Microsoft.Pipeline", data, inner)


def lineage_package(
    *executables: str,
    managers: str = "",
    parameters: str = "",
    variables: str = "",
    warehouse: str = f"{PROVIDER}Data Source=dw01;Initial Catalog=DW;Password=c4nary-s3cret;",
) -> bytes:
    """Return a package with the connection managers Warehouse and Orders (a file)."""
    every = manager("Warehouse", warehouse) + manager("Orders", r"\\share01\orders.csv", "FLATFILE") + managers
    return package_text(
        f"<DTS:ConnectionManagers>{every}</DTS:ConnectionManagers>"
        f"<DTS:PackageParameters>{parameters}</DTS:PackageParameters><DTS:Variables>{variables}</DTS:Variables>"
        f"<DTS:Executables>{''.join(executables)}</DTS:Executables>"
    )


def variable(name: str, text: str, formula: str = "") -> str:
    """Return a text variable of the namespace User."""
    evaluated = f' DTS:EvaluateAsExpression="True" DTS:Expression="{formula}"' if formula else ""
    return (
        f'<DTS:Variable DTS:Namespace="User" DTS:ObjectName="{name}" DTS:DTSID="{{v{name}}}"{evaluated}>'
        f'<DTS:VariableValue DTS:DataType="8">{text}</DTS:VariableValue></DTS:Variable>'
    )


def text_parameter(name: str, text: str) -> str:
    """Return a text parameter of the package."""
    return (
        f'<DTS:PackageParameter DTS:ObjectName="{name}" DTS:DTSID="{{p{name}}}" DTS:DataType="8">'
        f'<DTS:Property DTS:DataType="8" DTS:Name="ParameterValue">{text}</DTS:Property></DTS:PackageParameter>'
    )

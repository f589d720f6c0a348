"""Packages and projects for the tests of rules: small XML texts, and a function that checks them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from airflow_provider_ssis.lint.configuration import LintConfiguration
from airflow_provider_ssis.lint.findings import Finding
from airflow_provider_ssis.lint.runner import check
from tests.support.dtsx_text import package_text

SQL_URI = "www.microsoft.com/sqlserver/dts/tasks/sqltask"


def executable(name: str, type_: str, inner: str = "", attributes: str = "", path: str = "Package") -> str:
    return (
        f'<DTS:Executable DTS:refId="{path}\\{name}" DTS:ExecutableType="{type_}" DTS:ObjectName="{name}" {attributes}>'
        f"{inner}</DTS:Executable>"
    )


def executables(*each: str) -> str:
    return f"<DTS:Executables>{''.join(each)}</DTS:Executables>"


def task(name: str, type_: str, data: str = "", attributes: str = "", inner: str = "") -> str:
    return executable(name, type_, f"{inner}<DTS:ObjectData>{data}</DTS:ObjectData>", attributes)


def sql(name: str = "Sql", statement: str = "SELECT 1", connection: str = "{A}", inner: str = "", **more: str) -> str:
    attributes = " ".join(f'SQLTask:{key}="{value}"' for key, value in more.items())
    data = (
        f'<SQLTask:SqlTaskData xmlns:SQLTask="{SQL_URI}" SQLTask:Connection="{connection}" '
        f'SQLTask:SqlStatementSource="{statement}" {attributes}>{inner}</SQLTask:SqlTaskData>'
    )
    return task(name, "Microsoft.ExecuteSQLTask", data)


def plain(name: str, attributes: str = "") -> str:
    return task(name, "Microsoft.ExpressionTask", '<ExpressionTask Expression="@[User::n] = 1"/>', attributes)


def constraint(source: str, target: str, attributes: str = "", name: str = "C") -> str:
    return (
        f'<DTS:PrecedenceConstraint DTS:From="Package\\{source}" DTS:To="Package\\{target}" DTS:ObjectName="{name}" '
        f"{attributes}/>"
    )


def constraints(*each: str) -> str:
    return f"<DTS:PrecedenceConstraints>{''.join(each)}</DTS:PrecedenceConstraints>"


def variable(name: str = "n", type_: int = 3, value: str = "0", attributes: str = "") -> str:
    return (
        f'<DTS:Variable DTS:Namespace="User" DTS:ObjectName="{name}" {attributes}>'
        f'<DTS:VariableValue DTS:DataType="{type_}">{value}</DTS:VariableValue></DTS:Variable>'
    )


def variables(*each: str) -> str:
    return f"<DTS:Variables>{''.join(each)}</DTS:Variables>"


def parameter(name: str, value: str = "", attributes: str = "") -> str:
    return (
        f'<DTS:PackageParameters><DTS:PackageParameter DTS:DataType="8" DTS:ObjectName="{name}" {attributes}>'
        f'<DTS:Property DTS:Name="ParameterValue" DTS:DataType="8">{value}</DTS:Property></DTS:PackageParameter>'
        "</DTS:PackageParameters>"
    )


def manager(
    name: str = "Mart", id_: str = "{A}", text: str = "Data Source=.;", kind: str = "OLEDB", inner: str = ""
) -> str:
    return (
        f'<DTS:ConnectionManagers><DTS:ConnectionManager DTS:refId="Package.ConnectionManagers[{name}]" '
        f'DTS:CreationName="{kind}" DTS:DTSID="{id_}" DTS:ObjectName="{name}">{inner}<DTS:ObjectData>'
        f'<DTS:ConnectionManager DTS:ConnectionString="{text}"/></DTS:ObjectData></DTS:ConnectionManager>'
        "</DTS:ConnectionManagers>"
    )


def expression(name: str, text: str) -> str:
    return f'<DTS:PropertyExpression DTS:Name="{name}">{text}</DTS:PropertyExpression>'


# --- data flows


def column(id_: str, name: str, type_: str = 'dataType="i4"', properties: str = "", attributes: str = "") -> str:
    inner = f"<properties>{properties}</properties>" if properties else ""
    return f'<outputColumn refId="{id_}" lineageId="{id_}" name="{name}" {type_} {attributes}>{inner}</outputColumn>'


def output(id_: str, columns: str = "", attributes: str = "") -> str:
    return f'<output refId="{id_}" name="{id_}" {attributes}><outputColumns>{columns}</outputColumns></output>'


def used(lineage: str, attributes: str = "", properties: str = "") -> str:
    inner = f"<properties>{properties}</properties>" if properties else ""
    return f'<inputColumn refId="in{lineage}" lineageId="{lineage}" {attributes}>{inner}</inputColumn>'


def input_(id_: str, columns: str = "", external: str = "", attributes: str = "") -> str:
    return (
        f'<input refId="{id_}" name="{id_}" {attributes}><inputColumns>{columns}</inputColumns>'
        f"<externalMetadataColumns>{external}</externalMetadataColumns></input>"
    )


def prop(name: str, value: str) -> str:
    return f'<property name="{name}" dataType="System.String">{value}</property>'


def component(name: str, class_: str, properties: str = "", inputs: str = "", outputs: str = "") -> str:
    return (
        f'<component refId="{name}" name="{name}" componentClassID="{class_}"><properties>{properties}</properties>'
        f"<inputs>{inputs}</inputs><outputs>{outputs}</outputs></component>"
    )


def flow(*components: str, paths: str = "") -> str:
    ends = "".join(
        f'<path refId="path{number}" name="p" startId="{pair.split(">")[0]}" endId="{pair.split(">")[1]}"/>'
        for number, pair in enumerate(paths.split())
    )
    data = f"<pipeline><components>{''.join(components)}</components><paths>{ends}</paths></pipeline>"
    return executables(task("Flow", "Microsoft.Pipeline", data))


def source(columns: str, properties: str = "", more: str = "") -> str:
    return component("Source", "Microsoft.OLEDBSource", properties, "", output("out", columns) + more)


def destination(columns: str, external: str = "") -> str:
    return component("Destination", "Microsoft.OLEDBDestination", "", input_("dest", columns, external))


# --- checks


def findings(
    folder: Path, text: str, configuration: LintConfiguration | None = None, format_version: int = 8
) -> list[Finding]:
    """Check a package.

    :param text: what it contains.
    """
    path = folder / "Load.dtsx"
    path.write_bytes(package_text(text, format_version=format_version))
    return list(check(path, configuration or LintConfiguration()))


def rules_of(found: list[Finding]) -> dict[str, list[str]]:
    """Return the messages by rule."""
    by_rule: dict[str, list[str]] = {}
    for one in found:
        by_rule.setdefault(one.rule, []).append(one.message)
    return by_rule


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder

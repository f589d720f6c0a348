"""Packages as text, for tests that need elements which the project's models do not have."""

from __future__ import annotations

from airflow_provider_ssis.project.package.document import DtsPackage, read_dts_package

NAMESPACES = 'xmlns:DTS="www.microsoft.com/SqlServer/Dts"'


def package_text(inner: str, attributes: str = "", *, format_version: int = 8) -> bytes:
    """Return a package with some content.

    :param inner: what follows the package format.
    :param attributes: more attributes of the root element.
    """
    return (
        f'<?xml version="1.0"?>\n<DTS:Executable {NAMESPACES} DTS:refId="Package"'
        f' DTS:ExecutableType="Microsoft.Package" DTS:ObjectName="Load" DTS:ProtectionLevel="0" {attributes}>'
        f'<DTS:Property DTS:Name="PackageFormatVersion">{format_version}</DTS:Property>{inner}</DTS:Executable>'
    ).encode()


def task_text(data: str, type_: str = "Microsoft.Task", name: str = "Task", inner: str = "") -> str:
    """Return a task with some data in a collection of executables."""
    return (
        f'<DTS:Executables><DTS:Executable DTS:refId="Package\\{name}" DTS:ExecutableType="{type_}" '
        f'DTS:ObjectName="{name}">{inner}<DTS:ObjectData>{data}</DTS:ObjectData></DTS:Executable></DTS:Executables>'
    )


def old_properties(**values: str) -> str:
    """Return properties in the notation before SQL Server 2012: child elements."""
    return "".join(f'<DTS:Property DTS:Name="{name}">{value}</DTS:Property>' for name, value in values.items())


def read_text(inner: str, attributes: str = "", *, format_version: int = 8) -> DtsPackage:
    """Read a package with some content."""
    return read_dts_package(package_text(inner, attributes, format_version=format_version), "Load.dtsx")

"""The project that the suite deploys: packages that need nothing but the server.

``Run.dtsx`` has a parameter of every type and a loop that ends at once, ``Fail.dtsx`` divides by zero,
``Wait.dtsx`` runs until it is stopped, at most a minute, and ``Required.dtsx`` has a parameter without a value.
"""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

PROJECT = "Conformance"
RUN, FAIL, WAIT, REQUIRED = "Run.dtsx", "Fail.dtsx", "Wait.dtsx", "Required.dtsx"

# SSIS type: the type's code in packages (VARENUM), the one in manifests (.NET's TypeCode), and the design default.
PARAMETERS: dict[str, tuple[int, int, str]] = {
    "Boolean": (11, 3, "0"),
    "Byte": (17, 6, "7"),
    "DateTime": (7, 16, "2024-01-31T10:20:30"),
    "Decimal": (14, 15, "1.25"),
    "Double": (5, 14, "2.5"),
    "Int16": (2, 7, "16"),
    "Int32": (3, 9, "32"),
    "Int64": (20, 11, "64"),
    "SByte": (16, 5, "-7"),
    "Single": (4, 13, "0.5"),
    "String": (8, 18, "text"),
    "UInt32": (19, 10, "320"),
    "UInt64": (21, 12, "640"),
}
_NEVER = "1 == 2"
_DIVISION = "1 / @[User::Zero] == 1"
_MINUTE = 'DATEDIFF("ss", @[System::StartTime], GETDATE()) < 60'


def sample_project(project: str = PROJECT) -> bytes:
    """The project file, built from its sources as any other.

    :param project: the project's name. Default: ``Conformance``.
    """
    from airflow_provider_ssis.project.build import build_ispac

    packages = {
        RUN: _package(
            RUN, _NEVER, {f"{name}Value": (code, value, False) for name, (code, _, value) in PARAMETERS.items()}
        ),
        FAIL: _package(FAIL, _DIVISION, {}),
        WAIT: _package(WAIT, _MINUTE, {}),
        REQUIRED: _package(REQUIRED, _NEVER, {"Needed": (3, "0", True)}),
    }
    manifests = {
        RUN: {f"{name}Value": (code, value, False) for name, (_, code, value) in PARAMETERS.items()},
        REQUIRED: {"Needed": (9, "0", True)},
    }
    with tempfile.TemporaryDirectory(prefix="ssis-verify-") as temporary:
        folder = Path(temporary)
        for package, text in packages.items():
            (folder / package).write_text(text, encoding="utf-8")
        (folder / "Project.params").write_text(
            f'<SSIS:Parameters xmlns:SSIS="{_SSIS}">{_manifest_parameter("Region", 18, "north", False)}'
            "</SSIS:Parameters>",
            encoding="utf-8",
        )
        metadata = "".join(_metadata(package, manifests.get(package, {})) for package in packages)
        (folder / f"{project}.dtproj").write_text(_project(project, list(packages), metadata), encoding="utf-8")
        return build_ispac(folder)


_DTS = "www.microsoft.com/SqlServer/Dts"
_SSIS = "www.microsoft.com/SqlServer/SSIS"
_SPACE = uuid.UUID("5c4b6b0e-7e2b-4f0e-9c0d-3f1a6f1f5a77")


def _guid(*names: str) -> str:
    return "{" + str(uuid.uuid5(_SPACE, "/".join(names))).upper() + "}"


def _package(file: str, condition: str, parameters: dict[str, tuple[int, str, bool]]) -> str:
    name = file.removesuffix(".dtsx")
    declared = "".join(_package_parameter(file, each, *values) for each, values in parameters.items())
    return (
        f'<?xml version="1.0"?><DTS:Executable xmlns:DTS="{_DTS}" DTS:refId="Package" '
        'DTS:CreationName="Microsoft.Package" DTS:ExecutableType="Microsoft.Package" DTS:LocaleID="1033" '
        f'DTS:ObjectName="{name}" DTS:DTSID="{_guid(file)}" DTS:VersionBuild="1" '
        f'DTS:VersionGUID="{_guid(file, "version")}" DTS:ProtectionLevel="0">'
        '<DTS:Property DTS:Name="PackageFormatVersion">8</DTS:Property>'
        f"<DTS:PackageParameters>{declared}</DTS:PackageParameters>"
        f"<DTS:Variables>{_variable(file, 'Zero')}{_variable(file, 'Turn')}</DTS:Variables>"
        '<DTS:Executables><DTS:Executable DTS:refId="Package\\Loop" DTS:CreationName="STOCK:FORLOOP" '
        f'DTS:ExecutableType="STOCK:FORLOOP" DTS:ObjectName="Loop" DTS:DTSID="{_guid(file, "Loop")}" '
        f'DTS:LocaleID="-1" DTS:EvalExpression={quoteattr(condition)}><DTS:Variables/>'
        f"<DTS:Executables>{_task(file)}</DTS:Executables>"
        "</DTS:Executable></DTS:Executables></DTS:Executable>"
    )


def _task(file: str) -> str:
    """A task that sets a variable to its own value."""
    return (
        '<DTS:Executable DTS:refId="Package\\Loop\\Turn" DTS:CreationName="Microsoft.ExpressionTask" '
        f'DTS:ExecutableType="Microsoft.ExpressionTask" DTS:ObjectName="Turn" DTS:DTSID="{_guid(file, "Turn")}" '
        'DTS:LocaleID="-1"><DTS:Variables/><DTS:ObjectData>'
        '<ExpressionTask Expression="@[User::Turn] = 1"/></DTS:ObjectData></DTS:Executable>'
    )


def _variable(file: str, name: str) -> str:
    return (
        '<DTS:Variable DTS:CreationName="" DTS:IncludeInDebugDump="6789" DTS:Namespace="User" '
        f'DTS:ObjectName="{name}" DTS:DTSID="{_guid(file, name)}">'
        '<DTS:VariableValue DTS:DataType="3">0</DTS:VariableValue></DTS:Variable>'
    )


def _package_parameter(file: str, name: str, code: int, value: str, required: bool) -> str:
    is_required = ' DTS:Required="True"' if required else ""
    return (
        f'<DTS:PackageParameter DTS:CreationName="" DTS:DataType="{code}" DTS:DTSID="{_guid(file, name)}" '
        f'DTS:ObjectName="{name}"{is_required}><DTS:Property DTS:DataType="{code}" DTS:Name="ParameterValue">'
        f"{escape(value)}</DTS:Property></DTS:PackageParameter>"
    )


def _property(name: str, value: str) -> str:
    return f'<SSIS:Property SSIS:Name="{name}">{escape(value)}</SSIS:Property>'


def _manifest_parameter(name: str, code: int, value: str, required: bool) -> str:
    properties = {
        "ID": _guid("manifest", name),
        "CreationName": "",
        "Description": "",
        "IncludeInDebugDump": "0",
        "Required": str(int(required)),
        "Sensitive": "0",
        "Value": value,
        "DataType": str(code),
    }
    texts = "".join(_property(*each) for each in properties.items())
    return f'<SSIS:Parameter SSIS:Name="{name}"><SSIS:Properties>{texts}</SSIS:Properties></SSIS:Parameter>'


def _metadata(file: str, parameters: dict[str, tuple[int, str, bool]]) -> str:
    properties = {
        "ID": _guid(file),
        "Name": file.removesuffix(".dtsx"),
        "VersionMajor": "1",
        "VersionMinor": "0",
        "VersionBuild": "1",
        "VersionComments": "",
        "VersionGUID": _guid(file, "version"),
        "PackageFormatVersion": "8",
        "Description": "",
        "ProtectionLevel": "0",
    }
    texts = "".join(_property(*each) for each in properties.items())
    declared = "".join(_manifest_parameter(name, *each) for name, each in parameters.items())
    return (
        f'<SSIS:PackageMetaData SSIS:Name="{file}"><SSIS:Properties>{texts}</SSIS:Properties>'
        f"<SSIS:Parameters>{declared}</SSIS:Parameters></SSIS:PackageMetaData>"
    )


def _project(name: str, packages: list[str], metadata: str) -> str:
    properties = {
        "ID": _guid("project", name).lower(),
        "Name": name,
        "VersionMajor": "1",
        "VersionMinor": "0",
        "VersionBuild": "0",
        "VersionComments": "",
        "CreationDate": "2024-01-01T00:00:00.0000000+00:00",
        "CreatorName": "",
        "CreatorComputerName": "",
        "Description": "",
        "FormatVersion": "1",
    }
    texts = "".join(_property(*each) for each in properties.items())
    listed = "".join(f'<SSIS:Package SSIS:Name="{file}" SSIS:EntryPoint="1"/>' for file in packages)
    return (
        '<?xml version="1.0" encoding="utf-8"?><Project><DeploymentModel>Project</DeploymentModel>'
        "<ProductVersion>15.0.2000.180</ProductVersion><SchemaVersion>9.0.1.0</SchemaVersion>"
        f'<DeploymentModelSpecificContent><Manifest><SSIS:Project xmlns:SSIS="{_SSIS}" '
        f'SSIS:ProtectionLevel="DontSaveSensitive"><SSIS:Properties>{texts}</SSIS:Properties>'
        f"<SSIS:Packages>{listed}</SSIS:Packages><SSIS:ConnectionManagers/><SSIS:DeploymentInfo>"
        f"<SSIS:ProjectConnectionParameters/><SSIS:PackageInfo>{metadata}</SSIS:PackageInfo></SSIS:DeploymentInfo>"
        "</SSIS:Project></Manifest></DeploymentModelSpecificContent><Configurations><Configuration>"
        "<Name>Development</Name><Options><OutputPath>bin</OutputPath><TargetServerVersion>SQLServer2019"
        "</TargetServerVersion></Options></Configuration></Configurations></Project>"
    )

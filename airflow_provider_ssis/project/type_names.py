"""The names of task types and component classes, whichever form a file uses.

Format 8 writes names (``Microsoft.Lookup``), older formats GUIDs, ProgIDs or .NET names. Source: files of each format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ssis.project.package.data_flow import Component

_PREFIX = "Microsoft."
_ATTUNITY = "Attunity."
_DATA_FLOW_GUIDS = (
    "{5918251B-2970-45A4-AB5F-01C3C588FE5A}",
    "{E3CFBEA8-1F48-40D8-91E1-2DEDC1EDDD56}",
    "{C3BF9DC1-4715-4694-936F-D3CFDA9E42C5}",
)
"""The Data Flow task in files of the formats 6, 3 and 2."""
_HOSTS = (
    "{874F7595-FB5F-40FF-96AF-FBFF8250E3EF}",
    "{2E42D45B-F83C-400F-8D77-61DDE6A7DF29}",
    "{BF01D463-7089-41EE-8F05-0A6DC17CE633}",
    "MICROSOFT.MANAGEDCOMPONENTHOST",
    "DTS.MANAGEDCOMPONENTWRAPPER",
)
_PROG_ID = re.compile(r"(?:SSIS|DTS|DTSAdapter|DTSTransform|TxFileExtractor|TxFileInserter)\.(\w+)(?:\.\d+)?")
_TASKS = {"ExecuteProcess": "ExecuteProcess", "ExecuteProcessTask": "ExecuteProcess"}
_ODBC = re.compile(r"(?:Microsoft\.|Attunity\.?)SSISODBC(Src|Dst)(?:\.\d+)?")
_BY_PROG_ID = {"GroupDups": "FuzzyGrouping", "BestMatch": "FuzzyLookup", "BalancedDataDistributor": "BDD"}
_MANAGED = {
    "ScriptComponentHost": "ScriptComponent",
    "DataReaderSourceAdapter": "ADONETSource",
    "ADONETDestination": "ADONETDestination",
    "XmlSourceAdapter": "XMLSource",
}
MANAGED_HOST = "ManagedComponentHost"
"""The class of a component of .NET, whose type is its property ``UserComponentTypeName``."""
_ASSEMBLIES = {
    "ScriptComponent": ("ScriptComponentHost", "TxScript"),
    "ADONETSource": ("DataReaderSourceAdapter", "ADONETSrc"),
    "ADONETDestination": ("ADONETDestination", "ADONETDest"),
    "XMLSource": ("XmlSourceAdapter", "XmlSrc"),
    "DataReaderDestinationAdapter": ("DataReaderDestinationAdapter", "DataReaderDest"),
}
"""The type of each class of .NET and its assembly."""
_WITH_ASSEMBLY = {6: 11, 8: 15}
"""The version of the assemblies by the format of the package."""
_COMPONENT_GUIDS: Mapping[str, Mapping[int, str]] = {
    "OLEDBSource": {
        6: "{165A526D-D5DE-47FF-96A6-F8274C19826B}",
        3: "{BCEFE59B-6819-47F7-A125-63753B33ABB7}",
        2: "{2C0A8BE5-1EDC-4353-A0EF-B778599C65A0}",
    },
    "OLEDBDestination": {
        6: "{4ADA7EAA-136C-4215-8098-D7A7C27FC0D1}",
        3: "{5A0B62E8-D91D-49F5-94A5-7BE58DE508F0}",
        2: "{E2568105-9550-4F71-A638-B7FE42E66922}",
    },
    "DerivedColumn": {
        6: "{49928E82-9C4E-49F0-AABE-3812B82707EC}",
        3: "{2932025B-AB99-40F6-B5B8-783A73F80E24}",
        2: "{9CF90BF0-5BCC-4C63-B91D-1F322DC12C26}",
    },
    "Lookup": {
        6: "{671046B0-AA63-4C9F-90E4-C06E0B710CE3}",
        3: "{27648839-180F-45E6-838D-AFF53DF682D2}",
        2: "{0FB4AABB-C027-4440-809A-1198049BF117}",
    },
    "FlatFileSource": {
        6: "{D23FD76B-F51D-420F-BBCB-19CBF6AC1AB4}",
        3: "{5ACD952A-F16A-41D8-A681-713640837664}",
        2: "{90C7770B-DE7C-435E-880E-E718C92C0573}",
    },
    "FlatFileDestination": {
        6: "{8DA75FED-1B7C-407D-B2AD-2B24209CCCA4}",
        3: "{D658C424-8CF0-441C-B3C4-955E183B7FBA}",
        2: "{A1DF9F6D-8EE4-4EF0-BB2E-D526130D7A7B}",
    },
    "DataConvert": {
        6: "{62B1106C-7DB8-4EC8-ADD6-4C664DFFC54A}",
        3: "{BD06A22E-BC69-4AF7-A69B-C44C2EF684BB}",
        2: "{C3BF62C8-7C5C-4F85-83C3-E0B6F6BE267C}",
    },
    "Sort": {
        6: "{5B1A3FF5-D366-4D75-AD1F-F19A36FCBEDB}",
        3: "{07127A7C-164B-422A-AD1F-24BE39B4DB38}",
        2: "{F1CEE4CE-066D-4FBE-9DC4-CD97202F3450}",
    },
    "OLEDBCommand": {
        6: "{93FFEC66-CBC8-4C7F-9C6A-CB1C17A7567D}",
        3: "{8E61C8F6-C91D-43B6-97EB-3423C06571CC}",
        2: "{C60ACAD1-9BE8-46B3-87DA-70E59EADEA46}",
    },
    "ConditionalSplit": {
        6: "{7F88F654-4E20-4D14-84F4-AF9C925D3087}",
        3: "{3AE878C6-0D6C-4F48-8128-40E00E9C1B7D}",
        2: "{53A228EE-EBFA-48D6-A1AC-5269E5824A2C}",
    },
    "RowCount": {
        6: "{E2697D8C-70DA-42B2-8208-A19CE3A9FE41}",
        3: "{150E6007-7C6A-4CC3-8FF3-FC73783A972E}",
        2: "{DE50D3C7-41AF-4804-9247-CF1DEB147971}",
    },
    "Multicast": {
        6: "{EC139FBC-694E-490B-8EA7-35690FB0F445}",
        3: "{1ACA4459-ACE0-496F-814A-8611F9C27E23}",
        2: "{F1CEE4CE-066D-4FBE-9DC4-4C697A617264}",
    },
    "MergeJoin": {
        6: "{14D43A4F-D7BD-489D-829E-6DE35750CFE4}",
        3: "{A18A4D58-7C7A-4448-8B98-AE2CEFE81B4C}",
        2: "{0D598A60-0A32-4B1B-A72C-5030B64E3A20}",
    },
    "ExcelSource": {
        6: "{8C084929-27D1-479F-9641-ABB7CDADF1AC}",
        3: "{A4B1E1C8-17F3-46C8-AAD0-34F0C6FE42DE}",
        2: "{B551FCA8-23BD-4719-896F-D8F352A5283C}",
    },
    "UnionAll": {
        6: "{B594E9A8-4351-4939-891C-CFE1AB93E925}",
        3: "{4D9F9B7C-84D9-4335-ADB0-2542A7E35422}",
        2: "{C5E47A29-265C-4F93-82CA-D8462EE23278}",
    },
    "RecordsetDestination": {
        6: "{C457FD7E-CE98-4C4B-AEFE-F3AE0044F181}",
        3: "{167AF7E9-BA81-425F-B73D-E30C2DCC0F09}",
    },
    "Merge": {
        6: "{36E0E750-2510-4776-AA6E-17EAE84FD63E}",
        2: "{08AE886A-4124-499C-B332-16E3299D225A}",
    },
    "SCD": {
        6: "{25BBB0C5-369B-4303-B3DF-D0DC741DEE58}",
        3: "{70909A92-ECE9-486D-B17E-30EDE908849E}",
    },
    "ExcelDestination": {
        6: "{1F5D5712-2FBA-4CB9-A95A-86C1F336E1DA}",
        3: "{C9269E28-EBDE-4DED-91EB-0BF42842F9F4}",
    },
    "Aggregate": {
        6: "{5B201335-B360-485C-BB93-75C34E09B3D3}",
        3: "{9ABE8DF3-0052-42DB-8B18-2089E1D1D1B7}",
        2: "{F40CF2A6-384A-4C57-B99C-ADAF31E51EBC}",
    },
    "Cache": {
        6: "{BF818E79-2C1C-410D-ADEA-B2D1A04FED01}",
    },
    "CharacterMap": {
        2: "{2D9FDEDD-085F-4294-ABBA-818E2CCD0733}",
    },
    "SQLServerDestination": {
        6: "{F452EAF3-5EF0-43F1-8067-09DDF0BC6316}",
        3: "{E4B61516-847B-4BDF-9CC6-1968A2D43E73}",
        2: "{5244B484-7C76-4026-9A01-00928EA81550}",
    },
    "FuzzyLookup": {
        6: "{E4A5F949-EC93-45AB-8B36-B52936257EC2}",
        3: "{5056651F-F227-4978-94DF-53CDF9E8CCB6}",
        2: "{9F4EB4D4-AD71-496D-B70B-31ECE1139884}",
    },
    "RawSource": {
        6: "{480C7D5A-CE63-405C-B338-3C7F26560EE3}",
        3: "{51DC0B24-7421-45C3-B4AB-9481A683D91D}",
        2: "{E2568105-9550-4F71-A638-B7FE42E66930}",
    },
    "RawDestination": {
        6: "{04762BB6-892F-4EE6-AD46-9CEB0A7EC7A2}",
        3: "{485E7329-8754-42B4-AA5B-29C5DA09CAD5}",
        2: "{E2568105-9550-4F71-A638-B7FE42E66933}",
    },
    "PXPipelineDMQuery": {
        6: "{3D9FFAE9-B89B-43D9-80C8-B97D2740C746}",
    },
    "PXPipelineProcessDimension": {
        6: "{2C2F0891-3AAA-4865-A676-D7476FE4CE90}",
    },
    "PXPipelineProcessPartition": {
        6: "{DA510FB7-E3A8-4D96-9F59-55E15E67FE3D}",
    },
    "ODBCSource": {
        6: "{A77F5655-A006-443A-9B7E-90B6BD55CB84}",
    },
    "ODBCDestination": {
        6: "{074B8736-CD73-40A5-822E-888215AF57DA}",
    },
}
"""The GUIDs of each class by the format of the package. Sources: files of each format, and the class ids in Microsoft's
samples for these versions."""
_ONLY_READ = ("RawSource", "RawDestination")
"""Classes of which only the GUID in format 6 is known, not their version and properties."""
_BY_GUID = {guid: name for name, guids in _COMPONENT_GUIDS.items() for guid in guids.values()}


def task_type(type_: str) -> str:
    """Return the name of a task's type in format 8, without its prefix: ``ExecuteSQLTask``, ``Pipeline``.

    :param type_: the type as stored: a name, ProgID, GUID, or .NET name with its assembly.
    """
    name = type_.partition(",")[0].strip()
    if name.upper() in _DATA_FLOW_GUIDS:
        return "Pipeline"
    match = _PROG_ID.fullmatch(name)
    name = match[1] if match else name.removeprefix(_PREFIX).rpartition(".")[2] or name
    return _TASKS.get(name, name)


def class_id(name: str, format_version: int) -> str:
    """Return how a file stores the class of a component.

    :param name: the class: ``Lookup``, ``OLEDBSource``.
    :param format_version: the format of the package: 6 or 8.
    :raises KeyError: the GUID of the class in format 6, or what else a file of format 6 stores of it, is not known.
    """
    if name == MANAGED_HOST and format_version != 8:
        return _HOSTS[0]
    if format_version != 8:
        if name in _ONLY_READ:
            raise KeyError(name)
        return _COMPONENT_GUIDS[name][format_version]
    return name if name.startswith(_ATTUNITY) else f"{_PREFIX}{name}"


def managed_type(name: str, format_version: int) -> str:
    """Return the .NET type of a managed component, as a package stores it.

    :param name: the class: ``ScriptComponent``, ``ADONETSource``, ...
    :param format_version: the format of the package: 6 or 8. Format 8 has short names for most types.
    """
    type_name, assembly = _ASSEMBLIES[name]
    if format_version == 8 and name != "DataReaderDestinationAdapter":
        return f"{_PREFIX}{type_name}"
    version = f"Version={_WITH_ASSEMBLY[format_version]}.0.0.0, Culture=neutral, PublicKeyToken=89845dcd8080cc91"
    return f"Microsoft.SqlServer.Dts.Pipeline.{type_name}, Microsoft.SqlServer.{assembly}, {version}"


def component_class(component: Component) -> str:
    """Return the name of a component's class in format 8, without its prefix: ``Lookup``, ``OLEDBSource``.

    A managed component has the name of its class: ``ScriptComponent``, ``ADONETSource``, ``CdcSourceComponent``.

    :param component: the component.
    """
    name = class_name(component.class_id)
    if name == MANAGED_HOST:
        managed = component.properties.get("UserComponentTypeName")
        name = "" if managed is None else managed.text.partition(",")[0].rpartition(".")[2]
        return _MANAGED.get(name, name) or MANAGED_HOST
    return name


def class_name(class_id: str) -> str:
    """Return the name of a class id in format 8, without its prefix; ``ManagedComponentHost`` for one of .NET.

    :param class_id: the class id: a name, ProgID or GUID.
    """
    class_id = class_id.strip()
    match = _PROG_ID.fullmatch(class_id)
    if class_id.upper() in _HOSTS or (match and match[1] == "ManagedComponentWrapper"):
        return MANAGED_HOST
    if match:
        return _BY_PROG_ID.get(match[1], match[1])
    odbc = _ODBC.fullmatch(class_id)
    if odbc:
        return "ODBCSource" if odbc[1] == "Src" else "ODBCDestination"
    return _BY_GUID.get(class_id.upper(), class_id.removeprefix(_PREFIX))

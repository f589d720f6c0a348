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
_DATA_FLOW_GUIDS = ("{5918251B-2970-45A4-AB5F-01C3C588FE5A}", "{E3CFBEA8-1F48-40D8-91E1-2DEDC1EDDD56}")
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
_COMPONENT_GUIDS: Mapping[str, tuple[str, ...]] = {
    "OLEDBSource": (
        "{165A526D-D5DE-47FF-96A6-F8274C19826B}",
        "{BCEFE59B-6819-47F7-A125-63753B33ABB7}",
        "{2C0A8BE5-1EDC-4353-A0EF-B778599C65A0}",
    ),
    "OLEDBDestination": (
        "{4ADA7EAA-136C-4215-8098-D7A7C27FC0D1}",
        "{5A0B62E8-D91D-49F5-94A5-7BE58DE508F0}",
        "{E2568105-9550-4F71-A638-B7FE42E66922}",
    ),
    "DerivedColumn": (
        "{49928E82-9C4E-49F0-AABE-3812B82707EC}",
        "{2932025B-AB99-40F6-B5B8-783A73F80E24}",
        "{9CF90BF0-5BCC-4C63-B91D-1F322DC12C26}",
    ),
    "Lookup": (
        "{671046B0-AA63-4C9F-90E4-C06E0B710CE3}",
        "{27648839-180F-45E6-838D-AFF53DF682D2}",
        "{0FB4AABB-C027-4440-809A-1198049BF117}",
    ),
    "FlatFileSource": (
        "{D23FD76B-F51D-420F-BBCB-19CBF6AC1AB4}",
        "{5ACD952A-F16A-41D8-A681-713640837664}",
        "{90C7770B-DE7C-435E-880E-E718C92C0573}",
    ),
    "FlatFileDestination": (
        "{8DA75FED-1B7C-407D-B2AD-2B24209CCCA4}",
        "{D658C424-8CF0-441C-B3C4-955E183B7FBA}",
        "{A1DF9F6D-8EE4-4EF0-BB2E-D526130D7A7B}",
    ),
    "DataConvert": (
        "{62B1106C-7DB8-4EC8-ADD6-4C664DFFC54A}",
        "{BD06A22E-BC69-4AF7-A69B-C44C2EF684BB}",
        "{C3BF62C8-7C5C-4F85-83C3-E0B6F6BE267C}",
    ),
    "Sort": (
        "{5B1A3FF5-D366-4D75-AD1F-F19A36FCBEDB}",
        "{07127A7C-164B-422A-AD1F-24BE39B4DB38}",
        "{F1CEE4CE-066D-4FBE-9DC4-CD97202F3450}",
    ),
    "OLEDBCommand": (
        "{93FFEC66-CBC8-4C7F-9C6A-CB1C17A7567D}",
        "{8E61C8F6-C91D-43B6-97EB-3423C06571CC}",
        "{C60ACAD1-9BE8-46B3-87DA-70E59EADEA46}",
    ),
    "ConditionalSplit": (
        "{7F88F654-4E20-4D14-84F4-AF9C925D3087}",
        "{3AE878C6-0D6C-4F48-8128-40E00E9C1B7D}",
        "{53A228EE-EBFA-48D6-A1AC-5269E5824A2C}",
    ),
    "RowCount": (
        "{E2697D8C-70DA-42B2-8208-A19CE3A9FE41}",
        "{150E6007-7C6A-4CC3-8FF3-FC73783A972E}",
        "{DE50D3C7-41AF-4804-9247-CF1DEB147971}",
    ),
    "Multicast": (
        "{EC139FBC-694E-490B-8EA7-35690FB0F445}",
        "{1ACA4459-ACE0-496F-814A-8611F9C27E23}",
        "{F1CEE4CE-066D-4FBE-9DC4-4C697A617264}",
    ),
    "MergeJoin": (
        "{14D43A4F-D7BD-489D-829E-6DE35750CFE4}",
        "{A18A4D58-7C7A-4448-8B98-AE2CEFE81B4C}",
        "{0D598A60-0A32-4B1B-A72C-5030B64E3A20}",
    ),
    "ExcelSource": (
        "{8C084929-27D1-479F-9641-ABB7CDADF1AC}",
        "{A4B1E1C8-17F3-46C8-AAD0-34F0C6FE42DE}",
    ),
    "UnionAll": (
        "{B594E9A8-4351-4939-891C-CFE1AB93E925}",
        "{4D9F9B7C-84D9-4335-ADB0-2542A7E35422}",
        "{C5E47A29-265C-4F93-82CA-D8462EE23278}",
    ),
    "RecordsetDestination": (
        "{C457FD7E-CE98-4C4B-AEFE-F3AE0044F181}",
        "{167AF7E9-BA81-425F-B73D-E30C2DCC0F09}",
    ),
    "Merge": (
        "{36E0E750-2510-4776-AA6E-17EAE84FD63E}",
        "{08AE886A-4124-499C-B332-16E3299D225A}",
    ),
    "SCD": ("{25BBB0C5-369B-4303-B3DF-D0DC741DEE58}",),
    "ExcelDestination": ("{1F5D5712-2FBA-4CB9-A95A-86C1F336E1DA}",),
    "Aggregate": (
        "{5B201335-B360-485C-BB93-75C34E09B3D3}",
        "{9ABE8DF3-0052-42DB-8B18-2089E1D1D1B7}",
        "{F40CF2A6-384A-4C57-B99C-ADAF31E51EBC}",
    ),
    "Cache": ("{BF818E79-2C1C-410D-ADEA-B2D1A04FED01}",),
    "CharacterMap": ("{2D9FDEDD-085F-4294-ABBA-818E2CCD0733}",),
    "SQLServerDestination": ("{F452EAF3-5EF0-43F1-8067-09DDF0BC6316}",),
    "FuzzyLookup": ("{9F4EB4D4-AD71-496D-B70B-31ECE1139884}",),
}
"""The GUIDs of each class; the first is that of format 6."""
_BY_GUID = {guid: name for name, guids in _COMPONENT_GUIDS.items() for guid in guids}


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
    :raises KeyError: the GUID of the class is not known, which format 6 needs.
    """
    if name == MANAGED_HOST and format_version != 8:
        return _HOSTS[0]
    if format_version != 8:
        return _COMPONENT_GUIDS[name][0]
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

"""Which module runs each class of component, and which classes cannot run here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, FlowPart
from airflow_provider_ssis.project.type_names import component_class

if TYPE_CHECKING:
    from airflow_provider_ssis.project.package.data_flow import Component

_COMPONENTS = "airflow_provider_ssis.engine.data_flow.components"

MODULES: dict[str, str] = {
    "ADONETDestination": "ado_net_destination",
    "ADONETSource": "ado_net_source",
    "Aggregate": "aggregate",
    "BDD": "balanced_data_distributor",
    "Cache": "cache_transform",
    "CharacterMap": "character_map",
    "ConditionalSplit": "conditional_split",
    "CopyMap": "copy_column",
    "DataConvert": "data_conversion",
    "DataReaderDestinationAdapter": "data_reader_destination",
    "DerivedColumn": "derived_column",
    "ExcelDestination": "excel_destination",
    "ExcelSource": "excel_source",
    "Extractor": "export_column",
    "FlatFileDestination": "flat_file_destination",
    "FlatFileSource": "flat_file_source",
    "Inserter": "import_column",
    "Lineage": "audit",
    "Lookup": "lookup",
    "Merge": "merge",
    "MergeJoin": "merge_join",
    "Multicast": "multicast",
    "ODBCDestination": "odbc_destination",
    "ODBCSource": "odbc_source",
    "OLEDBCommand": "ole_db_command",
    "OLEDBDestination": "ole_db_destination",
    "OLEDBSource": "ole_db_source",
    "PctSampling": "percentage_sampling",
    "Pivot": "pivot",
    "RawDestination": "raw_file_destination",
    "RawSource": "raw_file_source",
    "RecordsetDestination": "recordset_destination",
    "RowCount": "row_count",
    "RowSampling": "row_sampling",
    "SCD": "slowly_changing_dimension",
    "SQLServerDestination": "sql_server_destination",
    "ScriptComponent": "script",
    "Sort": "sort",
    "UnPivot": "unpivot",
    "UnionAll": "union_all",
    "XMLSource": "xml_source",
}
"""The module of each class, in :mod:`airflow_provider_ssis.engine.data_flow.components`."""

_APPROXIMATE = "it matches approximately, with an index that only Integration Services has"
_ANALYSIS = "it needs SQL Server Analysis Services"
_MATCH = "Use a Lookup with cleaned keys, or replace the component with a Script component and a Python function."

REFUSED: dict[str, tuple[str, str]] = {
    "FuzzyLookup": (_APPROXIMATE, _MATCH),
    "FuzzyGrouping": (_APPROXIMATE, _MATCH),
    "TermExtraction": ("its dictionary of English nouns is part of Integration Services", _MATCH),
    "TermLookup": ("its dictionary of English nouns is part of Integration Services", _MATCH),
    "DataCorrectionComponent": (
        "it needs Data Quality Services",
        "Clean the values in a Script component with a Python function.",
    ),
    "PXPipelineDMQuery": (_ANALYSIS, "Run the package on a server with Integration Services."),
    "PXPipelineProcessPartition": (_ANALYSIS, "Run the package on a server with Integration Services."),
    "PXPipelineProcessDimension": (_ANALYSIS, "Run the package on a server with Integration Services."),
    "OData": (
        "it reads web services, and requests and login are not implemented",
        "Read the service in a Script component with a Python function.",
    ),
    "CdcSourceComponent": (
        "it reads change tables through a driver of Windows",
        "Read the change tables with an OLE DB Source.",
    ),
    "DataStreamingDestinationAdapter": (
        "it passes rows to the linked server of a catalog",
        "Use a DataReader Destination.",
    ),
}
"""Why a class cannot run here, and what can be done instead."""


def why_refused(component: Component) -> tuple[str, str]:
    """Return why no class of the engine runs a component, and what can be done instead.

    :param component: a component of a class that the engine does not run.
    """
    name = component_class(component)
    if name in REFUSED:
        return REFUSED[name]
    if not name.startswith("{"):
        why = "the engine does not know this class"
        return why, "Replace it with a Script component and a Python function, or run the package on a server."
    label = component.element.get("contactInfo", "").partition(";")[0].strip()
    why = "the engine does not know this class id" + (f" of a component named {label}" if label else "")
    return why, "Save the package in the current format with Visual Studio, which stores the name of the class then."


def part_of(plan: ComponentPlan) -> type[FlowPart] | None:
    """Return the class that runs a component; None if there is none.

    :param plan: the component. A function of the run's scripts replaces a source or destination of any class.
    """
    name = component_class(plan.stored)
    if plan.path in plan.options.scripts and name != "ScriptComponent":
        from airflow_provider_ssis.engine.data_flow.components.replaced import replacement

        return replacement(plan.stored)
    return part_class(name)


def part_class(class_name: str) -> type[FlowPart] | None:
    """Return the class that runs a class of component; None if there is none.

    :param class_name: as :func:`airflow_provider_ssis.project.type_names.component_class` returns it.
    """
    module_name = MODULES.get(class_name)
    if module_name is None:
        return None
    module = import_module(f"{_COMPONENTS}.{module_name}")
    return next(
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, FlowPart) and class_name in getattr(found, "classes", ())
    )

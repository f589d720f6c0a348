"""The types of tasks and components that SSIS on Linux and the engine run.

The names are those of :func:`~airflow_provider_ssis.project.type_names.task_type` and
:func:`~airflow_provider_ssis.project.type_names.component_class`. Source for Linux: Microsoft's page "Limitations and
known issues for SSIS on Linux", which says that what it does not list is not supported. A test compares the types of
the engine with its own tables.
"""

from __future__ import annotations

LINUX_TASKS = frozenset(
    {
        "BulkInsertTask",
        "DataProfilingTask",
        "DbMaintenanceTSQLExecuteTask",
        "ExecuteProcess",
        "ExecuteSQLTask",
        "ExpressionTask",
        "FileSystemTask",
        "FtpTask",
        "Pipeline",
        "ScriptTask",
        "SendMailTask",
        "TransferDatabaseTask",
        "WebServiceTask",
        "XMLTask",
    }
)
LINUX_COMPONENTS = frozenset(
    {
        "ADONETDestination",
        "ADONETSource",
        "Aggregate",
        "BDD",
        "CharacterMap",
        "ConditionalSplit",
        "CopyMap",
        "DataConvert",
        "DerivedColumn",
        "Extractor",
        "FlatFileDestination",
        "FlatFileSource",
        "FuzzyGrouping",
        "FuzzyLookup",
        "Inserter",
        "Lineage",
        "Lookup",
        "Merge",
        "MergeJoin",
        "Multicast",
        "ODBCDestination",
        "ODBCSource",
        "ODataSource",
        "OLEDBCommand",
        "OLEDBDestination",
        "OLEDBSource",
        "Pivot",
        "RawDestination",
        "RawSource",
        "RowCount",
        "SCD",
        "ScriptComponent",
        "Sort",
        "TermLookup",
        "UnPivot",
        "UnionAll",
        "XMLSource",
    }
)
ENGINE_TASKS = frozenset(
    {
        "BulkInsertTask",
        "ExecutePackageTask",
        "ExecuteProcess",
        "ExecuteSQLTask",
        "ExpressionTask",
        "FileSystemTask",
        "FtpTask",
        "Pipeline",
        "ScriptTask",
        "SendMailTask",
        "XMLTask",
    }
)
ENGINE_COMPONENTS = frozenset(
    {
        "ADONETDestination",
        "ADONETSource",
        "Aggregate",
        "BDD",
        "Cache",
        "CharacterMap",
        "ConditionalSplit",
        "CopyMap",
        "DataConvert",
        "DataReaderDestinationAdapter",
        "DerivedColumn",
        "ExcelDestination",
        "ExcelSource",
        "Extractor",
        "FlatFileDestination",
        "FlatFileSource",
        "Inserter",
        "Lineage",
        "Lookup",
        "Merge",
        "MergeJoin",
        "Multicast",
        "ODBCDestination",
        "ODBCSource",
        "OLEDBCommand",
        "OLEDBDestination",
        "OLEDBSource",
        "PctSampling",
        "Pivot",
        "RawDestination",
        "RawSource",
        "RecordsetDestination",
        "RowCount",
        "RowSampling",
        "SCD",
        "SQLServerDestination",
        "ScriptComponent",
        "Sort",
        "UnPivot",
        "UnionAll",
        "XMLSource",
    }
)

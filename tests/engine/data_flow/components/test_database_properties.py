"""The stored properties of database and Excel components: used, known to have no effect, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.components.odbc_destination import OdbcDestination
from airflow_provider_ssis.engine.data_flow.components.odbc_source import OdbcSource
from airflow_provider_ssis.engine.data_flow.databases.stored_options import fast_load_words
from airflow_provider_ssis.engine.data_flow.registry import part_class
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import read_pipeline
from airflow_provider_ssis.project.type_names import class_name as stored_class_name
from airflow_provider_ssis.project.type_names import component_class
from tests.support.database_components import TestColumn, destination, source

TEXT = ColumnType(DataTypeCode.DT_STR, 10, code_page=1252)
COLUMNS = (TestColumn("id", ColumnType(DataTypeCode.DT_I4)), TestColumn("name", TEXT))
EXCEL_COLUMNS = (TestColumn("id", ColumnType(DataTypeCode.DT_R8)),)
CODE_PAGES = {"DefaultCodePage": "1252", "AlwaysUseDefaultCodePage": "false"}
QUERY = {
    "CommandTimeout": "0",
    "OpenRowset": "",
    "OpenRowsetVariable": "",
    "SqlCommand": "SELECT 1",
    "SqlCommandVariable": "",
    "AccessMode": "2",
    "ParameterMapping": "",
}
ODBC = {
    "BatchSize": "1000",
    "LobChunkSize": "32768",
    "StatementTimeout": "0",
    "DefaultCodePage": "1252",
    "BindNumericAs": "0",
    "BindCharColumnsAs": "0",
}
STORED: dict[str, dict[str, str]] = {
    "OLEDBSource": CODE_PAGES | QUERY,
    "ExcelSource": QUERY | {"AccessMode": "0", "OpenRowset": "Sheet1$"},
    "ADONETSource": {
        "SqlCommand": "SELECT 1",
        "CommandTimeout": "30",
        "AllowImplicitStringConversion": "true",
        "TableOrViewName": "",
        "AccessMode": "2",
    },
    "SSISODBCSrc": ODBC
    | {
        "TableName": "t",
        "SqlCommand": "",
        "AccessMode": "0",
        "FetchMethod": "1",
        "ExposeCharColumnsAsUnicode": "false",
    },
    "OLEDBDestination": CODE_PAGES
    | {
        "CommandTimeout": "0",
        "OpenRowset": "t",
        "OpenRowsetVariable": "",
        "SqlCommand": "",
        "AccessMode": "3",
        "FastLoadKeepIdentity": "false",
        "FastLoadKeepNulls": "false",
        "FastLoadOptions": "tablock, Check_Constraints,ROWS_PER_BATCH = 50000",
        "FastLoadMaxInsertCommitSize": "2147483647",
    },
    "ADONETDestination": {
        "TableOrViewName": "t",
        "BatchSize": "0",
        "CommandTimeout": "30",
        "UseBulkInsertWhenPossible": "true",
    },
    "SSISODBCDst": ODBC | {"TableName": "t", "InsertMethod": "1", "TransactionSize": "0"},
    "SQLServerDestination": CODE_PAGES
    | {
        "BulkInsertTableName": "t",
        "BulkInsertCheckConstraints": "true",
        "BulkInsertFirstRow": "-1",
        "BulkInsertLastRow": "-1",
        "BulkInsertMaxErrors": "-1",
        "BulkInsertTablock": "true",
        "BulkInsertFireTriggers": "false",
        "BulkInsertKeepIdentity": "false",
        "BulkInsertKeepNulls": "false",
        "BulkInsertOrder": "",
        "Timeout": "30",
        "MaxInsertCommitSize": "0",
    },
    "OLEDBCommand": {"CommandTimeout": "0", "SqlCommand": "UPDATE t SET a = ?", "DefaultCodePage": "1252"},
    "ExcelDestination": {
        "CommandTimeout": "0",
        "OpenRowset": "Sheet1$",
        "OpenRowsetVariable": "",
        "SqlCommand": "",
        "AccessMode": "0",
        "FastLoadKeepIdentity": "false",
        "FastLoadKeepNulls": "false",
        "FastLoadOptions": "",
        "FastLoadMaxInsertCommitSize": "0",
    },
    "RecordsetDestination": {"VariableName": "User::Rows"},
    "RawSource": {"AccessMode": "0", "FileName": "a.raw", "FileNameVariable": ""},
    "RawDestination": {"AccessMode": "0", "FileName": "a.raw", "FileNameVariable": "", "WriteOption": "0"},
}
"""The properties that each component stores, with the values that the designer gives them: facts 3.1, 3.2, 3.10 to
3.23.
"""


def made(class_name: str, properties: Mapping[str, str], disposition: str = "FailComponent") -> ComponentPlan:
    make = source if class_name.endswith(("Source", "Src")) else destination
    columns = EXCEL_COLUMNS if class_name == "ExcelDestination" else COLUMNS
    return make(class_name, columns, properties, disposition=disposition)


@pytest.mark.parametrize("stored", ["Microsoft.SSISODBC{0}", "Attunity.SSISODBC{0}", "Attunity.SSISODBC{0}.1"])
def test_odbc_components_run_by_each_name_that_packages_have(stored: str) -> None:
    """Facts 2: most packages have the name of the first author of the components."""
    assert part_class(stored_class_name(stored.format("Src"))) is OdbcSource
    assert part_class(stored_class_name(stored.format("Dst"))) is OdbcDestination


def refusals(plan: ComponentPlan) -> list[Refusal]:
    part = part_class(component_class(plan.stored))
    assert part is not None
    return list(part.refusals(plan))


@pytest.mark.parametrize("class_name", STORED)
def test_the_properties_of_the_designer_are_accepted_and_others_refused(class_name: str) -> None:
    assert refusals(made(class_name, STORED[class_name])) == []
    (refused,) = refusals(made(class_name, STORED[class_name] | {"Fancy": "true"}))
    assert refused.what == "the property Fancy"
    assert refusals(made(class_name, STORED[class_name] | {"Fancy": ""})) == []


@pytest.mark.parametrize(
    ("class_name", "name", "value"),
    [
        ("OLEDBSource", "AccessMode", "4"),
        ("OLEDBSource", "CommandTimeout", "-1"),
        ("ExcelSource", "AccessMode", "4"),
        ("ExcelDestination", "AccessMode", "2"),
        ("ADONETSource", "AccessMode", "1"),
        ("ADONETSource", "CommandTimeout", "-5"),
        ("SSISODBCSrc", "AccessMode", "2"),
        ("SSISODBCSrc", "FetchMethod", "2"),
        ("SSISODBCSrc", "BindNumericAs", "7"),
        ("OLEDBDestination", "FastLoadOptions", "TABLOCK,NO_LOGGING"),
        ("OLEDBDestination", "FastLoadOptions", "TABLOCKS"),
        ("OLEDBDestination", "FastLoadOptions", "ORDER(id ASC, name DESC),TABLOCK"),
        ("OLEDBDestination", "FastLoadOptions", "ROWS_PER_BATCH = many"),
        ("OLEDBDestination", "FastLoadMaxInsertCommitSize", "-1"),
        ("ADONETDestination", "BatchSize", "-1"),
        ("SSISODBCDst", "InsertMethod", "2"),
        ("SSISODBCDst", "TransactionSize", "5000"),
        ("SSISODBCDst", "BindCharColumnsAs", "3"),
        ("SQLServerDestination", "BulkInsertOrder", "id ASC"),
        ("SQLServerDestination", "BulkInsertMaxErrors", "5"),
        ("SQLServerDestination", "BulkInsertFirstRow", "3"),
        ("SQLServerDestination", "BulkInsertLastRow", "3"),
        ("SQLServerDestination", "Timeout", "-1"),
        ("OLEDBCommand", "CommandTimeout", "-1"),
    ],
)
def test_a_value_that_changes_the_result_is_refused(class_name: str, name: str, value: str) -> None:
    (refused,) = refusals(made(class_name, STORED[class_name] | {name: value}))
    assert refused.where == "\\Package\\Load\\Part"
    thing = "the fast load option" if name == "FastLoadOptions" else value if name == "AccessMode" else name
    assert thing in refused.what


@pytest.mark.parametrize("class_name", ["OLEDBSource", "OLEDBDestination", "SQLServerDestination"])
def test_one_code_page_for_all_columns_must_be_that_of_the_columns(class_name: str) -> None:
    """The columns of the test have the code page 1252."""
    for page, count in (("1252", 0), ("1251", 1)):
        properties = STORED[class_name] | {"DefaultCodePage": page, "AlwaysUseDefaultCodePage": "true"}
        assert len(refusals(made(class_name, properties))) == count
        assert refusals(made(class_name, properties | {"AlwaysUseDefaultCodePage": "false"})) == []


def test_rows_of_batches_are_not_redirected_by_an_odbc_source() -> None:
    """Facts 3.22: redirecting needs the row mode."""
    for method, count in (("1", 1), ("0", 0)):
        plan = made("SSISODBCSrc", STORED["SSISODBCSrc"] | {"FetchMethod": method}, "RedirectRow")
        assert len(refusals(plan)) == count


@pytest.mark.parametrize("method", ["0", "1"])
def test_transactions_are_not_larger_than_the_batches_that_arrive(method: str) -> None:
    properties = STORED["SSISODBCDst"] | {"InsertMethod": method}
    assert refusals(made("SSISODBCDst", properties | {"TransactionSize": "10"})) == []
    assert len(refusals(made("SSISODBCDst", properties | {"TransactionSize": "5000"}))) == 1


def test_conversions_that_an_ado_net_source_forbids_are_refused() -> None:
    properties = STORED["ADONETSource"] | {"AllowImplicitStringConversion": "false"}
    plan = made("ADONETSource", properties)
    assert refusals(plan) == []
    plan.main_output.external_columns[1].element.set("dataType", "guid")
    assert len(refusals(made_again(plan))) == 1


def made_again(plan: ComponentPlan) -> ComponentPlan:
    """The plan after its XML was changed."""
    root = plan.stored.element.getroottree().getroot()
    return replace(plan, stored=read_pipeline(root, "p.dtsx").components[0])


def test_the_words_of_a_fast_load() -> None:
    """Facts 3.2; case does not matter."""
    assert fast_load_words("") == frozenset()
    assert fast_load_words("TABLOCK,CHECK_CONSTRAINTS,ROWS_PER_BATCH = 50000") == {"TABLOCK", "CHECK_CONSTRAINTS"}
    assert fast_load_words("fire_triggers, KILOBYTES_PER_BATCH=5") == {"FIRE_TRIGGERS"}
    with pytest.raises(ValueError, match="TABLOCK = 1"):
        fast_load_words("CHECK_CONSTRAINTS, TABLOCK = 1")

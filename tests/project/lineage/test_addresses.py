"""Names of tables and files by the rules of OpenLineage."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.project.connection_strings import connection_pairs
from airflow_provider_ssis.project.lineage.addresses import (
    Dataset,
    UnknownAddress,
    address_of,
    name_parts,
    table_of,
)

OLE_DB = "Provider=MSOLEDBSQL;"


@pytest.mark.parametrize(
    ("server", "namespace"),
    [
        ("DW01", "mssql://dw01:1433"),
        ("tcp:dw01.corp.example.com,1444", "mssql://dw01.corp.example.com:1444"),
        ("dw01\\Reports", "mssql://dw01/reports"),
        ("dw01\\Reports,1444", "mssql://dw01:1444"),
        (".", "mssql://localhost:1433"),
        ("(local)", "mssql://localhost:1433"),
        ("127.0.0.1", "mssql://localhost:1433"),
        ("fe80::1,1444", "mssql://[fe80::1]:1444"),
        ("dw01;Port=1444", "mssql://dw01:1444"),
    ],
)
def test_servers(server: str, namespace: str) -> None:
    address = address_of("OLEDB", "OLEDB", f"{OLE_DB}Data Source={server};Initial Catalog=DW;", {})
    assert table_of(address, ("dbo", "Sales")) == Dataset(namespace, "DW.dbo.Sales")


def test_a_local_server_gets_the_name_of_the_machine() -> None:
    address = address_of("OLEDB", "OLEDB", f"{OLE_DB}Data Source=.;", {}, machine="ETL01")
    assert address.namespace == "mssql://etl01:1433"


@pytest.mark.parametrize(
    ("kind", "creation_name", "text"),
    [
        ("ADO.NET", "ADO.NET:System.Data.SqlClient.SqlConnection, System.Data", "Server=dw01;Database=DW"),
        ("ADO.NET", "ADO.NET:SQL", "Data Source=dw01;Initial Catalog=DW;Integrated Security=True"),
        ("ODBC", "ODBC", "Driver={ODBC Driver 18 for SQL Server};Server=dw01;Database=DW"),
        ("OLEDB", "OLEDB", "Provider=SQLNCLI11.1;Data Source='dw01';Initial Catalog=\"DW\""),
    ],
)
def test_kinds_of_connections_to_sql_server(kind: str, creation_name: str, text: str) -> None:
    address = address_of(kind, creation_name, text, {})
    assert (address.namespace, address.database) == ("mssql://dw01:1433", "DW")


def test_properties_replace_parts_of_the_connection_string() -> None:
    text = f"{OLE_DB}Data Source=dev;Initial Catalog=DW"
    address = address_of("OLEDB", "OLEDB", text, {"ServerName": "prod", "InitialCatalog": "Mart"})
    assert (address.namespace, address.database) == ("mssql://prod:1433", "Mart")


@pytest.mark.parametrize(
    ("path", "namespace", "name"),
    [
        ("C:\\data\\orders.csv", "file", "C:/data/orders.csv"),
        ("\\\\Share01\\in\\orders.csv", "file://share01", "/in/orders.csv"),
        ("/data/orders.csv", "file", "/data/orders.csv"),
    ],
)
def test_files(path: str, namespace: str, name: str) -> None:
    assert address_of("FLATFILE", "FLATFILE", path, {}).file == Dataset(namespace, name)


def test_a_spreadsheet_is_a_file() -> None:
    text = 'Provider=Microsoft.ACE.OLEDB.12.0;Data Source=C:\\a.xlsx;Extended Properties="EXCEL 12.0 XML;HDR=YES";'
    assert address_of("EXCEL", "EXCEL", text, {}).file == Dataset("file", "C:/a.xlsx")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("OLEDB", "Provider=OraOLEDB.Oracle;Data Source=orcl"),
        ("OLEDB", f"{OLE_DB}Initial Catalog=DW"),
        ("OLEDB", f"{OLE_DB}Data Source=(localdb)\\MSSQLLocalDB"),
        ("OLEDB", f"{OLE_DB}Data Source=np:\\\\dw01\\pipe\\sql\\query"),
        ("OLEDB", f"{OLE_DB}Data Source=dw01,x"),
        ("FLATFILE", ""),
    ],
)
def test_places_that_cannot_be_named_are_rejected(kind: str, text: str) -> None:
    with pytest.raises(UnknownAddress):
        address_of(kind, kind, text, {})


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[D.W].[dbo].[Sales]", ("D.W", "dbo", "Sales")),
        ('"dbo"."Sales"', ("dbo", "Sales")),
        ("DW..Sales", ("DW", "", "Sales")),
        ("Sales", ("Sales",)),
        ("[a]]b]", ("a]b",)),
    ],
)
def test_names_of_tables(text: str, parts: tuple[str, ...]) -> None:
    assert name_parts(text) == parts


@pytest.mark.parametrize("parts", [("linked", "DW", "dbo", "Sales"), ("dbo", "Sales"), ("dbo", "")])
def test_tables_that_cannot_be_named_are_rejected(parts: tuple[str, ...]) -> None:
    with pytest.raises(UnknownAddress):
        table_of(address_of("OLEDB", "OLEDB", f"{OLE_DB}Data Source=dw01", {}), parts)


def test_quoted_values_can_contain_semicolons() -> None:
    assert connection_pairs('a=\'x;y\';B={p;q};c="1""2"') == {"a": "x;y", "b": "p;q", "c": '1"2'}

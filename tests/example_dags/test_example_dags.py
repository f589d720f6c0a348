"""The example DAGs, each run by real Airflow on the embedded SSISDB."""

from __future__ import annotations

import ast
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pyodbc
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from scripts.demo import DATA, DATABASE, make_tables
from tests.support.dag_runs import migrated_home, run_dag
from tests.support.places import ROOT
from tests.support.running import overrides_of, parameters_of

EXAMPLES = ROOT / "example_dags"


@pytest.fixture(scope="module")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated_home(tmp_path_factory.mktemp("airflow-home"))


def test_every_example_dag_has_a_test_here() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_ssis")}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tested


def test_ssis_quickstart(airflow_home: Path, ssisdb: SsisdbEmulator, catalog: Catalog) -> None:
    run = run_dag(airflow_home, EXAMPLES / "ssis_quickstart.py", ssisdb.airflow_uri)
    assert run.state == "success", run.log
    assert run.task("deploy")["returned"]["deployed"] is True
    assert run.task("load_sales")["returned"]["status"] == "succeeded"
    assert run.task("region_reprocessed")["returned"]["status"] == "succeeded"
    execution_ids = [run.task(name)["execution_id"] for name in ("load_sales", "reprocess_region")]
    assert [each.execution_id for each in catalog.executions()] == execution_ids[::-1]
    assert {each.status for each in catalog.executions()} == {OperationStatus.SUCCEEDED}
    assert "Merge Sales" in run.log
    assert ssisdb.password not in run.log


def test_ssis_reconfigure_and_run(airflow_home: Path, ssisdb: SsisdbEmulator, catalog: Catalog) -> None:
    run = run_dag(
        airflow_home,
        EXAMPLES / "ssis_reconfigure_and_run.py",
        ssisdb.airflow_uri,
        {"max_rows": 123, "full_load": True},
        connections={"AIRFLOW_CONN_SALES_DW": "generic://sales_owner:sales_secret@sales-dw-2"},
    )
    assert run.state == "success", run.log
    load = run.task("load_sales")
    execution = catalog.execution(load["execution_id"])
    assert execution is not None
    assert (execution.environment_name, execution.reference_type) == ("Production", "R")
    values = parameters_of(catalog, load["execution_id"])
    assert (values["MaxRows"], values["BatchSize"], values["LOGGING_LEVEL"]) == (123, 1000, 3)
    assert values["FullLoad"] in (True, 1)
    assert values["SourceSystem"] == "ERP-PROD"
    assert values["CM.SalesMartDW.ServerName"] == "sales-dw-2"
    assert values["CM.SalesFile.ConnectionString"] == "sales_backlog.csv"
    assert values["CM.SalesMartDW.Password"] is None, "the catalog shows no sensitive value"
    assert overrides_of(load["execution_id"]) == {
        r"\Package.Properties[MaxConcurrentExecutables]": ("2", False),
        r"\Package.Variables[User::FileName].Properties[Value]": (None, True),
    }
    for secret in ("sales_secret", "sales_owner.csv"):
        assert secret not in run.log
        assert secret not in str(load["rendered"])


def test_ssis_stop(airflow_home: Path, ssisdb: SsisdbEmulator, catalog: Catalog) -> None:
    ssisdb.scripts.take(600, package="LoadSales.dtsx")
    run = run_dag(airflow_home, EXAMPLES / "ssis_stop.py", ssisdb.airflow_uri)
    assert run.state == "success", run.log
    execution_id = run.task("start")["execution_id"]
    assert run.task("stop")["returned"] == [{"execution_id": execution_id, "status": "canceled"}]
    assert run.task("stop_all")["returned"] == []
    assert [each.status for each in catalog.executions()] == [OperationStatus.CANCELED]


def test_ssis_wait_without_workers(airflow_home: Path, ssisdb: SsisdbEmulator, catalog: Catalog) -> None:
    ssisdb.scripts.take(0.5, package="LoadSales.dtsx")
    run = run_dag(airflow_home, EXAMPLES / "ssis_wait_without_workers.py", ssisdb.airflow_uri)
    assert run.state == "success", run.log
    mapped = [run.task("load_regions", index)["returned"]["status"] for index in range(3)]
    assert mapped == ["succeeded"] * 3
    assert run.task("load_done")["returned"]["execution_id"] == run.task("start_load")["execution_id"]
    assert {each.status for each in catalog.executions()} == {OperationStatus.SUCCEEDED}


def test_ssis_validate_and_restore(airflow_home: Path, ssisdb: SsisdbEmulator, catalog: Catalog) -> None:
    run = run_dag(airflow_home, EXAMPLES / "ssis_validate_and_restore.py", ssisdb.airflow_uri)
    assert run.state == "success", run.log
    deployed = run.task("deploy")["returned"]
    assert (deployed["deployed"], deployed["previous_version"]) == (True, None)
    assert run.task("validate")["returned"]["status"] == "succeeded"
    assert run.task("restore")["returned"]["restored"] is False
    assert {each.status for each in catalog.validations()} == {OperationStatus.SUCCEEDED}


def test_ssis_run_local(airflow_home: Path, ssisdb: SsisdbEmulator, tmp_path: Path) -> None:
    make_tables(ssisdb.odbc_connection_string)
    warehouse = f"mssql://{ssisdb.user}:{quote(ssisdb.password)}@{ssisdb.host}:{ssisdb.port}/{DATABASE}"
    run = run_dag(
        airflow_home,
        EXAMPLES / "ssis_run_local.py",
        ssisdb.airflow_uri,
        {"inbox": str(DATA / "inbox")},
        connections={"AIRFLOW_CONN_SALES_DW": warehouse},
    )
    assert run.state == "success", run.log
    returned = run.task("load_sales")["returned"]
    assert (returned["status"], returned["errors"]) == ("succeeded", 0)
    with closing(pyodbc.connect(ssisdb.odbc(database=DATABASE), autocommit=True)) as connection:
        count = connection.execute("SELECT COUNT(*) FROM mart.FactSales").fetchval()
    assert count > 0
    assert sum(returned["rows"].values()) >= count
    assert ssisdb.password not in run.log


def test_ssis_build_and_run(airflow_home: Path, ssisdb: SsisdbEmulator, catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "net.csv").write_text("Sku,Price\r\nA,10.00\r\n")
    file = tmp_path / "Prices.ispac"
    conf = {"file": str(file), "folder": str(tmp_path)}
    run = run_dag(airflow_home, EXAMPLES / "ssis_build_and_run.py", ssisdb.airflow_uri, conf)
    assert run.state == "success", run.log
    assert run.task("build")["returned"] == str(file)
    assert run.task("deploy")["returned"]["deployed"] is True
    execution_id = run.task("add_taxes")["execution_id"]
    assert parameters_of(catalog, execution_id)["Folder"] == str(tmp_path)
    paths = {each.package_path for each in catalog.executables(execution_id)}
    assert paths == {r"\Package", r"\Package\Add taxes"}
    execution = catalog.execution(execution_id)
    assert execution is not None
    assert execution.status is OperationStatus.SUCCEEDED


def test_ssis_configure(airflow_home: Path, ssisdb: SsisdbEmulator, catalog: Catalog) -> None:
    run = run_dag(
        airflow_home,
        EXAMPLES / "ssis_configure.py",
        ssisdb.airflow_uri,
        connections={"AIRFLOW_CONN_SALES_DW": "generic://sales_owner:sales_secret@sales-dw-2"},
    )
    assert run.state == "success", run.log
    assert run.task("production")["returned"]["created"] is True
    values = parameters_of(catalog, run.task("load_sales")["execution_id"])
    assert (values["SourceSystem"], values["BatchSize"], values["MaxRows"]) == ("ERP-PROD", 2000, 500)
    assert values["CM.SalesMartDW.ServerName"] == "sales-dw-2"
    assert "sales_secret" not in run.log
    assert "sales_secret" not in str(run.task("production")["rendered"])


def test_ssis_package_sensor(airflow_home: Path, ssisdb: SsisdbEmulator, catalog: Catalog) -> None:
    run = run_dag(airflow_home, EXAMPLES / "ssis_package_sensor.py", ssisdb.airflow_uri)
    assert run.state == "success", run.log
    execution_id = run.task("load_sales")["execution_id"]
    assert run.task("stop_old")["returned"] == []
    assert run.task("sales_loaded")["returned"]["execution_id"] == execution_id
    [tap] = catalog.data_taps(execution_id)
    assert tap.max_rows == 100
    assert list(ssisdb.data_taps_folder.glob(f"*{execution_id}*"))


def test_the_examples_hold_no_secret() -> None:
    """A value marked as sensitive is a template: a literal would be stored in Airflow's database."""
    found = []
    for path in sorted(EXAMPLES.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                pairs = dict(zip([key and ast.dump(key) for key in node.keys], node.values, strict=True))
                if ast.dump(ast.Constant("sensitive")) in pairs:
                    found.append(ast.literal_eval(pairs[ast.dump(ast.Constant("value"))]))
    assert found
    assert [value for value in found if "{{" not in value] == []

"""Deploying projects to the embedded SSISDB, through a real ODBC driver."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.errors import DeploymentFailed, FolderNotFound, InvalidName, LoginFailed
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import InvalidTaskArgument, ProjectNameMismatch
from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.project.errors import BuildError, InvalidArchiveError, ProjectError
from airflow_provider_ssis.project.ispac import read_ispac
from airflow_provider_ssis.project.models import ProtectionLevel
from tests.support.mart import MART
from tests.support.places import SALES_MART
from tests.support.ssis_projects import (
    ispac_parts,
    make_ispac,
    make_project,
    package,
    parameter,
    task,
    write_ispac,
    write_project_folder,
)
from tests.support.task_runs import TaskRun, rendered


def deploy(source: Path | str, **arguments: Any) -> TaskRun:
    return TaskRun(SsisDeployProjectOperator(task_id="deploy", source=str(source), **{"folder": "Sales", **arguments}))


@pytest.fixture
def mart_file(tmp_path: Path) -> Path:
    path = tmp_path / "Mart.ispac"
    path.write_bytes(MART)
    return path


@pytest.fixture
def sales(catalog: Catalog) -> Catalog:
    catalog.create_folder("Sales")
    return catalog


def test_a_project_file_is_deployed(sales: Catalog, mart_file: Path) -> None:
    result = deploy(mart_file).execute()
    project = sales.project("Sales", "Mart")
    assert project is not None
    assert result == {
        "folder": "Sales",
        "project": "Mart",
        "project_id": project.project_id,
        "version": project.object_version_lsn,
        "operation_id": result["operation_id"],
        "deployed": True,
        "previous_version": None,
    }
    assert result["operation_id"] > 0
    assert [each.name for each in sales.packages("Sales", "Mart")] == ["Load.dtsx", "Strict.dtsx"]


@pytest.mark.parametrize("source", [SALES_MART, SALES_MART / "SalesMart.dtproj"], ids=["folder", "dtproj"])
def test_a_project_folder_is_built_and_deployed(sales: Catalog, source: Path) -> None:
    result = deploy(source).execute()
    assert (result["project"], result["deployed"]) == ("SalesMart", True)
    assert read_ispac(sales.get_project("Sales", "SalesMart")).name == "SalesMart"


def test_an_unchanged_project_is_not_deployed_again(sales: Catalog) -> None:
    first = deploy(SALES_MART).execute()
    task_run = deploy(SALES_MART)
    second = task_run.execute()
    assert second == {**first, "operation_id": None, "deployed": False, "previous_version": first["version"]}
    assert "unchanged" in str(task_run.log)


def test_an_unchanged_project_that_was_packed_otherwise_is_not_deployed_again(sales: Catalog, tmp_path: Path) -> None:
    deploy(SALES_MART).execute()
    stored, repacked = tmp_path / "stored.ispac", tmp_path / "repacked.ispac"
    stored.write_bytes(sales.get_project("Sales", "SalesMart"))
    with zipfile.ZipFile(stored) as old, zipfile.ZipFile(repacked, "w", zipfile.ZIP_STORED) as new:
        for name in reversed(old.namelist()):
            new.writestr(name, old.read(name))
    assert deploy(repacked).execute()["deployed"] is False


def test_an_unchanged_project_with_a_part_that_is_not_xml_is_not_deployed_again(sales: Catalog, tmp_path: Path) -> None:
    project = make_project("Mart", [package("Load.dtsx", task("T"))])
    files = []
    for number, compression in enumerate((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)):
        path = tmp_path / f"{number}.ispac"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, data in (*ispac_parts(project).items(), ("logo.png", b"\x89PNG" * 100)):
                archive.writestr(name, data)
        files.append(path)
    assert deploy(files[0]).execute()["deployed"] is True
    assert deploy(files[1]).execute()["deployed"] is False


def test_an_unchanged_project_is_deployed_again_by_force(sales: Catalog, mart_file: Path) -> None:
    first = deploy(mart_file).execute()
    second = deploy(mart_file, force=True).execute()
    assert second["deployed"] is True
    assert second["project_id"] == first["project_id"]
    assert second["version"] > first["version"]


def test_a_changed_project_becomes_a_new_version(sales: Catalog, mart_file: Path) -> None:
    first = deploy(mart_file).execute()
    mart_file.write_bytes(make_ispac("Mart", packages=[package("Load.dtsx", task("Other"))]))
    second = deploy(mart_file).execute()
    assert second["deployed"] is True
    assert (second["project_id"], second["version"] > first["version"]) == (first["project_id"], True)
    assert [each.name for each in sales.packages("Sales", "Mart")] == ["Load.dtsx"]


def test_the_folder_is_made_if_asked_for(catalog: Catalog, mart_file: Path) -> None:
    task_run = deploy(mart_file, create_folder=True)
    assert task_run.execute()["deployed"] is True
    assert "Created the folder Sales." in task_run.log.at("info")
    assert catalog.folder("Sales") is not None


def test_a_folder_that_is_there_is_kept(sales: Catalog, mart_file: Path) -> None:
    before = sales.folder("Sales")
    deploy(mart_file, create_folder=True).execute()
    assert sales.folder("Sales") == before


def test_a_missing_folder_is_an_error_that_names_the_way_out(catalog: Catalog, mart_file: Path) -> None:
    with pytest.raises(FolderNotFound, match=r"Sales.*create_folder=True"):
        deploy(mart_file).execute()


@pytest.mark.parametrize("given", ["Mart", "mart"])
def test_the_expected_name_may_be_given(sales: Catalog, mart_file: Path, given: str) -> None:
    assert deploy(mart_file, project=given).execute()["project"] == "Mart"


def test_another_name_than_the_manifests_is_an_error_before_anything_is_sent(catalog: Catalog, mart_file: Path) -> None:
    with pytest.raises(ProjectNameMismatch, match=r"named 'Mart', not 'Market'.*Nothing was deployed") as caught:
        deploy(mart_file, project="Market", create_folder=True).execute()
    assert (caught.value.given, caught.value.manifest) == ("Market", "Mart")
    assert catalog.folders() == []


@pytest.mark.parametrize("size", [0, 1, 100, len(MART) // 2, len(MART) - 1])
def test_a_truncated_file_is_an_error_before_anything_is_sent(catalog: Catalog, mart_file: Path, size: int) -> None:
    mart_file.write_bytes(MART[:size])
    with pytest.raises(ProjectError):
        deploy(mart_file, create_folder=True).execute()
    assert catalog.folders() == []


def test_a_folder_without_a_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=rf"{tmp_path.name}.*no \.dtproj"):
        deploy(tmp_path).execute()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidTaskArgument, match=r"Nothing\.ispac does not exist on this worker"):
        deploy(tmp_path / "Nothing.ispac").execute()


def test_a_damaged_file_is_named_without_the_traceback_of_its_reader(tmp_path: Path) -> None:
    path = tmp_path / "Mart.ispac"
    path.write_bytes(MART[: len(MART) // 2])
    with pytest.raises(InvalidArchiveError, match=r"cut short: copy it again, or build it again") as caught:
        deploy(path).execute()
    assert str(caught.value).startswith(f"{path}: the project file cannot be read as a zip archive: ")
    assert caught.value.__suppress_context__


def test_a_damaged_file_in_a_folder_is_named_with_the_folder(tmp_path: Path) -> None:
    write_project_folder(tmp_path, make_project("Mart", [package("Load.dtsx", task("T"))]))
    (tmp_path / "Load.dtsx").write_text("<broken")
    with pytest.raises(ProjectError) as caught:
        deploy(tmp_path).execute()
    assert str(caught.value).startswith(f"{tmp_path}: Load.dtsx")
    assert caught.value.__suppress_context__


def test_a_folder_name_that_the_catalog_refuses_is_an_error(catalog: Catalog, mart_file: Path) -> None:
    with pytest.raises(InvalidName, match="128 characters"):
        deploy(mart_file, folder="a|b", create_folder=True).execute()


def test_the_error_of_a_refused_project_has_the_reason_and_the_steps_before(catalog: Catalog, tmp_path: Path) -> None:
    """The catalog stores no project whose secrets a password protects."""
    protected = make_project("Mart", protection_level=ProtectionLevel.ENCRYPT_SENSITIVE_WITH_PASSWORD)
    path = tmp_path / "Mart.ispac"
    path.write_bytes(write_ispac(protected))
    with pytest.raises(DeploymentFailed) as caught:
        deploy(path, create_folder=True).execute()
    assert "EncryptSensitiveWithPassword" in str(caught.value)
    assert "The folder 'Sales' was created before and still exists." in str(caught.value)
    assert catalog.folder("Sales") is not None
    assert catalog.projects() == []


def test_a_wrong_password_is_reported(mart_file: Path, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", ssisdb.airflow_uri.replace(ssisdb.password, "wrong"))
    with pytest.raises(LoginFailed) as caught:
        deploy(mart_file).execute()
    assert ssisdb.password not in str(caught.value)


def test_names_with_quotes_brackets_semicolons_and_other_letters_work(catalog: Catalog, tmp_path: Path) -> None:
    name = "Zoë's [odd]; 売上--"
    write_project_folder(tmp_path / name, make_project(name, [package(f"{name}.dtsx", task("T"))]))
    result = deploy(tmp_path / name, folder=name, create_folder=True).execute()
    assert (result["folder"], result["project"]) == (name, name)
    assert [each.name for each in catalog.packages(name, name)] == [f"{name}.dtsx"]


def test_sensitive_values_are_removed_on_request(catalog: Catalog, tmp_path: Path) -> None:
    level = ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY
    load = replace(package("Load.dtsx", task("T")), protection_level=level)
    project = make_project("Mart", [load], [parameter("Key", value="hunter2", sensitive=True)], protection_level=level)
    path = tmp_path / "Mart.ispac"
    path.write_bytes(write_ispac(project))
    with pytest.raises(DeploymentFailed, match=r"level is EncryptSensitiveWithUserKey: with strip_sensitive=True"):
        deploy(path, create_folder=True).execute()
    run = deploy(path, strip_sensitive=True)
    assert run.execute()["deployed"] is True
    (warning,) = [line for line in run.log.at("warning") if "removed" in line]
    assert warning.startswith("Project.params: removed the value of the parameter Key, because only its author's")
    deployed = read_ispac(catalog.get_project("Sales", "Mart"))
    assert (deployed.protection_level, deployed.parameters[0].value) == (ProtectionLevel.DONT_SAVE_SENSITIVE, None)
    assert deploy(path, strip_sensitive=True).execute()["deployed"] is False


def test_a_path_object_is_a_source(sales: Catalog, mart_file: Path) -> None:
    operator = SsisDeployProjectOperator(task_id="deploy", source=mart_file, folder="Sales")
    assert TaskRun(rendered(operator)).execute()["project"] == "Mart"


def test_a_relative_source_starts_at_the_folder_of_the_dag_file(
    sales: Catalog, mart_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with DAG("nightly", schedule=None) as dag:
        task_run = deploy(Path(mart_file.name))
    dag.fileloc = str(tmp_path / "nightly.py")
    assert task_run.execute()["project"] == "Mart"
    missing = TaskRun(SsisDeployProjectOperator(task_id="other", source="Missing.ispac", folder="Sales", dag=dag))
    with pytest.raises(InvalidTaskArgument, match=rf"{tmp_path}/Missing\.ispac does not exist on this worker"):
        missing.execute()


def test_a_relative_source_without_a_dag_is_rejected() -> None:
    with pytest.raises(InvalidTaskArgument, match=r"'Mart\.ispac' is a relative path, and the task belongs to no DAG"):
        deploy("Mart.ispac").execute()


def test_source_folder_and_project_are_templated(sales: Catalog, mart_file: Path) -> None:
    operator = SsisDeployProjectOperator(
        task_id="deploy", source="{{ path }}/Mart.ispac", folder="{{ folder }}", project="{{ '' }}"
    )
    result = TaskRun(rendered(operator, path=str(mart_file.parent), folder="Sales")).execute()
    assert (result["folder"], result["project"]) == ("Sales", "Mart")


def test_every_template_field_is_stored_as_it_was_given() -> None:
    arguments: dict[str, Any] = {field: object() for field in SsisDeployProjectOperator.template_fields}
    task = SsisDeployProjectOperator(task_id="deploy", **arguments)
    assert {field: getattr(task, field) for field in arguments} == arguments

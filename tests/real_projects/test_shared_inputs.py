"""Each real file, and each that failed once: read, written again, inspected, checked, built, deployed, run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.requests import ExecutionRequest
from airflow_provider_ssis.lint.configuration import LintConfiguration
from airflow_provider_ssis.lint.runner import check
from airflow_provider_ssis.project.build import build_project
from airflow_provider_ssis.project.editing.package_editor import PackageEditor
from airflow_provider_ssis.project.errors import ProtectedError
from airflow_provider_ssis.project.inspection.description import describe
from airflow_provider_ssis.project.inspection.graph import control_flow_graph
from airflow_provider_ssis.project.inspection.pictures import PICTURES
from airflow_provider_ssis.project.ispac import read_ispac
from airflow_provider_ssis.project.package.document import read_dts_package
from airflow_provider_ssis.project.safe_xml import parse_xml
from airflow_provider_ssis.project.visual_studio.deployment_folder import build_deployment_folder
from tests.support.executions import start, wait_for_end
from tests.support.places import SHARED

PACKAGES = sorted(SHARED.glob("inputs/*/*.dtsx")) + sorted(SHARED.glob("faults/*/*.dtsx"))
OTHERS = [each for kind in ("*.params", "*.conmgr", "*.dtproj") for each in sorted(SHARED.glob(f"*/*/{kind}"))]
WHOLLY_ENCRYPTED = "F2_encrypt_all"

pytestmark = pytest.mark.skipif(not PACKAGES, reason="the real projects are not here (expected in ../shared)")


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def canonical(root: etree._Element) -> bytes:
    return etree.tostring(root, method="c14n2")


@pytest.mark.parametrize("path", PACKAGES, ids=name_of)
def test_each_package_is_read_written_inspected_and_checked(path: Path) -> None:
    data = path.read_bytes()
    package = read_dts_package(data, path.name)
    assert all(each.data() is not None or each.children is not None for each in package.container.walk())
    root = parse_xml(data, path.name, keep_all=True)
    again = etree.tostring(root.getroottree(), encoding="utf-8", xml_declaration=True)
    assert canonical(parse_xml(again, path.name, keep_all=True)) == canonical(root)
    if b"gb2312" not in data[:100]:
        assert PackageEditor(data, path.name).to_bytes() == data
    assert json.dumps(describe(path))
    for draw in PICTURES.values():
        assert draw(control_flow_graph(package))
    assert all(each.rule for each in check(path, LintConfiguration()))


@pytest.mark.parametrize("path", OTHERS, ids=name_of)
def test_each_other_file_is_written_again(path: Path) -> None:
    root = parse_xml(path.read_bytes(), path.name, keep_all=True)
    again = etree.tostring(root.getroottree(), encoding="utf-8", xml_declaration=True)
    assert canonical(parse_xml(again, path.name, keep_all=True)) == canonical(root)
    if WHOLLY_ENCRYPTED not in str(path):
        assert describe(path)
    else:
        with pytest.raises(ProtectedError, match="encrypted as a whole"):
            describe(path)


@pytest.mark.parametrize(
    ("folder", "packages"),
    [
        ("inputs/wide-world-importers", 1),
        ("inputs/ssis-build-sample", 2),
        ("faults/F1_space_preserve", 1),
        ("faults/F3_target_version", 1),
        ("faults/F5_no_params/P.ispac", 1),
    ],
)
def test_each_project_is_built_deployed_and_run(folder: str, packages: int, catalog: Catalog) -> None:
    source = SHARED / folder
    if source.is_dir():
        ispac = build_project(source, strip_sensitive=True).ispac
        assert build_project(source, strip_sensitive=True).ispac == ispac
    else:
        ispac = source.read_bytes()
    project = read_ispac(ispac)
    assert len(project.packages) == packages
    catalog.create_folder("Real")
    catalog.deploy_project("Real", project.name, ispac)
    for package in project.packages:
        parameters = {each.name: 1 for each in package.parameters if each.required and each.value is None}
        request = ExecutionRequest(folder="Real", project=project.name, package=package.name, parameters=parameters)
        assert wait_for_end(catalog, start(catalog, request)) is OperationStatus.SUCCEEDED


def test_a_project_that_is_encrypted_as_a_whole_is_refused() -> None:
    with pytest.raises(ProtectedError, match=r"encrypted as a whole|EncryptAll"):
        build_project(SHARED / "faults" / WHOLLY_ENCRYPTED)


def test_the_project_of_the_package_deployment_model_is_built() -> None:
    found = build_deployment_folder(SHARED / "inputs" / "ssisup-sample")
    assert {Path(each).suffix for each in found.files} == {".dtsx", ".SSISDeploymentManifest"}

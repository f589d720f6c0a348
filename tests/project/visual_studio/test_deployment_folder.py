"""The deployment folder of projects of the package deployment model."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from airflow_provider_ssis.cli.main import main
from airflow_provider_ssis.project.errors import BuildError, ProjectError
from airflow_provider_ssis.project.visual_studio.deployment_folder import build_deployment_folder, is_package_model
from tests.support.dtsx_text import package_text
from tests.support.places import INPUTS, needs_inputs
from tests.support.ssis_projects import make_project, package, write_project_folder

CONFIGURATION = (
    '<DTS:Configurations><DTS:Configuration DTS:ObjectName="Settings" DTS:ConfigurationType="1" '
    'DTS:ConfigurationString="C:\\old\\load.dtsConfig"/><DTS:Configuration DTS:ObjectName="Lost" '
    'DTS:ConfigurationType="1" DTS:ConfigurationString="lost.dtsConfig"/></DTS:Configurations>'
)


def write_sample(folder: Path, *, package_path: str = "Load.dtsx") -> Path:
    (folder / "Load.dtsx").write_bytes(package_text(CONFIGURATION))
    (folder / "load.dtsConfig").write_text("<DTSConfiguration/>")
    (folder / "Readme.txt").write_text("read me")
    path = folder / "Old.dtproj"
    path.write_text(
        "<Project><DeploymentModel>Package</DeploymentModel><DeploymentModelSpecificContent><Manifest><DTSPackages>"
        f'<DtsPackage FormatVersion="8"><Name>Load.dtsx</Name><FullPath>{package_path}</FullPath></DtsPackage>'
        "</DTSPackages></Manifest></DeploymentModelSpecificContent><Miscellaneous><ProjectItem><Name>Readme.txt</Name>"
        "<FullPath>Readme.txt</FullPath></ProjectItem></Miscellaneous></Project>"
    )
    return path


def test_the_folder_has_the_files_and_the_manifest_of_visual_studio(tmp_path: Path) -> None:
    built = build_deployment_folder(write_sample(tmp_path))
    assert list(built.files) == ["Load.dtsx", "load.dtsConfig", "Readme.txt", "Old.SSISDeploymentManifest"]
    assert built.files["Load.dtsx"] == (tmp_path / "Load.dtsx").read_bytes()
    root = etree.fromstring(built.files["Old.SSISDeploymentManifest"])
    assert (root.tag, root.get("GeneratedFromProjectName")) == ("DTSDeploymentManifest", "Old")
    assert [(child.tag, child.text) for child in root] == [
        ("Package", "Load.dtsx"),
        ("ConfigurationFile", "load.dtsConfig"),
        ("MiscellaneousFile", "Readme.txt"),
    ]
    assert built.warnings == (
        "Load.dtsx: its configuration file lost.dtsConfig is not in the project's folder, so it is left out",
    )
    assert build_deployment_folder(tmp_path) == built


def test_data_sources_are_not_deployed_and_configurations_can_be_locked(tmp_path: Path) -> None:
    path = write_sample(tmp_path)
    options = "<Configurations><Configuration><Name>D</Name><Options><AllowConfigurationChanges>False"
    options += "</AllowConfigurationChanges></Options></Configuration></Configurations></Project>"
    sources = (
        "<Project><DataSources><ProjectItem><Name>A.ds</Name><FullPath>A.ds</FullPath></ProjectItem></DataSources>"
    )
    path.write_text(path.read_text().replace("</Project>", options).replace("<Project>", sources))
    built = build_deployment_folder(tmp_path)
    assert "A.ds" not in built.files
    root = etree.fromstring(built.files["Old.SSISDeploymentManifest"])
    assert root.get("AllowConfigurationChanges") == "false"


@pytest.mark.parametrize("path", ["..\\Load.dtsx", "C:\\Load.dtsx", "sub\\Load.dtsx"])
def test_files_outside_the_folder_are_rejected(tmp_path: Path, path: str) -> None:
    with pytest.raises(BuildError, match="not a file in the project's folder"):
        build_deployment_folder(write_sample(tmp_path, package_path=path))


def test_a_missing_package_is_rejected(tmp_path: Path) -> None:
    write_sample(tmp_path)
    (tmp_path / "Load.dtsx").unlink()
    with pytest.raises(ProjectError, match=r"Load\.dtsx is missing"):
        build_deployment_folder(tmp_path)


def test_a_project_of_the_other_model_is_recognised(tmp_path: Path) -> None:
    write_project_folder(tmp_path, make_project("Sales", [package("Load.dtsx")]))
    assert not is_package_model(tmp_path)
    with pytest.raises(ProjectError, match="does not use the package deployment model"):
        build_deployment_folder(tmp_path)


def test_the_command_writes_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "source").mkdir()
    write_sample(tmp_path / "source")
    output = tmp_path / "deployment"
    assert main(["build", str(tmp_path / "source"), "--output", str(output)]) == 0
    assert sorted(path.name for path in output.iterdir()) == [
        "Load.dtsx", "Old.SSISDeploymentManifest", "Readme.txt", "load.dtsConfig"
    ]  # fmt: skip
    assert "Packages (1): Load.dtsx" in capsys.readouterr().out
    assert main(["build", str(tmp_path / "source"), "--output", str(tmp_path / "source")]) == 1


@needs_inputs
def test_a_real_project_is_built() -> None:
    built = build_deployment_folder(INPUTS / "ssisup-sample")
    assert list(built.files) == ["SampleJob.dtsx", "SsisUp.Sample.SSIS.SSISDeploymentManifest"]

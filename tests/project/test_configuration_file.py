"""Configuration files of the package deployment model, and its projects."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.project.configuration_file import ConfiguredValue, read_configuration_file
from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.visual_studio.dtproj import ProjectPackage, read_package_model

HEADING = (
    '<DTSConfigurationHeading><DTSConfigurationFileInfo GeneratedBy="me" GeneratedFromPackageName="Load" '
    'GeneratedFromPackageID="{1}" GeneratedDate="1/2/2020"/></DTSConfigurationHeading>'
)


def test_values_are_read_in_order() -> None:
    file = read_configuration_file(
        f"<DTSConfiguration>{HEADING}"
        '<Configuration ConfiguredType="Property" Path="\\Package.Variables[User::A].Properties[Value]"'
        ' ValueType="Int32"><ConfiguredValue>7</ConfiguredValue></Configuration>'
        '<Configuration ConfiguredType="Property" Path="\\Package.Connections[C].Properties[Password]"'
        ' ValueType="String"><ConfiguredValue xml:space="preserve"> </ConfiguredValue></Configuration>'
        "</DTSConfiguration>".encode(),
        "Load.dtsConfig",
    )
    assert (file.generated_by, file.package_name, file.package_id) == ("me", "Load", "{1}")
    assert file.generated_date == "1/2/2020"
    first, second = file.values
    assert first == ConfiguredValue("\\Package.Variables[User::A].Properties[Value]", "Property", "Int32", "7")
    assert second.value == " "


def test_the_repr_of_a_value_does_not_show_it() -> None:
    assert "hunter2" not in repr(ConfiguredValue("p", "Property", "String", "hunter2"))


def test_a_file_without_heading_and_values() -> None:
    file = read_configuration_file(b"<DTSConfiguration/>", "Load.dtsConfig")
    assert (file.package_name, file.values) == ("", ())


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"<configuration/>", "is not a configuration file"),
        (b"<DTSConfiguration>\n<Configuration/></DTSConfiguration>", "line 2, contains a value without a path"),
    ],
)
def test_another_file_is_rejected(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidPartError, match=problem):
        read_configuration_file(data, "Load.dtsConfig")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (
            "<DeploymentModel>Package</DeploymentModel><DeploymentModelSpecificContent><Manifest>",
            "</Manifest></DeploymentModelSpecificContent>",
        ),
        ("", ""),
    ],
    ids=["since 2012", "before"],
)
def test_a_project_of_the_package_deployment_model_is_read(start: str, end: str) -> None:
    project = read_package_model(
        f'<Project>{start}<DTSPackages><DtsPackage FormatVersion="3"><Name>A.dtsx</Name><FullPath>A.dtsx</FullPath>'
        f"</DtsPackage><DtsPackage><Name>B</Name></DtsPackage></DTSPackages>{end}"
        "<Configurations><Configuration><Name>Test</Name></Configuration></Configurations></Project>".encode(),
        "Old.dtproj",
    )
    assert project.packages == (ProjectPackage("A.dtsx", "A.dtsx", 3), ProjectPackage("B", "", None))
    assert [one.name for one in project.configurations] == ["Test"]


def test_a_project_of_the_other_model_is_rejected() -> None:
    with pytest.raises(InvalidPartError, match="does not use the package deployment model"):
        read_package_model(b"<Project><DeploymentModel>Project</DeploymentModel></Project>", "New.dtproj")

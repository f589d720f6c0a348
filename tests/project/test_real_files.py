"""Real projects of Microsoft and others: read, built, or refused with the reason."""

from __future__ import annotations

from collections import Counter

import pytest

from airflow_provider_ssis.project.build import build_ispac, build_project
from airflow_provider_ssis.project.configuration_file import read_configuration_file
from airflow_provider_ssis.project.content import content_hash
from airflow_provider_ssis.project.dtsx import read_package
from airflow_provider_ssis.project.errors import BuildError, ProtectedError
from airflow_provider_ssis.project.ispac import open_ispac, read_ispac
from airflow_provider_ssis.project.manifest.project_manifest import read_manifest
from airflow_provider_ssis.project.manifest.properties import read_parameters, read_project_parameters
from airflow_provider_ssis.project.models import ExecutableKind, ProtectionLevel
from airflow_provider_ssis.project.package.connections import read_connection_manager
from airflow_provider_ssis.project.safe_xml import parse_xml
from airflow_provider_ssis.project.visual_studio.dtproj import ProjectPackage, read_package_model
from tests.support.places import INPUTS, SHARED, needs_inputs

FAULTS = SHARED / "faults"

pytestmark = needs_inputs


def test_wide_world_importers_is_built_twice_the_same_and_read_again() -> None:
    folder = INPUTS / "wide-world-importers"
    built = build_project(folder)
    assert built.ispac == build_ispac(folder)
    (warning,) = built.warnings
    assert "connection managers are newer than those in Daily ETL.dtproj" in warning
    assert read_ispac(built.ispac) == built.project
    assert (built.project.name, built.project.protection_level) == ("Daily ETL", ProtectionLevel.DONT_SAVE_SENSITIVE)
    assert built.project.description == built.project.version_comments == ""
    assert len(content_hash(built.ispac)) == 64
    package_file = folder / "DailyETLMain.dtsx"
    assert open_ispac(built.ispac).parts["DailyETLMain.dtsx"] == package_file.read_bytes()


def test_wide_world_importers_has_its_94_executables_and_80_constraints() -> None:
    project = read_ispac(build_ispac(INPUTS / "wide-world-importers"))
    (package,) = project.packages
    assert package.control_flow is not None
    executables = list(package.control_flow.walk())[1:]
    assert Counter(executable.type for executable in executables) == {
        "Microsoft.ExecuteSQLTask": 53,
        "Microsoft.ExpressionTask": 15,
        "Microsoft.Pipeline": 13,
        "STOCK:SEQUENCE": 13,
    }
    constraints = [one for executable in package.control_flow.walk() for one in executable.constraints]
    assert len(constraints) == 80
    assert all(one.logical_and for one in constraints)
    flows = [executable.data_flow for executable in executables if executable.data_flow is not None]
    assert [(len(flow.components), len(flow.paths)) for flow in flows] == [(2, 1)] * 13
    assert flows[0].paths[0].id_string == "Paths[Integration_GetCityUpdates.OLE DB Source Output]"
    assert executables[3].path == "\\Package\\Load City Dimension\\Extract Updated City Data to Staging"


def test_wide_world_importers_has_connections_of_the_project_and_their_parameters() -> None:
    project = read_ispac(build_ispac(INPUTS / "wide-world-importers"))
    assert [manager.name for manager in project.connection_managers] == ["WWI_Source_DB", "WWI_DW_Destination_DB"]
    assert all("Integrated Security=SSPI" in manager.connection_string for manager in project.connection_managers)
    parameters = {parameter.name: parameter for parameter in project.parameters}
    assert (
        parameters["CM.WWI_Source_DB.InitialCatalog"].value == "WideWorldImporters"
    )  # as the .conmgr, not the .dtproj
    assert parameters["CM.WWI_Source_DB.RetainSameConnection"].value is False
    assert parameters["CM.WWI_Source_DB.Password"].sensitive
    assert parameters["CM.WWI_Source_DB.Password"].value is None


def test_a_project_under_a_password_is_refused_with_the_reason() -> None:
    with pytest.raises(ProtectedError, match=r"SampleSSISProject\.dtproj .*EncryptSensitiveWithPassword.*password"):
        build_ispac(INPUTS / "ssis-build-sample")


def test_a_project_under_a_password_is_built_without_its_secrets_on_request() -> None:
    built = build_project(INPUTS / "ssis-build-sample", strip_sensitive=True)
    assert built.project.protection_level is ProtectionLevel.DONT_SAVE_SENSITIVE
    assert built.project.target_server_version == 110
    assert len(built.stripped) == 6
    assert read_ispac(built.ispac) == built.project
    for data in open_ispac(built.ispac).parts.values():
        assert b"EncryptedData" not in data
        assert b"Salt=" not in data


def test_what_a_project_under_a_password_leaves_open_is_read() -> None:
    folder = INPUTS / "ssis-build-sample"
    dtproj = parse_xml((folder / "SampleSSISProject.dtproj").read_bytes(), "SampleSSISProject.dtproj")
    element = dtproj.find(".//{*}Project")
    assert element is not None
    manifest = read_manifest(element)
    first, second = manifest.packages
    assert (first.name, second.name) == ("Package 221.dtsx", "Package1.dtsx")
    parameters = {parameter.name: parameter for parameter in first.parameters}
    assert parameters["Parameteraa"].value == 0
    assert parameters["Parameterwere"].sensitive
    assert parameters["Parameterwere"].value is None
    params = parse_xml((folder / "Project.params").read_bytes(), "Project.params")
    server, database = read_parameters(list(params), "Project.params")
    assert (server.name, server.value) == ("SourceDBServer", "db-01112")
    assert (database.name, database.value) == ("SourceDBName", None)


def test_a_package_of_sql_server_2012_is_read() -> None:
    path = INPUTS / "ssis-build-sample" / "Package 221.dtsx"
    file = read_package(path.read_bytes(), path.name)
    assert (file.format_version, file.protection_level) == (6, ProtectionLevel.ENCRYPT_SENSITIVE_WITH_PASSWORD)
    assert file.parameters == ("Parameteraa", "Parameterwere")
    assert [manager.name for manager in file.connection_managers] == ["dest", "source"]
    assert file.control_flow is not None
    flow, script = file.control_flow.children
    assert script.type.startswith("Microsoft.SqlServer.Dts.Tasks.ScriptTask.ScriptTask")
    assert flow.data_flow is not None
    assert [path.id_string for path in flow.data_flow.paths] == [
        "Paths[ADO NET Source.ADO NET Source Output]",
        "Paths[Derived Column.Derived Column Output]",
    ]
    assert len(file.control_flow.constraints) == 1


def test_a_package_of_sql_server_2008_is_read() -> None:
    path = INPUTS / "ssis-tutorial" / "Lesson 3.dtsx"
    file = read_package(path.read_bytes(), path.name)
    assert (file.format_version, file.protection_level) == (3, ProtectionLevel.DONT_SAVE_SENSITIVE)
    assert file.control_flow is not None
    package, loop, flow = file.control_flow.walk()
    assert (loop.path, loop.kind) == ("\\Package\\Foreach File in Folder", ExecutableKind.FOREACH_LOOP)
    assert flow.data_flow is not None
    assert [component.name for component in flow.data_flow.components][1:3] == ["Lookup CurrencyKey", "Lookup DateKey"]
    first = flow.data_flow.paths[0]
    assert (first.source, first.destination) == ("Extract Sample Currency Data", "Lookup CurrencyKey")
    (handler,) = package.event_handlers
    assert (handler.event, handler.path, handler.propagate) == (
        "OnError",
        "\\Package.EventHandlers[OnError]",
        True,
    )


def test_a_project_of_the_package_deployment_model_is_refused_with_the_way_out() -> None:
    with pytest.raises(BuildError, match=r"package deployment model.*Convert to Project Deployment Model"):
        build_ispac(INPUTS / "ssisup-sample")


def test_a_project_of_the_package_deployment_model_is_read() -> None:
    path = INPUTS / "ssisup-sample" / "SsisUp.Sample.SSIS.dtproj"
    project = read_package_model(path.read_bytes(), path.name)
    assert project.packages == (ProjectPackage("SampleJob.dtsx", "SampleJob.dtsx", 6),)
    assert [configuration.name for configuration in project.configurations] == ["Development"]


def test_a_configuration_file_is_read() -> None:
    path = INPUTS / "ssis-tutorial" / "SSISTutorial.dtsConfig"
    file = read_configuration_file(path.read_bytes(), path.name)
    assert (file.generated_by, file.package_name) == ("Domain\\user", "Lesson 3")
    (value,) = file.values
    assert value.path == "\\Package.Variables[User::varFolderName].Properties[Value]"
    assert (value.configured_type, value.value_type) == ("Property", "String")
    assert value.value.endswith("Sample Data")


def test_a_package_without_a_protection_level_has_that_of_the_users_key() -> None:
    path = INPUTS / "ssisup-sample" / "SampleJob.dtsx"
    file = read_package(path.read_bytes(), path.name)
    assert file.protection_level is ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY


@pytest.mark.skipif(
    not FAULTS.is_dir(), reason="the inputs that failed once are not here (expected in ../shared/faults)"
)
def test_inputs_that_failed_once() -> None:
    built = build_project(FAULTS / "F1_space_preserve")
    assert [parameter.value for parameter in built.project.packages[0].parameters] == ["\n", ""]
    encrypted = FAULTS / "F2_encrypt_all"
    with pytest.raises(ProtectedError, match="EncryptAllWithPassword"):
        build_ispac(encrypted)
    with pytest.raises(ProtectedError):
        read_project_parameters(parse_xml((encrypted / "Project.params").read_bytes(), "P"), "Project.params")
    with pytest.raises(ProtectedError):
        read_connection_manager(parse_xml((encrypted / "Sales.conmgr").read_bytes(), "S"), "Sales.conmgr")
    assert build_project(FAULTS / "F3_target_version").project.target_server_version == 150
    assert read_package((FAULTS / "F4_format5" / "Load.dtsx").read_bytes(), "Load.dtsx").format_version == 5
    assert read_ispac(FAULTS / "F5_no_params" / "P.ispac").parameters == ()
    feed = parse_xml((FAULTS / "F6_child_connection_string" / "Feed.conmgr").read_bytes(), "Feed.conmgr")
    assert read_connection_manager(feed, "Feed.conmgr").connection_string == "host=feed.example.com"
    assert read_package((FAULTS / "F7_multibyte_encoding" / "Load.dtsx").read_bytes(), "Load.dtsx").format_version == 8

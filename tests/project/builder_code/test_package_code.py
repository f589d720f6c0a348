"""The code of ``inspect --as-python`` builds a package that ``diff`` finds equal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from airflow_provider_ssis.cli.main import main
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder_code.calls import Code
from airflow_provider_ssis.project.builder_code.component_code import WRITERS
from airflow_provider_ssis.project.builder_code.equality import differences
from airflow_provider_ssis.project.builder_code.package_code import python_code
from airflow_provider_ssis.project.builder_code.project_code import project_code
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.inspection.sources import open_files
from airflow_provider_ssis.project.ispac import read_ispac
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.document import DtsPackage, read_dts_package
from tests.project.builder.flows import COMPONENTS, Flow, new_flow
from tests.project.builder.sample import sales_project
from tests.support.places import INPUTS, needs_inputs


def new_flow_in(flow: Flow) -> Flow:
    """The same objects with another data flow of the package."""
    return replace(flow, flow=flow.package.add_data_flow("Other"))


def run(code: str) -> dict[str, Any]:
    """Run a program, and return its variables."""
    names: dict[str, Any] = {}
    exec(compile(code, "built.py", "exec"), names)  # noqa: S102 - the program of the test
    return names


def rebuilt(code: str) -> DtsPackage:
    """The package that the code builds."""
    built = run(code)["package"]
    assert isinstance(built, PackageBuilder)
    return built.read()


@pytest.mark.parametrize("target_server", [2019, 2014])
def test_a_package_with_every_object_is_built_again(target_server: int) -> None:
    package = sales_project(target_server).packages["load"].read()
    code = python_code(package)
    assert differences(package.element, rebuilt(code).element, "Load.dtsx") == []
    for method in ("add_execute_sql", "add_execute_package", "add_execute_process", "add_file_system", "add_send_mail"):
        assert f".{method}(" in code
    assert code.count("add_stored_task") == 1  # the script, whose compiled form is not text


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_component_is_built_again(name: str) -> None:
    build, class_name, _ = COMPONENTS[name]
    _, flow = new_flow()
    build(flow)
    package = flow.package.read()
    code = python_code(package)
    assert "add_stored_task" not in code
    assert ("add_stored_component" in code) is (class_name not in WRITERS)
    assert differences(package.element, rebuilt(code).element, "Load.dtsx") == []


def test_logging_and_configurations_are_built_again() -> None:
    package = PackageBuilder("Load")
    file = package.connection_managers.add_file("Log", "log.csv", usage="create file")
    provider = package.add_log_provider("Text", "TextFile", file)
    package.set_logging(["OnError"], [provider])
    package.add_configuration("File", 1, "load.dtsConfig", enable=False)
    code = python_code(package.read())
    assert 'package.set_logging(["OnError"], [text])' in code
    assert differences(package.element(), rebuilt(code).element, "Load.dtsx") == []


def test_a_loop_without_enumerator_and_a_task_without_event_filter_are_built_again() -> None:
    package = PackageBuilder("Load")
    package.add_foreach_loop("New", None).set_logging()
    found = package.read()
    for empty in found.element.findall(f".//{DTS}LoggingOptions/*"):
        empty.getparent().remove(empty)  # type: ignore[union-attr]
    code = python_code(found)
    assert 'package.add_foreach_loop("New", None)' in code
    assert differences(found.element, rebuilt(code).element, "Load.dtsx") == []


def test_parameters_of_queries_keep_their_variables() -> None:
    _, flow = new_flow()
    COMPONENTS["OLE DB Source with parameters"][0](flow)
    package = flow.package.read()
    code = python_code(package)
    assert 'parameters=["User::Count"]' in code
    variables = {each.name: each.id for each in rebuilt(code).container.variables}
    assert variables["Count"] == flow.count.id


def test_dispositions_and_properties_are_built_again() -> None:
    _, flow = new_flow()
    source = flow.flow.add_oledb_source("Read", flow.mart, [Column("A"), Column("B")], table="[t]")
    source.set_dispositions("IgnoreFailure", "RedirectRow", column="B")
    source.set_properties({"CommandTimeout": 60})
    source.set_attributes({"validateExternalMetadata": "False"})
    flow.flow.set_attributes({"defaultBufferMaxRows": "500"})
    target = flow.flow.add_oledb_destination("Write", source.output, flow.mart, "[t]", keep_identity=True)
    target.set_dispositions()
    package = flow.package.read()
    code = python_code(package)
    assert 'read.set_dispositions("IgnoreFailure", "RedirectRow", column="B")' in code
    assert 'read.set_properties({"CommandTimeout": "60"})' in code
    assert differences(package.element, rebuilt(code).element, "Load.dtsx") == []


def test_paths_and_outputs_with_other_names_are_built_again() -> None:
    _, flow = new_flow()
    source = flow.source()
    source.path_name = "Rows"
    split = flow.flow.add_conditional_split("Split", source, {"Big": "[Price] > 1"})
    flow.end(split.outputs["Big"])
    text = etree.tostring(flow.package.element()).replace(b"OLE DB Source Output", b"Sortie source OLE DB")
    package = read_dts_package(text, "Load.dtsx")
    code = python_code(package)
    assert 'read.output.path_name = "Rows"' in code
    assert code.count("add_stored_component") == 1  # the source, whose output has a name in another language
    assert differences(package.element, rebuilt(code).element, "Load.dtsx") == []


def test_components_of_other_versions_are_built_again() -> None:
    _, flow = new_flow()
    lookup = COMPONENTS["Lookup"][0](flow)
    lookup.set_properties({"TreatDuplicateKeysAsError": None})
    target = COMPONENTS["Flat File Destination"][0](new_flow_in(flow))
    target.add_property("EscapeQualifier", True)
    target.set_attributes({"version": "1"})
    package = flow.package.read()
    code = python_code(package)
    assert "add_stored" not in code  # not the connection managers either
    assert 'save.add_property("EscapeQualifier", True)' in code
    assert differences(package.element, rebuilt(code).element, "Load.dtsx") == []
    with pytest.raises(BuildError, match="Use set_properties"):
        target.add_property("EscapeQualifier", False)


def test_texts_survive() -> None:
    package = PackageBuilder("Load")
    for number, text in enumerate(["", "a\"b'c\\", "two\nlines\n", "\r\n", "\t ü 漢 {}", "'", '"']):
        package.add_variable(f"Text{number}", text)
    values = {each.name: each.value for each in rebuilt(python_code(package.read())).container.variables}
    assert values == {each.name: each.value for each in package.read().container.variables}


def test_names_of_variables_are_valid_and_different() -> None:
    code = Code()
    names = [code.name_for(each) for each in ("Load", "load", "1st", "class", "Größe %", "漢", "true")]
    assert names == ["load", "load_2", "the_1st", "the_class", "gr_e", "object", "the_true"]


def test_a_package_whose_file_has_another_name_keeps_its_own() -> None:
    package = read_dts_package(sales_project().packages["child"].to_bytes(), "Copy of Child.dtsx")
    built = rebuilt(python_code(package))
    assert (built.part, built.container.name) == ("Copy of Child.dtsx", "Child")


def test_what_the_builder_does_not_write_is_named() -> None:
    package = sales_project().packages["child"].read()
    package.element.append(etree.Element(f"{DTS}Annotation", {f"{DTS}Name": "note"}))
    with pytest.raises(BuildError, match=r"parts that the builder does not write: removed Annotation\[note\]"):
        python_code(package)


def test_a_password_is_not_written() -> None:
    package = sales_project().packages["load"].read()
    inner = package.element.find(f".//{DTS}ConnectionManager[@{DTS}CreationName='OLEDB']/{DTS}ObjectData/*")
    manager = package.connection_managers[0].element.find(f"{DTS}ObjectData/*") if inner is None else inner
    assert manager is not None
    manager.set(f"{DTS}ConnectionString", "Data Source=.;Password=hidden;")
    changed = read_dts_package(etree.tostring(package.element), "Load.dtsx")
    with pytest.raises(BuildError, match="contains a password") as error:
        python_code(changed)
    assert "hidden" not in str(error.value)


@needs_inputs
@pytest.mark.parametrize(
    ("file", "password", "stored"),
    [
        ("wide-world-importers/DailyETLMain.dtsx", None, 0),
        ("ssis-build-sample/Package 221.dtsx", "ssis123", 1),
        ("ssis-build-sample/Package1.dtsx", None, 0),
        ("ssisup-sample/SampleJob.dtsx", None, 0),
    ],
)
def test_each_shared_input_is_built_again(file: str, password: str | None, stored: int) -> None:
    package = read_dts_package((INPUTS / file).read_bytes(), Path(file).name, password=password)
    code = python_code(package)
    assert code.count("add_stored_task") == stored
    assert differences(package.element, rebuilt(code).element, package.part) == []


@needs_inputs
def test_a_package_of_an_old_format_is_refused() -> None:
    path = INPUTS / "ssis-tutorial" / "Lesson 3.dtsx"
    with pytest.raises(BuildError, match="has the format 3, which the builder does not write"):
        python_code(read_dts_package(path.read_bytes(), path.name))


def test_a_project_is_built_again() -> None:
    project = sales_project()
    with open_files(project.to_ispac()) as files:
        built = run(project_code(files))["project"]
    before, after = read_ispac(project.to_ispac()), read_ispac(built.to_ispac())
    assert (after.name, after.description) == (before.name, before.description)
    assert after.target_server_version == before.target_server_version
    assert [(each.name, each.value, each.sensitive) for each in after.parameters] == [
        (each.name, each.value, each.sensitive) for each in before.parameters
    ]
    assert [each.id for each in after.connection_managers] == [each.id for each in before.connection_managers]
    for name in ("load", "child"):
        original, again = project.packages[name].element(), built.packages[name].element()
        assert differences(original, again, name) == []


@needs_inputs
@pytest.mark.parametrize("folder", ["wide-world-importers", "ssis-build-sample"])
def test_each_shared_project_is_built_again(folder: str) -> None:
    password = "ssis123" if folder == "ssis-build-sample" else None
    with open_files(INPUTS / folder, password=password) as files:
        built = run(project_code(files))["project"]
        names = files.package_names
    assert {each.part for each in built.packages.values()} == set(names)
    assert read_ispac(built.to_ispac()).packages


def test_the_command_prints_the_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = sales_project()
    file = tmp_path / "Sales.ispac"
    file.write_bytes(project.to_ispac())
    assert main(["inspect", str(file), "--as-python", "--package", "Child"]) == 0
    assert run(capsys.readouterr().out)["package"].name == "Child"
    assert main(["inspect", str(file), "--as-python"]) == 0
    assert set(run(capsys.readouterr().out)["project"].packages) == {"load", "child"}
    assert main(["inspect", str(file), "--as-python", "--lineage"]) == 2

"""The builder writes the elements and attributes that Visual Studio writes for the same objects."""

from __future__ import annotations

import pytest
from lxml import etree

from airflow_provider_ssis.project.builder.connections import ConnectionManagers
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.sql_parameters import SqlParameter
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.document import DtsPackage, read_dts_package
from airflow_provider_ssis.project.package.tasks import ExecuteSqlTask, ExpressionTask
from tests.project.builder.sample import sales_project
from tests.support.places import INPUTS, needs_inputs

pytestmark = needs_inputs


@pytest.fixture(scope="module")
def etl() -> DtsPackage:
    return read_dts_package((INPUTS / "wide-world-importers" / "DailyETLMain.dtsx").read_bytes(), "DailyETLMain.dtsx")


@pytest.fixture(scope="module")
def built() -> DtsPackage:
    return sales_project().packages["load"].read()


def names(element: etree._Element) -> tuple[set[str], list[str]]:
    """The names of the attributes, and of the elements inside in their order."""
    return {str(name) for name in element.attrib}, list(dict.fromkeys(str(child.tag) for child in element))


def canonical(element: etree._Element | None) -> bytes:
    assert element is not None
    return etree.tostring(element, method="c14n2", strip_text=True)


def test_each_execute_sql_task_is_written_as_visual_studio_wrote_it(etl: DtsPackage) -> None:
    package = PackageBuilder("Copy")
    connection = package.connection_managers.add_oledb("DW", "Data Source=.;")
    for each in etl.container.variables:
        package.add_variable(each.name, each.value)
    count = 0
    for container in etl.container.walk():
        task = container.data()
        if not isinstance(task, ExecuteSqlTask):
            continue
        count += 1
        connection.id = task.connection
        made = package.add_execute_sql(
            f"Task {count}",
            connection,
            task.source,
            parameters=[SqlParameter(one.variable, one.direction) for one in task.parameters],
            results={one.name: one.variable for one in task.results},
            result_type=task.result_type,
        ).element()
        assert canonical(made.find(f"{DTS}ObjectData/*")) == canonical(task.element)
        assert names(made) == names(container.element)
    assert count > 40


def test_each_expression_task_is_written_as_visual_studio_wrote_it(etl: DtsPackage) -> None:
    package = PackageBuilder("Copy")
    found = [each for each in etl.container.walk() if isinstance(each.data(), ExpressionTask)]
    assert found
    for number, container in enumerate(found):
        task = container.data()
        assert isinstance(task, ExpressionTask)
        made = package.add_expression(f"Task {number}", task.expression).element()
        assert canonical(made.find(f"{DTS}ObjectData/*")) == canonical(task.element)
        assert names(made) == names(container.element)


def test_containers_variables_and_constraints_have_the_same_names(etl: DtsPackage, built: DtsPackage) -> None:
    theirs = next(each for each in etl.container.children if each.type == "STOCK:SEQUENCE")
    package = PackageBuilder("Copy")
    package.add_variable("n", 1)
    sequence = package.add_sequence("S")
    sequence.connect(sequence.add_expression("A", "@[User::n] = 1"), sequence.add_expression("B", "@[User::n] = 2"))
    made = sequence.element()
    assert names(made) == names(theirs.element)
    constraint = f"{DTS}PrecedenceConstraints/{DTS}PrecedenceConstraint"
    ours, expected = made.find(constraint), theirs.element.find(constraint)
    assert ours is not None
    assert expected is not None
    assert names(ours) == names(expected)
    expected_variables = {each.data_type: names(each.element) for each in etl.container.variables}
    variables = {each.data_type: names(each.element) for each in built.container.variables if not each.expression}
    assert variables["Int32"] == expected_variables["Int32"]
    assert names(etl.element)[0] - names(built.element)[0] == set()


@pytest.mark.parametrize(
    ("file", "name"), [("SMTP Connection Manager.conmgr", "Mail"), ("FTP Connection Manager.conmgr", "Files")]
)
def test_project_connection_managers_have_the_same_names(file: str, name: str) -> None:
    expected = etree.parse(INPUTS / "ssis-build-sample" / file).getroot()
    managers = ConnectionManagers("P.dtproj", ("P",), project_level=True)
    ours = (
        managers.add_smtp(name, "mail.yahoo.com") if name == "Mail" else managers.add_ftp(name, "ss.ee", user="me")
    ).element()
    assert names(expected)[0] - names(ours)[0] <= {f"{DTS}Description"}
    assert names(ours)[1] == names(expected)[1]
    for element, other in zip(ours.iter("*"), expected.iter("*"), strict=False):
        assert element.tag == other.tag
        assert names(element)[0] - names(other)[0] == set()


def test_flat_files_have_the_same_names(built: DtsPackage) -> None:
    theirs = read_dts_package((INPUTS / "ssis-build-sample" / "Package 221.dtsx").read_bytes(), "P.dtsx")
    expected = next(each for each in theirs.connection_managers if each.kind == "FLATFILE")
    ours = next(each for each in built.connection_managers if each.kind == "FLATFILE")
    inner = f"{DTS}ObjectData/{DTS}ConnectionManager"
    mine, other = ours.element.find(inner), expected.element.find(inner)
    assert mine is not None
    assert other is not None
    assert names(mine)[0] - names(other)[0] == {f"{DTS}ConnectionString"}
    assert names(other)[0] - names(mine)[0] == set()
    assert names(ours.columns[0].element) == names(expected.columns[0].element)

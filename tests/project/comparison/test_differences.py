"""Semantic differences of packages and projects."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_provider_ssis.cli.main import main
from airflow_provider_ssis.project.archive import open_archive
from airflow_provider_ssis.project.build import build_ispac, build_project
from airflow_provider_ssis.project.comparison.differences import Difference, compare
from airflow_provider_ssis.project.errors import BuildError, ProtectedError
from airflow_provider_ssis.project.inspection.sources import open_files
from airflow_provider_ssis.project.protection.ciphers import CIPHERS
from airflow_provider_ssis.project.protection.encryption import PASSWORD_LEVELS, PasswordProtection
from airflow_provider_ssis.project.visual_studio.changes import Changes
from tests.lint.samples import (
    constraint,
    constraints,
    executable,
    executables,
    manager,
    plain,
    sql,
    variable,
    variables,
)
from tests.support.dtsx_text import old_properties, package_text
from tests.support.places import INPUTS, needs_inputs
from tests.support.ssis_projects import connection, make_project, package, parameter, task, write_project_folder


def differences(folder: Path, before: str, after: str, *, format_version: int = 8) -> list[tuple[str, str]]:
    """Return kind and path of each difference of two packages."""
    return [(one.kind, one.path) for one in full(folder, before, after, format_version=format_version)]


def full(folder: Path, before: str, after: str, *, format_version: int = 8) -> tuple[Difference, ...]:
    for name, text in (("one", before), ("two", after)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "Load.dtsx").write_bytes(package_text(text, format_version=format_version))
    with open_files(folder / "one" / "Load.dtsx") as one, open_files(folder / "two" / "Load.dtsx") as two:
        return compare(one, two)


def test_a_changed_statement_is_named_with_its_values(tmp_path: Path) -> None:
    (found,) = full(tmp_path, executables(sql(statement="SELECT 1")), executables(sql(statement="SELECT 2")))
    assert found == Difference(
        "changed", "Load.dtsx", "Executable[Sql]/SqlTaskData.SqlStatementSource", "SELECT 1", "SELECT 2"
    )


def test_objects_are_added_and_removed_as_a_whole(tmp_path: Path) -> None:
    before = variables(variable("a")) + executables(plain("A"), plain("B")) + constraints(constraint("A", "B"))
    after = variables(variable("b")) + executables(plain("A"))
    assert differences(tmp_path, before, after) == [
        ("removed", "Variable[a]"),
        ("removed", "Executable[B]"),
        ("removed", "PrecedenceConstraint[Package\\A -> Package\\B]"),
        ("added", "Variable[b]"),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (executables(plain("A"), plain("B")), executables(plain("B"), plain("A"))),
        (executables(plain("A", 'DTS:DTSID="{1}"')), executables(plain("A", 'DTS:DTSID="{2}"'))),
        ("", "<DTS:DesignTimeProperties>x</DTS:DesignTimeProperties>"),
        ("<DTS:Variables/>", ""),
    ],
)
def test_order_ids_and_layout_make_no_difference(tmp_path: Path, before: str, after: str) -> None:
    assert differences(tmp_path, before, after) == []


def flat_file(*columns: str) -> str:
    """The columns of format 2 and 3, without a collection around them."""
    inner = "".join(f'<DTS:FlatFileColumn DTS:ObjectName="{name}"/>' for name in columns)
    return manager(kind="FLATFILE").replace("/></DTS:ObjectData>", f">{inner}</DTS:ConnectionManager></DTS:ObjectData>")


def flat_file_of_format_8(*columns: str) -> str:
    inner = flat_file(*columns)
    start, end = inner.index("<DTS:FlatFileColumn"), inner.rindex("<DTS:FlatFileColumn")
    end = inner.index("/>", end) + 2
    return f"{inner[:start]}<DTS:FlatFileColumns>{inner[start:end]}</DTS:FlatFileColumns>{inner[end:]}"


def configurations(*names: str) -> str:
    each = "".join(f'<DTS:Configuration DTS:ObjectName="{name}" DTS:ConfigurationString="x"/>' for name in names)
    return f"<DTS:Configurations>{each}</DTS:Configurations>"


@pytest.mark.parametrize("make", [flat_file, flat_file_of_format_8, configurations])
def test_the_order_of_columns_and_configurations_is_a_difference(tmp_path: Path, make: Callable[..., str]) -> None:
    ((kind, path),) = differences(tmp_path, make("a", "b", "c"), make("b", "a", "c"))
    assert (kind, path.rpartition(".")[2]) == ("changed", "order")
    assert [kind for kind, _ in differences(tmp_path, make("a", "b"), make("a", "c", "b"))] == ["added"]


def bound(*each: str) -> str:
    return executables(sql(inner="".join(each)))


def mapped(*numbers: int) -> str:
    each = "".join(
        f'<DTS:ForEachVariableMapping DTS:ValueIndex="{one}" DTS:VariableName="User::v{one}"/>' for one in numbers
    )
    return executables(executable("Loop", "STOCK:FOREACHLOOP", each))


def assigned(*names: str) -> str:
    each = "".join(
        f"<ParameterAssignment><ParameterName>{name}</ParameterName><BindedVariableOrParameterName>User::{name}"
        "</BindedVariableOrParameterName></ParameterAssignment>"
        for name in names
    )
    return executables(plain("Child").replace("<ExpressionTask", f"<ExecutePackageTask>{each}</ExecutePackageTask><E"))


FIRST, SECOND = (
    f'<SQLTask:ParameterBinding SQLTask:ParameterName="{one}" SQLTask:DtsVariableName="User::v{one}"/>' for one in "01"
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (bound(FIRST, SECOND), bound(SECOND, FIRST)),
        (mapped(0, 1), mapped(1, 0)),
        (assigned("a", "b"), assigned("b", "a")),
    ],
)
def test_the_order_of_bindings_makes_no_difference(tmp_path: Path, before: str, after: str) -> None:
    assert differences(tmp_path, before, after) == []


FLOW = (
    '<pipeline id="0"><components><component id="{c}" name="Source" componentClassID="X"><outputs><output id="{o}" '
    'name="Out" synchronousInputId="0"><outputColumns><outputColumn id="{n}" name="{name}" lineageId="{n}" '
    'externalMetadataColumnId="{e}"/></outputColumns><externalMetadataColumns><externalMetadataColumn id="{e}" '
    'name="id"/></externalMetadataColumns></output></outputs></component><component id="{d}" name="Derive" '
    'componentClassID="Y"><inputs><input id="{i}" name="In"><inputColumns><inputColumn id="{u}" lineageId="{n}"/>'
    '</inputColumns></input></inputs><outputs><output id="{x}" name="Out" synchronousInputId="{i}"><outputColumns>'
    '<outputColumn id="{y}" name="new" lineageId="{y}"><properties><property id="{p}" name="Expression" '
    'containsID="true">#{n} + {number}</property></properties></outputColumn></outputColumns></output></outputs>'
    '</component></components><paths><path id="{t}" name="P" startId="{o}" endId="{i}"/></paths></pipeline>'
)


def numbered(first: int, *, name: str = "id", number: int = 1) -> str:
    numbers = {letter: first + index for index, letter in enumerate("conedixuypt")}
    return executables(
        executable("Flow", "X", f"<DTS:ObjectData>{FLOW.format(**numbers, name=name, number=number)}</DTS:ObjectData>")
    )


def test_numbers_of_old_data_flows_make_no_difference(tmp_path: Path) -> None:
    """All of them change when a component is made again."""
    assert differences(tmp_path, numbered(1), numbered(100), format_version=3) == []
    (found,) = full(tmp_path, numbered(1), numbered(100, number=2), format_version=3)
    assert (found.before, found.after) == ("#{Source.Out.Columns[id]} + 1", "#{Source.Out.Columns[id]} + 2")
    assert len(full(tmp_path, numbered(1), numbered(1, name="key"), format_version=3)) > 1
    for folder, text in (("one", numbered(1)), ("two", numbered(100))):
        (tmp_path / folder / "Load.dtsx").write_bytes(package_text(text, format_version=3))
    with open_files(tmp_path / "one" / "Load.dtsx") as one, open_files(tmp_path / "two" / "Load.dtsx") as two:
        assert compare(one, two, ids=True)


def enumerator(name: str) -> str:
    return executables(
        executable("A", "STOCK:FOREACHLOOP", f'<DTS:ForEachEnumerator DTS:CreationName="Microsoft.{name}"/>')
    )


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        (manager(kind="OLEDB"), manager(kind="ODBC"), "ConnectionManager[Mart].CreationName"),
        (enumerator("ForEachFileEnumerator"), enumerator("ForEachItemEnumerator"), "Executable[A]/ForEachEnumerator"),
    ],
)
def test_another_type_is_a_difference(tmp_path: Path, before: str, after: str, path: str) -> None:
    (found,) = differences(tmp_path, before, after)
    assert found[0] == "changed"
    assert found[1].startswith(path)


CONFIGURATION = (
    "<Configuration><Name>Production</Name><Options><TargetServerVersion>{0}</TargetServerVersion>"
    "<ParameterConfigurationValues>{1}</ParameterConfigurationValues></Options></Configuration>"
)
SETTING = "<ConfigurationSetting><Id>{0}</Id><Name>{1}</Name><Value>{2}</Value></ConfigurationSetting>"


def test_configurations_and_entry_points_are_compared(tmp_path: Path) -> None:
    made = make_project(
        "Sales", [package("Load.dtsx", task("A"))], [parameter("Region"), parameter("Key", sensitive=True)], []
    )
    packages = tuple(replace(one, entry_point=False) for one in made.packages)
    for name, version, region, key, content in (
        ("one", "SQLServer2019", "north", "k1", made),
        ("two", "SQLServer2022", "south", "k2", replace(made, packages=packages)),
    ):
        settings = SETTING.format("1", "Project::Region", region) + SETTING.format("2", "Project::Key", key)
        write_project_folder(tmp_path / name, content, configurations=CONFIGURATION.format(version, settings))
    with open_files(tmp_path / "one") as before, open_files(tmp_path / "two") as after:
        found = {one.path: (one.before, one.after) for one in compare(before, after)}
    assert found == {
        "Load.dtsx.EntryPoint": ("True", "False"),
        "Configuration[Production].TargetServerVersion": ("SQLServer2019", "SQLServer2022"),
        "Configuration[Production]/Project::Region": ("north", "south"),
        "Configuration[Production]/Project::Key": ("***", "***"),
    }


def test_passwords_are_not_shown(tmp_path: Path) -> None:
    (found,) = full(tmp_path, manager(text="Data Source=a;Password=x;"), manager(text="Data Source=b;Password=y;"))
    assert (found.before, found.after) == ("Data Source=a;Password=***;", "Data Source=b;Password=***;")


def test_old_formats_are_compared_by_name(tmp_path: Path) -> None:
    def old(value: str) -> str:
        inner = old_properties(ObjectName="A", Description=value, DTSID="{1}")
        return f'<DTS:Executable DTS:ExecutableType="X">{inner}</DTS:Executable>'

    assert differences(tmp_path, old("x"), old("y"), format_version=3) == [("changed", "Executable[A].Description")]


def project(folder: Path, region: str, *names: str, key: str = "x", version: int = 1) -> Path:
    folder.mkdir()
    made = make_project(
        "Sales",
        [package(name, task("A")) for name in names],
        [parameter("Region", value=region), parameter("Key", value=key, sensitive=True)],
        [connection("Mart")],
    )
    write_project_folder(folder, replace(made, version_major=version))
    return folder


def test_projects_are_compared_file_by_file(tmp_path: Path) -> None:
    one = project(tmp_path / "one", "north", "Load.dtsx", "Old.dtsx")
    two = project(tmp_path / "two", "south", "Load.dtsx", "New.dtsx", key="y", version=2)
    with open_files(one) as before, open_files(two) as after:
        found = compare(before, after)
    assert Difference("changed", "Sales.dtproj", "VersionMajor", "1", "2") in found
    assert Difference("changed", "Project.params", "Parameter[Region].Value", "north", "south") in found
    assert Difference("added", "New.dtsx", "") in found
    assert Difference("removed", "Old.dtsx", "") in found
    assert not any(one.after == "y" for one in found)
    with open_files(one) as before, open_files(two / "Load.dtsx") as after, pytest.raises(BuildError):
        compare(before, after)


def test_a_folder_equals_its_project_file(tmp_path: Path) -> None:
    folder = project(tmp_path / "one", "north", "Load.dtsx")
    with open_files(folder) as before, open_files(build_ispac(folder)) as after:
        assert compare(before, after) == ()


def test_the_command_prints_differences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = project(tmp_path / "one", "north", "Load.dtsx")
    two = project(tmp_path / "two", "south", "Load.dtsx", "New.dtsx")
    assert main(["diff", str(one), str(one)]) == 0
    assert capsys.readouterr().out == "No differences.\n"
    assert main(["diff", str(one), str(two)]) == 1
    printed = capsys.readouterr().out
    assert "New.dtsx\n  + (the file)\n" in printed
    assert '  ~ Parameter[Region].Value: "north" -> "south"\n' in printed
    assert main(["diff", str(one), str(two), "--json"]) == 1
    assert {"kind": "added", "file": "New.dtsx", "path": "", "before": None, "after": None} in json.loads(
        capsys.readouterr().out
    )
    assert main(["diff", str(one), str(tmp_path / "missing")]) == 2
    assert main(["diff", str(one), "catalog:Sales"]) == 2


@needs_inputs
@pytest.mark.parametrize(
    "name",
    [pytest.param("wide-world-importers", marks=pytest.mark.slow), "ssisup-sample", "ssis-tutorial/Lesson 3.dtsx"],
)
def test_real_projects_equal_themselves(name: str) -> None:
    with open_files(INPUTS / name) as before, open_files(INPUTS / name) as after:
        assert compare(before, after) == ()


def test_encrypted_projects_are_compared_with_their_password_only(tmp_path: Path) -> None:
    folder = project(tmp_path / "one", "north", "Load.dtsx")
    for level in PASSWORD_LEVELS:
        one, two = (
            build_project(folder, changes=Changes(protection=PasswordProtection(level, "secret", cipher))).ispac
            for cipher in CIPHERS
        )
        with (
            open_files(one, password="secret") as before,
            open_files(two, password="secret") as after,
        ):
            assert compare(before, after) == ()
    path = tmp_path / "Load.dtsx"
    path.write_bytes(open_ispac_part(two, "Load.dtsx"))
    with open_files(path) as before, open_files(path) as after, pytest.raises(ProtectedError, match="as a whole"):
        compare(before, after)


def open_ispac_part(data: bytes, name: str) -> bytes:
    with open_archive(data) as archive:
        return archive.read(name)

"""A package that was built in Python is changed, saved, built again from its own code, and run by the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_provider_ssis.engine import Result, run_package
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder_code.package_code import python_code
from airflow_provider_ssis.project.editing.package_editor import PackageEditor


def prices(folder: Path) -> PackageBuilder:
    """A package that reads net.csv and writes gross.csv, sorted by the price."""
    package = PackageBuilder("Prices")
    package.add_parameter("Rate", 2)
    managers = package.connection_managers
    net = [FlatFileColumn("Sku", length=20), FlatFileColumn("Price", "DT_I4")]
    source = managers.add_flat_file("Net", str(folder / "net.csv"), net)
    target = managers.add_flat_file("Gross", str(folder / "gross.csv"), [*net, FlatFileColumn("Gross", "DT_I4")])
    flow = package.add_data_flow("Load")
    read = flow.add_flat_file_source("Read", source)
    gross = flow.add_derived_column(
        "Gross", read.output, {Column("Gross", "DT_I4"): "[Price] * @[$Package::Rate]"}, replace={"Sku": "UPPER([Sku])"}
    )
    ordered = flow.add_sort("Order", gross.output, ["Price"])
    flow.add_flat_file_destination("Write", ordered.output, target)
    return package


def run(file: Path) -> list[str]:
    """Run the package, and return the lines that it has written."""
    assert run_package(file).status is Result.SUCCESS
    return (file.parent / "gross.csv").read_text(encoding="utf-8").splitlines()


def test_a_package_is_changed_and_run(tmp_path: Path) -> None:
    (tmp_path / "net.csv").write_bytes(b"Sku,Price\r\nb,30\r\na,4\r\n")
    file = prices(tmp_path).save(tmp_path)
    assert run(file) == ["Sku,Price,Gross", "A,4,8", "B,30,60"]

    editor = PackageEditor.open(file)
    editor.set_parameter("Rate", 3)
    editor.set(r"\Package\Load.Properties[[Gross].[Gross].[FriendlyExpression]]", "[Price] * @[$Package::Rate] + 1")
    editor.set(r"\Package\Load.Properties[[Write].[Overwrite]]", False)
    editor.save(file)
    assert run(file)[3:] == ["Sku,Price,Gross", "A,4,13", "B,30,91"]

    names: dict[str, Any] = {}
    exec(compile(python_code(editor.package), "built.py", "exec"), names)  # noqa: S102 - the program of the test
    (tmp_path / "gross.csv").unlink()
    assert run(names["package"].save(tmp_path)) == ["Sku,Price,Gross", "A,4,13", "B,30,91"]

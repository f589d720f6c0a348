"""Small packages for runs on this machine, which need no connection."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_ssis.project.builder.executables import Options
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder

TURNS = 3


def counting(name: str = "Count") -> PackageBuilder:
    """A package whose loop takes :data:`TURNS` iterations."""
    package = PackageBuilder(name)
    _add_loop(package)
    return package


def _add_loop(package: PackageBuilder) -> None:
    package.add_variable("Turn", 0)
    loop = package.add_for_loop(
        "Loop",
        f"@[User::Turn] < {TURNS}",
        init="@[User::Turn] = 0",
        assign="@[User::Turn] = @[User::Turn] + 1",
    )
    loop.add_sequence("Turn")


def failing(name: str = "Fail") -> PackageBuilder:
    """A package that fails: the condition of its loop has no value."""
    package = PackageBuilder(name)
    package.add_variable("Zero", 0)
    package.add_for_loop("Broken", "1 / @[User::Zero] == 1")
    return package


def endless(name: str = "Endless") -> PackageBuilder:
    """A package that runs until it is stopped."""
    package = PackageBuilder(name)
    package.add_for_loop("Forever", "1 == 1").add_sequence("Turn")
    return package


def copying(source: str, target: str, name: str = "Copy") -> PackageBuilder:
    """A package whose data flow copies a text file with a column of numbers."""
    package = PackageBuilder(name)
    columns = [FlatFileColumn("Id", "DT_I4")]
    flow = package.add_data_flow("Load")
    managers = package.connection_managers
    read = flow.add_flat_file_source("Read", managers.add_flat_file("In", source, columns))
    flow.add_flat_file_destination("Write", read.output, managers.add_flat_file("Out", target, columns))
    return package


def refused(name: str = "Refused") -> PackageBuilder:
    """A package with a script of .NET, which the engine cannot run."""
    package = PackageBuilder(name)
    package.add_script("Clean Up", {"ScriptMain.cs": "public class ScriptMain {}"}, b"compiled")
    return package


def saved(package: PackageBuilder, folder: Path) -> Path:
    """Write a package to a folder; returns its file."""
    package.save(folder)
    return folder / f"{package.name}.dtsx"


def small_project_bytes() -> bytes:
    """A project file with a package that counts, one that fails and one that never ends."""
    project = ProjectBuilder("Small")
    _add_loop(project.add_package("Count"))
    broken = project.add_package("Fail", options=Options())
    broken.add_variable("Zero", 0)
    broken.add_for_loop("Broken", "1 / @[User::Zero] == 1")
    project.add_package("Endless").add_for_loop("Forever", "1 == 1").add_sequence("Turn")
    return project.to_ispac()


def small_project(folder: Path) -> Path:
    """Write the project file of :func:`small_project_bytes`; returns it."""
    path = folder / "Small.ispac"
    path.write_bytes(small_project_bytes())
    return path

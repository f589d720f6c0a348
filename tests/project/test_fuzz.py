"""Each reader gets anything: the answer is a result or a ProjectError, within the limits on memory and time."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.project.archive import archive_of, read_parts
from airflow_provider_ssis.project.build import build_project
from airflow_provider_ssis.project.configuration_file import read_configuration_file
from airflow_provider_ssis.project.content import content_hash
from airflow_provider_ssis.project.dtsx import read_package
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.ispac import read_ispac
from airflow_provider_ssis.project.manifest.project_manifest import read_manifest
from airflow_provider_ssis.project.manifest.properties import read_project_parameters
from airflow_provider_ssis.project.namespaces import DTS, SSIS
from airflow_provider_ssis.project.package.connections import read_connection_manager
from airflow_provider_ssis.project.package.document import read_dts_package
from airflow_provider_ssis.project.protection.sensitive import strip_dts
from airflow_provider_ssis.project.safe_xml import parse_xml
from airflow_provider_ssis.project.visual_studio.dtproj import read_dtproj, read_package_model
from airflow_provider_ssis.project.visual_studio.user_file import read_user_file
from tests.support.project_strategies import damaged
from tests.support.ssis_projects import ispac_parts, make_project, package, parameter, task, write_project_folder
from tests.support.xml_strategies import documents


def read_all(data: bytes, part: str) -> None:
    """Read a package with the data of all its tasks and loops, and all values."""
    package = read_dts_package(data, part)
    for container in package.container.walk():
        container.data()
    for variable in package.container.variables:
        _ = variable.value
    for declared in package.parameters:
        _ = declared.value


READERS: dict[str, tuple[str, Callable[[bytes], object]]] = {
    "Load.dtsx": (f"{DTS}Executable", lambda data: read_package(data, "Load.dtsx")),
    "objects of Load.dtsx": (f"{DTS}Executable", lambda data: read_all(data, "Load.dtsx")),
    "Mart.conmgr": (
        f"{DTS}ConnectionManager",
        lambda data: read_connection_manager(parse_xml(data, "Mart.conmgr"), "Mart.conmgr"),
    ),
    "Project.params": (
        f"{SSIS}Parameters",
        lambda data: read_project_parameters(parse_xml(data, "Project.params"), "Project.params"),
    ),
    "@Project.manifest": (
        f"{SSIS}Project",
        lambda data: read_manifest(parse_xml(data, "@Project.manifest"), "@Project.manifest"),
    ),
    "Sales.dtsConfig": ("DTSConfiguration", lambda data: read_configuration_file(data, "Sales.dtsConfig")),
    "packages of Sales.dtproj": ("Project", lambda data: read_package_model(data, "Sales.dtproj")),
    "Sales.dtproj": ("Project", lambda data: read_dtproj(data, "Sales.dtproj")),
    "stripped Load.dtsx": (
        f"{DTS}Executable",
        lambda data: strip_dts(parse_xml(data, "Load.dtsx", keep_all=True), "Load.dtsx"),
    ),
    "Sales.dtproj.user": (
        "DataTransformationsUserConfiguration",
        lambda data: read_user_file(data, "Sales.dtproj.user"),
    ),
}
SAMPLE = make_project("Sales", [package("Load.dtsx", task("Copy"))], [parameter("Region", value="north")])


@pytest.mark.parametrize("name", READERS)
@pytest.mark.slow
def test_a_reader_gets_elements_in_any_place(name: str) -> None:
    root, read = READERS[name]
    part = name.rpartition(" ")[2]

    @given(documents(root) | documents() | st.binary(max_size=100))
    @settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    def check(data: bytes) -> None:
        try:
            read(data)
        except ProjectError as error:
            assert (error.part, str(error)[: len(part)]) == (part, part)  # noqa: PT017 - it may also be valid

    check()


@given(st.data())
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@pytest.mark.slow
def test_a_project_file_has_any_document_as_a_part(data: st.DataObject) -> None:
    parts = ispac_parts(SAMPLE)
    parts[data.draw(st.sampled_from(sorted(parts)))] = data.draw(documents())
    for read in (read_ispac, content_hash):
        try:
            read(archive_of(parts))
        except ProjectError as error:
            assert str(error)  # noqa: PT017


@given(data=st.data())
@settings(
    max_examples=50,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@pytest.mark.slow
def test_a_folder_has_any_document_as_a_file(tmp_path: Path, data: st.DataObject) -> None:
    write_project_folder(tmp_path, SAMPLE)
    path = tmp_path / data.draw(st.sampled_from(sorted(path.name for path in tmp_path.iterdir())))
    path.write_bytes(data.draw(documents() | documents("Project") | damaged(path.read_bytes())))
    try:
        build_project(tmp_path, strip_sensitive=data.draw(st.booleans()))
    except ProjectError as error:
        assert str(tmp_path) in str(error)  # noqa: PT017


@given(st.binary(max_size=300))
def test_any_bytes_are_a_project_file_or_an_error(data: bytes) -> None:
    for read in (read_parts, read_ispac, content_hash):
        try:
            read(data)
        except ProjectError as error:
            assert "archive" in str(error)  # noqa: PT017


# --- documents that are large or deep

MEBIBYTE = 2**20
LARGE = {
    "elements": "b'<a>' + b'<b/>' * (15 * M) + b'</a>'",
    "text": "b'<a>' + b'x' * (100 * M) + b'</a>'",
    "depth": "b'<a>' * (25 * M)",
    "attribute": "b'<a b=\"' + b'x' * (100 * M) + b'\"/>'",
    "attributes": "b'<a ' + b' '.join(b'a%d=\"\"' % n for n in range(5 * M)) + b'/>'",
    "namespaces": "b'<a ' + b' '.join(b'xmlns:a%d=\"%d\"' % (n, n) for n in range(4 * M)) + b'/>'",
    "comments": "b'<a>' + b'<!---->' * (14 * M) + b'</a>'",
    "blank leaves": "b'<a>' + b'<b> </b>' * (13 * M) + b'</a>'",
    "one name": "b'<' + b'a' * (100 * M) + b'/>'",
    "entities": "b'<!DOCTYPE a [' + b''.join(b'<!ENTITY e%d \"x\">' % n for n in range(4 * M)) + b']><a/>'",
    "declaration": "b'<?xml version=\"1.0\" ' + b' ' * (100 * M) + b'?><a/>'",
    "references": "b'<a>' + b'&#65;' * (20 * M) + b'</a>'",
}


@pytest.mark.processes
@pytest.mark.parametrize(("kind", "size"), [("text", 100), *((kind, 60) for kind in LARGE)])
def test_a_hundred_megabytes_of_xml_cost_bounded_memory_and_time(kind: str, size: int) -> None:
    """Beyond the limit on the size nothing is parsed. Below it, the memory grows with the size only."""
    code = f"""
import resource, sys, time
from airflow_provider_ssis.project.dtsx import read_package
from airflow_provider_ssis.project.errors import ProjectError
M = 2**20
data = ({LARGE[kind]})[: {size} * M]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_package(data, "Load.dtsx")
    sys.exit("accepted")
except ProjectError as error:
    problem = str(error)
after = resource.getrusage(resource.RUSAGE_SELF)
print((after.ru_maxrss - before) * 1024 / len(data), problem[:200])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (60, 60)),
    )
    ratio, problem = done.stdout.split(maxsplit=1)
    assert problem.startswith("Load.dtsx")
    assert float(ratio) < (0.1 if size == 100 else 4)

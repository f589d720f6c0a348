"""Project files are opened from an .ispac, a folder or a .dtproj, and compared without reading them into memory."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from airflow_provider_ssis.project.build import build_ispac, build_project
from airflow_provider_ssis.project.errors import BuildError, InvalidArchiveError, ProjectError, ProtectedError
from airflow_provider_ssis.project.ispac import read_ispac
from airflow_provider_ssis.project.models import ProtectionLevel
from airflow_provider_ssis.project.project_file import open_project
from airflow_provider_ssis.project.protection.encryption import PasswordProtection
from airflow_provider_ssis.project.visual_studio.changes import Changes
from tests.support.ssis_projects import make_project, package, parameter, write_ispac, write_project_folder

SAMPLE = make_project("Sales", [package("Load.dtsx")], [parameter("Region", value="north")])


@pytest.fixture
def ispac(tmp_path: Path) -> Path:
    path = tmp_path / "Sales.ispac"
    path.write_bytes(write_ispac(SAMPLE))
    return path


def test_a_project_file_is_opened_as_it_is(ispac: Path) -> None:
    with open_project(ispac) as file:
        assert (file.project, file.built, file.warnings, file.size) == (SAMPLE, False, (), ispac.stat().st_size)
        assert file.read() == ispac.read_bytes()


def test_a_folder_and_its_dtproj_are_built(tmp_path: Path) -> None:
    dtproj = write_project_folder(tmp_path, SAMPLE)
    for source in (tmp_path, dtproj):
        with open_project(source) as file:
            assert (file.project, file.built) == (SAMPLE, True)
            assert file.read() == build_ispac(tmp_path)


def test_errors_name_the_source(tmp_path: Path, ispac: Path) -> None:
    ispac.write_bytes(b"PK")
    for source in (ispac, tmp_path, tmp_path / "Other.ispac"):
        with pytest.raises(ProjectError) as caught, open_project(source):
            pass
        assert str(source) in str(caught.value)


def test_a_configuration_for_a_project_file_is_rejected(ispac: Path) -> None:
    with (
        pytest.raises(BuildError, match="the configuration 'Production' has no effect"),
        open_project(ispac, configuration="Production"),
    ):
        pass


def test_files_with_the_same_content_are_equal(ispac: Path) -> None:
    repacked = io.BytesIO()
    with zipfile.ZipFile(ispac) as old, zipfile.ZipFile(repacked, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    other = io.BytesIO(write_ispac(make_project("Sales", [package("Load.dtsx")], [parameter("Region", value="south")])))
    with open_project(ispac) as file:
        assert file.has_content_of(io.BytesIO(ispac.read_bytes()))
        assert file.has_content_of(repacked)
        assert not file.has_content_of(other)
        with pytest.raises(InvalidArchiveError):
            file.has_content_of(io.BytesIO(b"PK"))


def test_a_file_that_changes_while_it_is_used_is_rejected(ispac: Path) -> None:
    with open_project(ispac) as file:
        with ispac.open("r+b") as other:
            other.write(b"x")
        os.utime(ispac, ns=(1, 1))
        with pytest.raises(InvalidArchiveError, match="the project file was changed while it was read"):
            file.read()


def test_a_file_that_is_replaced_while_it_is_used_keeps_its_content(ispac: Path, tmp_path: Path) -> None:
    before = ispac.read_bytes()
    with open_project(ispac) as file:
        (tmp_path / "new").write_bytes(b"other")
        (tmp_path / "new").replace(ispac)
        assert file.read() == before


def test_a_protected_project_is_opened_without_its_secrets(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    write_project_folder(tmp_path / "source", SAMPLE)
    protection = PasswordProtection(ProtectionLevel.ENCRYPT_ALL_WITH_PASSWORD, "secret")
    path = tmp_path / "Sales.ispac"
    path.write_bytes(build_project(tmp_path / "source", changes=Changes(protection=protection)).ispac)
    with pytest.raises(ProtectedError), open_project(path, strip_sensitive=True):
        pass
    with open_project(path, strip_sensitive=True, password="secret") as file:
        assert file.project.protection_level is ProtectionLevel.DONT_SAVE_SENSITIVE
        assert read_ispac(file.read()) == file.project


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "A.ispac"
    os.mkfifo(path)
    with pytest.raises(ProjectError, match="it is a pipe, not a regular file"), open_project(path):
        pass

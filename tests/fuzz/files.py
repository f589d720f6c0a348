"""Files of SSIS: each gives a result or a :class:`ProjectError`, within limits of time and memory."""

from __future__ import annotations

import resource
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random

from lxml import etree

from airflow_provider_ssis.lint.configuration import LintConfiguration
from airflow_provider_ssis.lint.runner import check
from airflow_provider_ssis.project.build import build_project
from airflow_provider_ssis.project.comparison.canonical import canonical
from airflow_provider_ssis.project.comparison.differences import compare
from airflow_provider_ssis.project.content import content_hash
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.inspection.description import describe
from airflow_provider_ssis.project.inspection.sources import open_files
from airflow_provider_ssis.project.ispac import read_ispac
from airflow_provider_ssis.project.models import ProtectionLevel
from airflow_provider_ssis.project.protection.encryption import PasswordProtection
from airflow_provider_ssis.project.visual_studio.changes import Changes
from tests.fuzz.mutation import mutated_bytes
from tests.fuzz.target import FaultFound
from tests.support.places import SALES_MART
from tests.support.ssis_projects import zip_of

_MOST_SECONDS = 60.0
_MOST_MEGABYTES = 400.0
_ISPAC = "an.ispac"
_VALUES = (
    "",
    "0",
    "-1",
    "99999999999999999999",
    "1e400",
    "{",
    "{00000000-0000-0000-0000-000000000000}",
    "\u202e",
    "\r\n",
)


@cache
def _folder() -> Mapping[str, bytes]:
    """The files of a project folder."""
    return {path.name: path.read_bytes() for path in sorted(SALES_MART.iterdir())}


@cache
def _parts() -> Mapping[str, bytes]:
    """The parts of that project's .ispac."""
    with zipfile.ZipFile(BytesIO(build_project(SALES_MART).ispac)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


class Files:
    """The readers of .ispac, .dtsx, .dtproj, .params and .conmgr, and what describes, checks and compares them."""

    name = "files"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep a folder for project folders."""
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            self._folder = Path(folder)
            yield

    def make(self, chance: Random) -> bytes:
        """The name of a changed file, a line break, and its bytes."""
        if chance.randrange(4) == 0:
            return f"{_ISPAC}\n".encode() + mutated_bytes(chance, zip_of(_parts()), tuple(_parts().values()))
        if chance.randrange(2):
            parts = dict(_parts())
            name = chance.choice(sorted(parts))
            parts[name] = _mutated_xml(chance, parts[name])
            return f"{_ISPAC}\n".encode() + zip_of(parts)
        name = chance.choice(sorted(_folder()))
        return f"{name}\n".encode() + _mutated_xml(chance, _folder()[name])

    def feed(self, data: bytes) -> None:
        """Read the file, within its project."""
        name, _, content = data.partition(b"\n")
        memory, began = _peak_megabytes(), time.process_time()
        try:
            if name == _ISPAC.encode():
                for read in (read_ispac, content_hash, _describe_deployed):
                    with suppress(ProjectError):
                        read(content)
            else:
                for each, original in _folder().items():
                    (self._folder / each).write_bytes(content if each == name.decode() else original)
                for use in (build_project, _protect, describe, _compare, _format):
                    with suppress(ProjectError):
                        use(self._folder)
                check(self._folder, LintConfiguration(target="sqlserver2025"))
        except Exception as error:
            raise FaultFound(f"{name.decode()}: {error!r}") from error
        if (seconds := time.process_time() - began) > _MOST_SECONDS:
            raise FaultFound(f"{name.decode()}: took {seconds:.0f} s of processor time")
        if (grown := _peak_megabytes() - memory) > _MOST_MEGABYTES:
            raise FaultFound(f"{name.decode()}: took {grown:.0f} MB")


def _describe_deployed(content: bytes) -> None:
    """Read a project file as one that comes from the catalog."""
    with open_files(content) as files:
        compare(files, files)


def _protect(folder: Path) -> None:
    """Encrypt a project, and read it again."""
    protection = PasswordProtection(ProtectionLevel.ENCRYPT_SENSITIVE_WITH_PASSWORD, "secret")
    built = build_project(folder, changes=Changes(protection=protection))
    read_ispac(built.ispac, password="secret")


def _compare(folder: Path) -> None:
    with open_files(folder) as files:
        compare(files, files)


def _format(folder: Path) -> None:
    for path in folder.iterdir():
        if path.suffix != ".md":
            new = canonical(path.read_bytes(), path.name)
            assert canonical(new, path.name) == new


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _mutated_xml(chance: Random, data: bytes) -> bytes:
    """Change the bytes of a document, or its elements, attributes and texts."""
    if chance.randrange(2):
        return mutated_bytes(chance, data, tuple(_folder().values()))
    root = etree.fromstring(data)
    for _ in range(chance.randint(1, 4)):
        elements = [each for each in root.iter() if isinstance(each.tag, str)]
        element, other = chance.choice(elements), chance.choice(elements)
        match chance.randrange(7):
            case 0 if (parent := element.getparent()) is not None:
                parent.remove(element)
            case 1:
                other.append(deepcopy(element))
            case 2 if element.attrib:
                del element.attrib[chance.choice(sorted(element.attrib, key=str))]
            case 3 if element.attrib:
                element.set(chance.choice(sorted(element.attrib, key=str)), chance.choice(_VALUES))
            case 4:
                element.text = chance.choice(_VALUES)
            case 5:
                element.tag = other.tag
            case _:
                for _ in range(chance.choice((2, 50, 2000))):
                    element = etree.SubElement(element, element.tag)
    return etree.tostring(root, xml_declaration=True, encoding=chance.choice(("utf-8", "utf-16", "gb2312")))

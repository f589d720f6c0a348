"""Reading packages compared with lxml alone, and building projects compared with zlib alone."""

from __future__ import annotations

import io
import os
import resource
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from airflow_provider_ssis.project.build import build_into
from airflow_provider_ssis.project.package.document import read_dts_package
from benchmarks.results import Goal, Report, Result, cost, rate

NAME = "ssis_files"

_ROOT = Path(__file__).resolve().parent.parent
_REAL = _ROOT.parent / "shared" / "inputs"
_EXAMPLE = _ROOT / "example_dags" / "ssis" / "sales_mart"
_MOST = 2.0
_LEAST_SHARE_OF_ZLIB = 0.25


@dataclass(frozen=True, slots=True)
class Size:
    """What to measure.

    :param megabytes: how much is read.
    :param packages: the number of packages of the project that is built.
    :param repetitions: measurements of which the best counts.
    """

    megabytes: int
    packages: int
    repetitions: int


FULL = Size(megabytes=250, packages=40, repetitions=1)
SMALLEST = Size(megabytes=1, packages=2, repetitions=1)


def packages() -> Sequence[bytes]:
    """The packages that are read: real ones if they are here, else those of the example project."""
    folder = _REAL if _REAL.is_dir() else _EXAMPLE
    return [path.read_bytes() for path in sorted(folder.rglob("*.dtsx"))]


def run(size: Size) -> Report:
    """Measure."""
    data = packages()
    rounds = max(1, size.megabytes * 10**6 // sum(map(len, data)))
    megabytes = rounds * sum(map(len, data)) / 1e6
    alone = _best(size, lambda: _each(rounds, data, _lxml))
    before = _peak_megabytes()
    ours = _best(size, lambda: _each(rounds, data, lambda each: read_dts_package(each, "Package.dtsx")))
    grown = _peak_megabytes() - before
    results = [cost(NAME, f"read {megabytes:.0f} MB of packages", "s", ours=ours, peer=alone, peer_name="lxml alone")]
    results.append(_build(size, data))
    share = results[1].ratio or 0.0
    return Report(
        "SSIS files",
        results,
        goals=[
            Goal(
                f"reading takes at most {_MOST:g} times the time of lxml: {ours / alone:.2f} times",
                ours <= _MOST * alone,
            ),
            Goal(f"reading needs no more memory for more packages: {grown:.0f} MB", grown < 100),
            Goal(
                f"building reaches {_LEAST_SHARE_OF_ZLIB:.0%} of the rate of zlib, which checks nothing: {share:.0%}",
                share >= _LEAST_SHARE_OF_ZLIB,
            ),
        ],
        note="Processor time. The packages are read again and again until the size is reached.",
    )


def _build(size: Size, data: Sequence[bytes]) -> Result:
    """Build a project of copies of the largest package."""
    content = max(data, key=len)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        _write_project(folder, content, size.packages)
        ours = _best(size, lambda: build_into(io.BytesIO(), folder, strip_sensitive=False))
    alone = _best(size, lambda: _each(size.packages, [content], lambda each: zlib.compress(each, 6)))
    megabytes = len(content) * size.packages / 1e6
    return rate(
        NAME,
        f"build a project of {megabytes:.0f} MB",
        "MB/s",
        ours=megabytes / ours,
        peer=megabytes / alone,
        peer_name="zlib alone",
    )


def _write_project(folder: Path, content: bytes, count: int) -> None:
    names = [f"Package{number}.dtsx" for number in range(count)]
    level = "DontSaveSensitive"
    listed = "".join(f'<SSIS:Package SSIS:Name="{name}" SSIS:EntryPoint="1"/>' for name in names)
    described = "".join(
        f'<SSIS:PackageMetaData SSIS:Name="{name}"><SSIS:Properties><SSIS:Property SSIS:Name="ProtectionLevel">0'
        "</SSIS:Property></SSIS:Properties><SSIS:Parameters/></SSIS:PackageMetaData>"
        for name in names
    )
    manifest = (
        f'<SSIS:Project SSIS:ProtectionLevel="{level}" xmlns:SSIS="www.microsoft.com/SqlServer/SSIS"><SSIS:Properties>'
        '<SSIS:Property SSIS:Name="Name">Bench</SSIS:Property></SSIS:Properties>'
        f"<SSIS:Packages>{listed}</SSIS:Packages><SSIS:ConnectionManagers/><SSIS:DeploymentInfo>"
        f"<SSIS:ProjectConnectionParameters/><SSIS:PackageInfo>{described}</SSIS:PackageInfo></SSIS:DeploymentInfo>"
        "</SSIS:Project>"
    )
    (folder / "Bench.dtproj").write_text(
        "<Project><DeploymentModel>Project</DeploymentModel><DeploymentModelSpecificContent><Manifest>"
        f"{manifest}</Manifest></DeploymentModelSpecificContent></Project>"
    )
    (folder / "Project.params").write_text('<SSIS:Parameters xmlns:SSIS="www.microsoft.com/SqlServer/SSIS"/>')
    for name in names:
        path = folder / name
        path.write_bytes(content)
        os.utime(path, (0, 0))


def _lxml(data: bytes) -> object:
    return etree.fromstring(data, etree.XMLParser(huge_tree=True))


def _each(rounds: int, data: Sequence[bytes], use: Callable[[bytes], object]) -> None:
    for _ in range(rounds):
        for each in data:
            use(each)


def _best(size: Size, work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(size.repetitions):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return max(best, 1e-6)


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

"""Archives are read with bounds on everything, and written so that the same parts give the same bytes."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.project.archive import CONTENT_TYPES, escaped_name, read_bytes, read_parts, write_parts
from airflow_provider_ssis.project.errors import InvalidArchiveError, LimitExceededError
from airflow_provider_ssis.project.limits import Limits
from tests.support.project_strategies import file_stems

if TYPE_CHECKING:
    from pathlib import Path


def archive(*members: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip with any member names, wanted or not."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, data in members:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            info.compress_type = compression
            file.writestr(info, data)
    return buffer.getvalue()


def test_parts_are_read_in_order_by_their_plain_names() -> None:
    data = archive(("Load%20Sales.dtsx", b"1"), ("@Project.manifest", b"2"), ("[Content_Types].xml", b"3"))
    assert list(read_parts(data).items()) == [
        ("Load Sales.dtsx", b"1"),
        ("@Project.manifest", b"2"),
        ("[Content_Types].xml", b"3"),
    ]


@given(st.dictionaries(file_stems.map(lambda stem: f"{stem}.dtsx"), st.binary(max_size=50), max_size=5))
def test_what_was_written_is_read(parts: dict[str, bytes]) -> None:
    folded = {name.casefold() for name in parts}
    if len(folded) == len(parts):
        assert read_parts(write_parts(parts)) == parts


def test_the_same_parts_give_the_same_bytes_without_time_or_system() -> None:
    parts = {"Load.dtsx": b"x" * 1000, CONTENT_TYPES: b"y"}
    data = write_parts(parts)
    assert data == write_parts(parts)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        for info in file.infolist():
            assert (info.date_time, info.create_system, info.flag_bits) == ((1980, 1, 1, 0, 0, 0), 0, 0)
            assert info.compress_type == zipfile.ZIP_DEFLATED


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("Load Sales.dtsx", "Load%20Sales.dtsx"),
        ("Größe.dtsx", "Gr%C3%B6%C3%9Fe.dtsx"),
        ("50%.dtsx", "50%25.dtsx"),
        ("a[1].dtsx", "a%5B1%5D.dtsx"),
        ("@Project.manifest", "@Project.manifest"),
        ("[Content_Types].xml", "[Content_Types].xml"),
    ],
)
def test_names_are_escaped_as_in_a_package_of_visual_studio(name: str, escaped: str) -> None:
    assert escaped_name(name) == escaped


@pytest.mark.parametrize(
    "name",
    [
        "../Load.dtsx",
        "..%2FLoad.dtsx",
        "/etc/passwd",
        "folder/Load.dtsx",
        "folder/",
        "folder\\Load.dtsx",
        "%5C%5Chost%5Cshare",
        "C:Load.dtsx",
        "..",
        "",
        "Load%00.dtsx",
        "Load%0A.dtsx",
    ],
)
def test_names_that_leave_the_archive_are_refused(name: str) -> None:
    with pytest.raises(InvalidArchiveError):
        read_parts(archive((name, b"")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["Load.dtsx", "LOAD.dtsx", "%4Coad.dtsx"])
def test_names_that_stand_for_one_file_are_refused(second: str) -> None:
    with pytest.raises(InvalidArchiveError, match="twice"):
        read_parts(archive(("Load.dtsx", b"1"), (second, b"2")))


def test_a_name_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(InvalidArchiveError, match="not escaped UTF-8"):
        read_parts(archive(("%FF.dtsx", b"")))


def test_a_bomb_is_refused_by_its_ratio_before_it_is_unpacked() -> None:
    with pytest.raises(LimitExceededError, match=r"Load\.dtsx: unpacks to more than 300 times"):
        read_parts(archive(("Load.dtsx", b" " * 10_000_000)))


def test_a_small_part_may_be_packed_as_tightly_as_it_likes() -> None:
    assert read_parts(archive(("Load.dtsx", b" " * 1_000_000)))["Load.dtsx"] == b" " * 1_000_000


def test_sizes_and_numbers_are_bounded() -> None:
    data = archive(("a", b"x" * 100), ("b", b"y" * 100))
    for limits in (Limits(parts=1), Limits(part_bytes=99), Limits(total_bytes=199)):
        with pytest.raises(LimitExceededError):
            read_parts(data, limits=limits)
    assert read_parts(data, limits=Limits(parts=2, part_bytes=100, total_bytes=200))


def test_a_directory_of_a_million_entries_is_not_read() -> None:
    """Forty-six bytes of the file would become a kilobyte of memory each."""
    entry = b"PK\x01\x02" + bytes(42)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(entry) * 1_000_000, 0, 0)
    with pytest.raises(LimitExceededError, match="more parts than the 2000 allowed"):
        read_parts(entry * 1_000_000 + end)


def test_a_part_larger_than_its_header_says_is_refused() -> None:
    """A bomb that lies about its size: only what was declared is unpacked, and the checksum tells."""
    data = bytearray(archive(("Load.dtsx", b" " * 5_000_000)))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", data, data.index(signature) + offset, 1000)
    with pytest.raises(InvalidArchiveError):
        read_parts(bytes(data))


def test_an_encrypted_member_is_refused() -> None:
    data = bytearray(archive(("Load.dtsx", b"1")))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(InvalidArchiveError, match="encrypted"):
        read_parts(bytes(data))


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_project_files_do_not_use_are_refused(compression: int) -> None:
    with pytest.raises(InvalidArchiveError, match="unknown method"):
        read_parts(archive(("Load.dtsx", b"1"), compression=compression))


def test_a_file_cut_short_anywhere_is_refused_with_advice() -> None:
    data = archive(("Load.dtsx", b"1" * 500), ("@Project.manifest", b"2"))
    for length in range(len(data)):
        with pytest.raises(InvalidArchiveError, match="damaged or cut short"):
            read_parts(data[:length])


def test_a_damaged_part_is_refused() -> None:
    data = bytearray(archive(("Load.dtsx", bytes(range(256)) * 10)))
    data[100] ^= 0xFF
    with pytest.raises(InvalidArchiveError):
        read_parts(bytes(data))


def test_bytes_a_path_and_an_open_file_are_one(tmp_path: Path) -> None:
    path = tmp_path / "Sales.ispac"
    path.write_bytes(b"data")
    assert read_bytes(b"data") == read_bytes(path) == read_bytes(io.BytesIO(b"data")) == b"data"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArchiveError, match=r"Sales\.ispac: cannot be read: No such file"):
        read_bytes(tmp_path / "Sales.ispac")
    with pytest.raises(InvalidArchiveError, match="directory"):
        read_bytes(tmp_path)


def test_a_file_too_large_is_not_read_to_its_end() -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the stub has Buffer, which has no len
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    with pytest.raises(LimitExceededError):
        read_bytes(io.BufferedReader(Endless()), limits=Limits(archive_bytes=1000))

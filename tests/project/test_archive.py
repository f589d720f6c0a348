"""Archives: read within limits, and written so that the same parts give the same bytes."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.project.archive import CONTENT_TYPES, archive_of, escaped_name, open_archive, read_parts
from airflow_provider_ssis.project.errors import InvalidArchiveError, LimitExceededError
from airflow_provider_ssis.project.limits import Limits
from tests.support.project_strategies import damaged, file_stems
from tests.support.zip_files import Member, zip_bytes


def archive(*members: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip with any names, written by the standard library."""
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


def test_one_part_is_read_by_name_without_case() -> None:
    with open_archive(archive(("Load.dtsx", b"1"), ("Child.dtsx", b"2"))) as opened:
        assert opened.names == ("Load.dtsx", "Child.dtsx")
        assert "CHILD.DTSX" in opened
        assert opened.read("CHILD.DTSX") == b"2"
        with pytest.raises(InvalidArchiveError, match=r"Other\.dtsx is missing in the project file"):
            opened.read("Other.dtsx")


@given(st.dictionaries(file_stems.map(lambda stem: f"{stem}.dtsx"), st.binary(max_size=50), max_size=5))
def test_written_parts_are_read_again(parts: dict[str, bytes]) -> None:
    folded = {name.casefold() for name in parts}
    if len(folded) == len(parts):
        assert read_parts(archive_of(parts)) == parts


def test_the_same_parts_give_the_same_bytes_without_time_or_system() -> None:
    parts = {"Load.dtsx": b"x" * 1000, CONTENT_TYPES: b"y"}
    data = archive_of(parts)
    assert data == archive_of(parts)
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
def test_names_are_escaped_as_visual_studio_does(name: str, escaped: str) -> None:
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
def test_names_with_folders_or_control_characters_are_rejected(name: str) -> None:
    with pytest.raises(InvalidArchiveError):
        read_parts(archive((name, b"")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["Load.dtsx", "LOAD.dtsx", "%4Coad.dtsx"])
def test_duplicate_names_are_rejected(second: str) -> None:
    with pytest.raises(InvalidArchiveError, match="occurs twice"):
        read_parts(archive(("Load.dtsx", b"1"), (second, b"2")))


def test_a_name_that_is_not_utf_8_is_rejected() -> None:
    with pytest.raises(InvalidArchiveError, match="not escaped UTF-8"):
        read_parts(archive(("%FF.dtsx", b"")))


# --- limits


def test_a_compression_ratio_beyond_the_limit_is_rejected_before_decompression() -> None:
    with pytest.raises(LimitExceededError, match=r"Load\.dtsx unpacks to more than 300 times"):
        read_parts(archive(("Load.dtsx", b" " * 10_000_000)))


def test_a_small_part_may_have_any_compression_ratio() -> None:
    assert read_parts(archive(("Load.dtsx", b" " * 1_000_000)))["Load.dtsx"] == b" " * 1_000_000


@pytest.mark.parametrize("limits", [Limits(parts=1), Limits(part_bytes=99), Limits(total_bytes=199)])
def test_sizes_and_number_of_parts_are_limited(limits: Limits) -> None:
    data = archive(("a", b"x" * 100), ("b", b"y" * 100))
    with pytest.raises(LimitExceededError):
        read_parts(data, limits=limits)
    assert read_parts(data, limits=Limits(parts=2, part_bytes=100, total_bytes=200))


def test_a_directory_with_a_million_entries_is_rejected_unread() -> None:
    """Otherwise, forty-six bytes of the file would become a kilobyte of memory each."""
    entry = b"PK\x01\x02" + bytes(42)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(entry) * 1_000_000, 0, 0)
    with pytest.raises(LimitExceededError, match="more parts than the limit of 2000"):
        read_parts(entry * 1_000_000 + end)


@pytest.mark.parametrize("split", range(1, 4))
def test_directory_entries_are_counted_across_the_chunks_in_which_the_file_is_read(split: int) -> None:
    prefix = b"x" * (2**18 - split)
    entries = (b"PK\x01\x02" + bytes(42)) * 2
    with pytest.raises(LimitExceededError, match="limit of 1"):
        read_parts(prefix + entries, limits=Limits(parts=1))


def test_a_file_larger_than_the_limit_is_not_read_to_its_end() -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the stub has Buffer, which has no len
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    with pytest.raises(LimitExceededError):
        read_parts(io.BufferedReader(Endless()), limits=Limits(archive_bytes=1000))


# --- headers that contradict the data, the directory or each other

CONTENT = b"<DTS:Executable/>" * 40
LARGE = b" " * 5_000_000


@pytest.mark.parametrize("announced", [0, 1, 1000, len(LARGE) - 1, len(LARGE) + 1])
@pytest.mark.parametrize("checksum", ["of all", "of the announced part"])
def test_a_part_of_another_size_than_announced_is_rejected(announced: int, checksum: str) -> None:
    """The data is a bomb, and both headers agree on a small size, with or without a checksum that matches it."""
    crc = zlib.crc32(LARGE if checksum == "of all" else LARGE[:announced])
    with pytest.raises((InvalidArchiveError, LimitExceededError)):
        read_parts(zip_bytes(Member("Load.dtsx", LARGE, size=announced, crc=crc)))


def test_a_stored_part_of_another_size_than_announced_is_rejected() -> None:
    for size in (1, len(CONTENT) - 1, len(CONTENT) + 1):
        member = Member("Load.dtsx", CONTENT, method=zipfile.ZIP_STORED, size=size, crc=zlib.crc32(CONTENT[:size]))
        with pytest.raises(InvalidArchiveError):
            read_parts(zip_bytes(member))


@pytest.mark.parametrize("field", ["size", "packed_size", "crc", "method", "flags", "name"])
def test_a_local_header_that_contradicts_the_directory_is_rejected(field: str) -> None:
    value: object = {"name": b"Else.dtsx", "method": 0, "flags": 0x1}.get(field, 7)
    data = zip_bytes(Member("Load.dtsx", CONTENT, local={field: value}))
    with pytest.raises(InvalidArchiveError, match="local header that contradicts the directory"):
        read_parts(data)


@pytest.mark.parametrize("flags", [0x2, 0x4, 0x800])
def test_flags_that_do_not_change_the_content_may_differ(flags: int) -> None:
    assert read_parts(zip_bytes(Member("Load.dtsx", CONTENT, local={"flags": flags}))) == {"Load.dtsx": CONTENT}


def test_a_data_descriptor_that_only_the_local_header_announces_is_read() -> None:
    local = {"flags": 8, "crc": 0, "packed_size": 0, "size": 0}
    member = Member("Load.dtsx", CONTENT, local=local, descriptor="<4s3L", flags=-1)
    assert read_parts(zip_bytes(member)) == {"Load.dtsx": CONTENT}


def test_a_local_header_elsewhere_than_announced_is_rejected() -> None:
    with pytest.raises(InvalidArchiveError):
        read_parts(zip_bytes(Member("Load.dtsx", CONTENT, offset=1)))


@pytest.mark.parametrize("layout", ["<4s3L", "<3L", "<4sL2Q", "<L2Q"])
def test_data_descriptors_are_read_in_every_form(layout: str) -> None:
    data = zip_bytes(Member("Load.dtsx", CONTENT, descriptor=layout))
    assert read_parts(data) == {"Load.dtsx": CONTENT}


def test_archives_written_to_a_stream_are_read() -> None:
    """The standard library writes data descriptors if it cannot seek, as .NET does."""

    class Stream(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError("not seekable")

    buffer = Stream()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("Load.dtsx", "w", force_zip64=True) as part:
            part.write(CONTENT)
        file.writestr("Child.dtsx", b"2")
    assert read_parts(buffer.getvalue()) == {"Load.dtsx": CONTENT, "Child.dtsx": b"2"}


@pytest.mark.parametrize("wrong", [{"crc": 1}, {"packed_size": 1}, {"size": 1}])
def test_a_data_descriptor_that_contradicts_the_directory_is_rejected(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidArchiveError, match="data descriptor that contradicts the directory"):
        read_parts(zip_bytes(Member("Load.dtsx", CONTENT, descriptor="<4s3L", in_descriptor=wrong)))


def test_sizes_in_zip64_fields_are_read() -> None:
    assert read_parts(zip_bytes(Member("Load.dtsx", CONTENT, zip64=True))) == {"Load.dtsx": CONTENT}


@pytest.mark.parametrize("local", [{"size": 7}, {"packed_size": 7}])
def test_sizes_in_zip64_fields_that_contradict_the_directory_are_rejected(local: dict[str, object]) -> None:
    with pytest.raises(InvalidArchiveError, match="contradicts the directory"):
        read_parts(zip_bytes(Member("Load.dtsx", CONTENT, zip64=True, local=local)))


@pytest.mark.parametrize("size", [2**32, 2**40, 2**63])
def test_a_size_beyond_the_limit_in_a_zip64_field_is_rejected(size: int) -> None:
    with pytest.raises(LimitExceededError):
        read_parts(zip_bytes(Member("Load.dtsx", CONTENT, zip64=True, size=size)))


def test_parts_that_share_their_data_are_rejected() -> None:
    """Such archives unpack to many times the size that their compression ratio allows."""
    first = Member("Load.dtsx", CONTENT)
    with pytest.raises(InvalidArchiveError, match=r"overlaps another part|contradicts the directory"):
        read_parts(zip_bytes(first, Member("Child.dtsx", CONTENT, offset=0, writes_data=False)))


def test_a_part_whose_data_includes_the_next_part_is_rejected() -> None:
    inner = zip_bytes(Member("Child.dtsx", b"inner", method=zipfile.ZIP_STORED), directory=False)
    outer = Member("Load.dtsx", inner, method=zipfile.ZIP_STORED)
    inside = Member("Child.dtsx", b"inner", method=zipfile.ZIP_STORED, offset=39, writes_data=False)
    with pytest.raises(InvalidArchiveError, match="overlaps another part"):
        read_parts(zip_bytes(outer, inside))


def test_data_that_reaches_into_the_directory_is_rejected() -> None:
    member = Member(
        "Load.dtsx", CONTENT, method=zipfile.ZIP_STORED, size=len(CONTENT) + 9, packed_size=len(CONTENT) + 9
    )
    with pytest.raises(InvalidArchiveError, match="overlaps"):
        read_parts(zip_bytes(member))


def test_data_after_the_end_of_the_compressed_stream_is_rejected() -> None:
    with pytest.raises(InvalidArchiveError, match="does not unpack to the"):
        read_parts(zip_bytes(Member("Load.dtsx", CONTENT, trailing=b"more")))


def test_a_stream_without_an_end_is_rejected() -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = compressor.compress(CONTENT) + compressor.flush(zlib.Z_SYNC_FLUSH)
    with pytest.raises(InvalidArchiveError, match="does not unpack to the"):
        read_parts(zip_bytes(Member("Load.dtsx", CONTENT, packed=packed)))


@pytest.mark.parametrize("flag", [0x1, 0x41, 0x2000])
def test_encrypted_parts_are_rejected(flag: int) -> None:
    with pytest.raises(InvalidArchiveError, match="is encrypted by the zip format"):
        read_parts(zip_bytes(Member("Load.dtsx", CONTENT, flags=flag)))


@pytest.mark.parametrize("method", [1, 9, 12, 14, 93, 95, 99])
def test_other_compression_methods_are_rejected(method: int) -> None:
    with pytest.raises(InvalidArchiveError, match=f"compression method {method}"):
        read_parts(zip_bytes(Member("Load.dtsx", CONTENT, method=method, packed=CONTENT)))


def test_a_wrong_checksum_is_rejected() -> None:
    with pytest.raises(InvalidArchiveError, match=r"Load\.dtsx does not match its checksum"):
        read_parts(zip_bytes(Member("Load.dtsx", CONTENT, crc=1)))


@pytest.mark.processes
def test_bombs_with_small_announced_sizes_cost_little_memory() -> None:
    """Ten parts, each two gigabytes that announce a kilobyte: what is measured is the memory of a whole process."""
    code = """
import resource, sys, zlib
from airflow_provider_ssis.project.content import content_hash
from airflow_provider_ssis.project.errors import InvalidArchiveError
from airflow_provider_ssis.project.ispac import read_ispac
from tests.support.zip_files import Member, zip_bytes
block = b" " * 2**20
compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
packed = compressor.compress(block)
packed += b"".join(compressor.compress(block) for _ in range(2047)) + compressor.flush()
names = [f"{n}.dtsx" for n in range(9)] + ["[Content_Types].xml"]
data = zip_bytes(*(Member(n, b"", packed=packed, size=1024, crc=zlib.crc32(b" " * 1024)) for n in names))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for read in (read_ispac, content_hash):
    try:
        read(data)
    except InvalidArchiveError:
        pass
    else:
        sys.exit("accepted")
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) * 1024 / len(data))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1.5


# --- damage


def test_a_file_cut_off_anywhere_is_rejected_with_advice() -> None:
    data = archive(("Load.dtsx", b"1" * 500), ("@Project.manifest", b"2"))
    for length in range(len(data)):
        with pytest.raises(InvalidArchiveError, match="damaged or cut short"):
            read_parts(data[:length])


@pytest.mark.parametrize(("data", "kind"), [(b"\xef\xbb\xbf <?xml?>", "it is XML"), (b"hello", "its beginning")])
def test_another_file_than_a_project_file_is_named_with_what_to_give(data: bytes, kind: str) -> None:
    with pytest.raises(InvalidArchiveError, match=rf"zip archive: {kind}.*\. Give an \.ispac file, or the folder"):
        read_parts(data)


def test_a_damaged_part_is_rejected() -> None:
    data = bytearray(archive(("Load.dtsx", bytes(range(256)) * 10)))
    data[100] ^= 0xFF
    with pytest.raises(InvalidArchiveError):
        read_parts(bytes(data))


@given(st.data())
def test_damage_gives_the_same_parts_or_an_error(data: st.DataObject) -> None:
    parts = {"Load.dtsx": CONTENT, "Child.dtsx": b"2"}
    try:
        found = read_parts(data.draw(damaged(archive_of(parts))))
    except (InvalidArchiveError, LimitExceededError):
        return
    assert all(parts[name] == content for name, content in found.items() if name in parts)


def test_bytes_a_path_and_an_open_file_give_the_same_parts(tmp_path: Path) -> None:
    path = tmp_path / "Sales.ispac"
    path.write_bytes(archive(("Load.dtsx", b"1")))
    assert read_parts(path.read_bytes()) == read_parts(path) == read_parts(io.BytesIO(path.read_bytes()))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArchiveError, match=r"Sales\.ispac cannot be read: No such file"):
        read_parts(tmp_path / "Sales.ispac")
    with pytest.raises(InvalidArchiveError, match="directory"):
        read_parts(tmp_path)

"""The environment from which GSSAPI takes its tickets. Tests with a real realm are in tests/identities."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.odbc.kerberos import KerberosTarget, empty_ticket_cache, kerberos_environment
from airflow_provider_ssis.odbc.private_files import UnsafeFolder, private_folder

PART = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def keytab(tmp_path: Path) -> str:
    """A file to be taken for a keytab."""
    path = tmp_path / "etl.keytab"
    path.write_bytes(b"\x05\x02")
    return str(path)


def test_without_a_keytab_the_processs_own_tickets_are_used() -> None:
    assert kerberos_environment(KerberosTarget()) == {}
    assert kerberos_environment(KerberosTarget(ticket_cache="KCM:")) == {"KRB5CCNAME": "KCM:"}


def test_a_keytab_gets_its_own_ticket_cache_that_no_other_account_can_read(keytab: str) -> None:
    environment = kerberos_environment(KerberosTarget("etl@CORP", keytab))
    assert environment["KRB5_CLIENT_KTNAME"] == keytab
    kind, _, path = environment["KRB5CCNAME"].partition(":")
    assert kind == "FILE"
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700


def test_it_is_the_same_for_all_connections_of_one_principal_and_another_one_for_others(keytab: str) -> None:
    one = kerberos_environment(KerberosTarget("etl@CORP", keytab))
    assert kerberos_environment(KerberosTarget("etl@CORP", keytab)) == one
    assert kerberos_environment(KerberosTarget("other@CORP", keytab))["KRB5CCNAME"] != one["KRB5CCNAME"]


def test_a_file_that_is_not_a_keytab_is_named(tmp_path: Path) -> None:
    path = tmp_path / "etl.keytab"
    path.write_bytes(b"-----BEGIN CERTIFICATE-----")
    with pytest.raises(ValueError, match=r"etl\.keytab of the field kerberos_keytab is not a keytab"):
        kerberos_environment(KerberosTarget("etl@CORP", str(path)))


def test_tickets_that_are_there_already_stay(keytab: str) -> None:
    path = Path(kerberos_environment(KerberosTarget("etl@CORP", keytab))["KRB5CCNAME"].removeprefix("FILE:"))
    path.write_bytes(path.read_bytes() + b"tickets")
    kerberos_environment(KerberosTarget("etl@CORP", keytab))
    assert path.read_bytes().endswith(b"tickets")


def test_a_ticket_cache_that_is_named_is_used_as_it_is(keytab: str) -> None:
    target = KerberosTarget("etl@CORP", keytab, "DIR:/var/tickets")
    assert kerberos_environment(target)["KRB5CCNAME"] == "DIR:/var/tickets"


@pytest.mark.parametrize("prefix", ["FILE:", ""])
def test_a_named_cache_that_does_not_exist_yet_gets_its_principal(keytab: str, tmp_path: Path, prefix: str) -> None:
    cache = f"{prefix}{tmp_path / 'cc'}"
    assert kerberos_environment(KerberosTarget("etl@CORP", keytab, cache))["KRB5CCNAME"] == cache
    assert (tmp_path / "cc").read_bytes() == empty_ticket_cache("etl@CORP")
    assert stat.S_IMODE((tmp_path / "cc").stat().st_mode) == 0o600


def test_a_named_cache_of_another_principal_is_refused(keytab: str, tmp_path: Path) -> None:
    path = tmp_path / "cc"
    path.write_bytes(empty_ticket_cache("other@CORP"))
    with pytest.raises(ValueError, match=r"contains tickets of other@CORP, not of etl@CORP.*kerberos_ccache"):
        kerberos_environment(KerberosTarget("etl@CORP", keytab, f"FILE:{path}"))
    kerberos_environment(KerberosTarget("other@CORP", keytab, f"FILE:{path}"))


@pytest.mark.parametrize("content", [b"", b"nothing", b"\x05\x04", b"\x05\x04\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x01\xff"])
def test_a_named_file_that_is_not_a_cache_is_reported(keytab: str, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cc"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"cc is not a ticket cache\. Delete it"):
        kerberos_environment(KerberosTarget("etl@CORP", keytab, str(path)))
    assert path.read_bytes() == content


@pytest.mark.parametrize("principal", ["etl@CORP", None])
def test_our_cache_is_created_again_after_it_was_damaged(keytab: str, principal: str | None) -> None:
    target = KerberosTarget(principal, keytab)
    path = Path(kerberos_environment(target)["KRB5CCNAME"].removeprefix("FILE:"))
    path.write_bytes(b"")
    kerberos_environment(target)
    assert (path.read_bytes() if path.exists() else None) == (principal and empty_ticket_cache(principal))


@pytest.mark.parametrize("name", ["named", None])
def test_a_cache_that_another_process_renews_at_this_moment_is_not_taken_for_damaged(
    keytab: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    target = KerberosTarget("etl@CORP", keytab, name and f"FILE:{tmp_path / name}")
    path = Path(kerberos_environment(target)["KRB5CCNAME"].removeprefix("FILE:"))
    tickets = path.read_bytes() + b"tickets"
    path.write_bytes(b"")
    monkeypatch.setattr("time.sleep", lambda seconds: path.write_bytes(tickets))
    kerberos_environment(target)
    assert path.read_bytes() == tickets


def test_a_cache_in_the_older_format_that_kerberos_can_be_configured_to_write_stays(keytab: str) -> None:
    target = KerberosTarget("etl@CORP", keytab)
    path = Path(kerberos_environment(target)["KRB5CCNAME"].removeprefix("FILE:"))
    older = b"\x05\x03" + path.read_bytes()[4:]
    path.write_bytes(older)
    kerberos_environment(target)
    assert path.read_bytes() == older


def test_a_keytab_may_be_written_as_kerberos_itself_writes_it(keytab: str) -> None:
    plain = kerberos_environment(KerberosTarget("etl@CORP", keytab))
    assert kerberos_environment(KerberosTarget("etl@CORP", f"FILE:{keytab}")) == plain


def test_a_folder_that_others_can_write_to_is_not_used(tmp_path: Path) -> None:
    private_folder().chmod(0o777)
    with pytest.raises(UnsafeFolder, match="set TMPDIR"):
        private_folder()


def test_a_link_instead_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = private_folder()
    folder.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)
    with pytest.raises(UnsafeFolder):
        private_folder()


@given(parts=st.lists(PART, min_size=1, max_size=3), realm=PART)
def test_an_empty_cache_names_its_principal(parts: list[str], realm: str) -> None:
    data = empty_ticket_cache("/".join(parts) + f"@{realm}")
    assert data[:4] == b"\x05\x04\0\0"
    assert int.from_bytes(data[8:12], "big") == len(parts)
    found, position = [], 12
    while position < len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        found.append(data[position + 4 : position + 4 + length].decode())
        position += 4 + length
    assert found == [realm, *parts]


@pytest.mark.parametrize("principal", ["etl", "etl@", "@CORP", "a//b@CORP", "a@b@CORP"])
def test_text_that_is_not_a_principal_is_reported(principal: str) -> None:
    with pytest.raises(ValueError, match="Enter user@REALM"):
        empty_ticket_cache(principal)


def test_a_backslash_keeps_a_sign_from_separating() -> None:
    assert b"a@b" in empty_ticket_cache(r"a\@b@CORP")

"""Proofs of identity that are damaged or made up: a refusal, never a fault of the server."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.emulator.identities.entra import EntraIdentities
from airflow_provider_ssis.emulator.identities.windows import WindowsIdentities
from airflow_provider_ssis.emulator.session import LoginRefused
from airflow_provider_ssis.emulator.tds.packets import ProtocolError
from airflow_provider_ssis.emulator.tds.proofs import access_token
from tests.support.entra_authority import Authority

NTLM = b"NTLMSSP\0"
KINDS = st.sampled_from([b"\x01\0\0\0", b"\x02\0\0\0", b"\x03\0\0\0", b"\xff\0\0\0", b""])


def windows(keytab: Path | None = None) -> WindowsIdentities:
    identities = WindowsIdentities(keytab)
    identities.set_password("CORP\\etl", "p")
    return identities


@given(first=st.tuples(KINDS, st.binary(max_size=80)), second=st.tuples(KINDS, st.binary(max_size=200)))
def test_no_ntlm_message_proves_anything_or_harms_the_server(
    first: tuple[bytes, bytes], second: tuple[bytes, bytes]
) -> None:
    login = windows().begin()
    for kind, rest in (first, second):
        try:
            login.step(NTLM + kind + rest)
        except LoginRefused:
            break
    assert login.identity is None


@given(token=st.binary(max_size=200))
def test_without_a_keytab_no_ticket_is_looked_at(token: bytes) -> None:
    if token.startswith(NTLM):
        return
    with pytest.raises(LoginRefused, match="no keytab"):
        windows().begin().step(token)


@given(token=st.binary(max_size=200))
def test_no_ticket_that_is_made_up_harms_the_server(token: bytes) -> None:
    pytest.importorskip("gssapi", reason="Kerberos on the server's side is not installed")
    if token.startswith(NTLM):
        return
    login = windows(Path("/nowhere/server.keytab")).begin()
    with pytest.raises(LoginRefused, match="ticket is not accepted"):
        login.step(token)
    assert login.identity is None


AUTHORITY = Authority()


@given(token=st.one_of(st.text(max_size=200), st.from_regex(r"\A[\w-]+\.[\w-]+\.[\w-]+\Z")))
def test_no_token_that_is_made_up_is_taken(token: str) -> None:
    with pytest.raises(LoginRefused) as caught:
        EntraIdentities(AUTHORITY.public_key).identify(token)
    assert caught.value.message.number == 18456


@given(position=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=6))
def test_a_token_that_was_changed_is_not_taken(position: int, bit: int) -> None:
    token = AUTHORITY.token()
    position %= len(token)
    changed = token[:position] + chr(ord(token[position]) ^ (1 << bit)) + token[position + 1 :]
    try:
        identity = EntraIdentities(AUTHORITY.public_key).identify(changed)
    except LoginRefused:
        return
    # The last character of a signature has bits that mean nothing.
    assert position == len(token) - 1
    assert identity == EntraIdentities(AUTHORITY.public_key).identify(token)


@given(data=st.binary(max_size=64))
def test_a_feature_extension_that_is_cut_off_ends_the_connection(data: bytes) -> None:
    try:
        access_token(data)
    except (LoginRefused, ProtocolError):
        return
    assert data[0] >> 1 == 1

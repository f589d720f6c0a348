"""Errors with identities, with the advice that they give, and without secrets."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    KerberosFailed,
    LoginFailed,
    ServerUnreachable,
    TlsRefused,
)
from airflow_provider_ssis.emulator.server import LoginKind, SsisdbEmulator
from airflow_provider_ssis.hooks import entra
from airflow_provider_ssis.hooks.entra import EntraUnreachable, TokenRefused
from airflow_provider_ssis.hooks.extra import InvalidConnection
from tests.identities.conftest import PASSWORD, Connect
from tests.identities.test_identities import application_certificate
from tests.support.entra_authority import APPLICATION, SECRET, TENANT, Authority
from tests.support.kdc import SERVICE, Realm

pytestmark = pytest.mark.kerberos

WRONG = "wr0ng-pa55word"


def keytab(realm: Realm) -> dict[str, Any]:
    return {"server_spn": SERVICE, "kerberos_keytab": str(realm.keytab("etl"))}


def application(authority: Authority, **other: Any) -> dict[str, Any]:
    return {
        "authentication": "entra_service_principal",
        "login": APPLICATION,
        "tenant_id": TENANT,
        "entra_authority": authority.url,
        "password": SECRET,
        **other,
    }


KERBEROS: dict[str, tuple[Callable[[Realm, Path], dict[str, Any]], type[CatalogError], str]] = {
    "no ticket": (lambda realm, folder: {"server_spn": SERVICE}, KerberosFailed, "There is no Kerberos ticket.*kinit"),
    "server without a service principal": (
        lambda realm, folder: {**keytab(realm), "server_spn": "MSSQLSvc/elsewhere"},
        KerberosFailed,
        "not registered under that name.*server_spn",
    ),
    "keytab without the principal": (
        lambda realm, folder: {**keytab(realm), "login": "unknown@CORP.EXAMPLE"},
        KerberosFailed,
        "keytab has no key of this principal|although the connection has a keytab",
    ),
    "keytab that is not there": (
        lambda realm, folder: {"kerberos_keytab": str(folder / "none.keytab")},
        InvalidConnection,
        r"none\.keytab of the field kerberos_keytab cannot be read: No such file.*workers.*triggerers.*API server",
    ),
    "principal without a realm": (
        lambda realm, folder: {**keytab(realm), "login": "etl"},
        InvalidConnection,
        "not a Kerberos principal with a realm",
    ),
    "an identity that the server does not have": (
        lambda realm, folder: {"server_spn": SERVICE, "kerberos_keytab": str(realm.keytab("stranger"))},
        LoginFailed,
        "CORP.stranger.*no such login",
    ),
}


@pytest.mark.parametrize("case", list(KERBEROS))
def test_kerberos_says_what_to_do(
    connect: Connect, realm: Realm, box: SsisdbEmulator, tmp_path: Path, case: str
) -> None:
    fields, error, text = KERBEROS[case]
    with pytest.raises(error, match=text) as caught:
        connect(**fields(realm, tmp_path)).open_catalog()
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_ticket_that_is_too_old_says_so(connect: Connect, realm: Realm, box: SsisdbEmulator, tmp_path: Path) -> None:
    cache = tmp_path / "tickets"
    realm.ticket("etl", cache, seconds=1)
    text = ""
    for _ in range(1000):
        try:
            connect(server_spn=SERVICE).open_catalog().close()
        except KerberosFailed as error:
            text = str(error)
            break
    assert "The Kerberos ticket has expired. Run kinit" in text


def test_our_ticket_cache_is_created_again_after_it_was_emptied(
    connect: Connect, realm: Realm, box: SsisdbEmulator, tmp_path: Path
) -> None:
    for fields in (keytab(realm), {**keytab(realm), "login": "etl@CORP.EXAMPLE"}):
        connect(**fields).open_catalog().close()
        for cache in tmp_path.glob("airflow-ssis-*/*.tickets"):
            cache.write_bytes(b"")
        connect(**fields).open_catalog().close()


def test_a_ticket_cache_of_another_principal_is_refused(
    connect: Connect, realm: Realm, box: SsisdbEmulator, tmp_path: Path
) -> None:
    realm.ticket("other", tmp_path / "tickets")
    fields = {**keytab(realm), "login": "etl@CORP.EXAMPLE", "kerberos_ccache": f"FILE:{tmp_path / 'tickets'}"}
    with pytest.raises(InvalidConnection, match=r"contains tickets of other@CORP\.EXAMPLE, not of etl@CORP"):
        connect(**fields).open_catalog()


def test_an_unreadable_keytab_is_named(connect: Connect, box: SsisdbEmulator, tmp_path: Path) -> None:
    # A folder: root, too, cannot read it as a file.
    with pytest.raises(InvalidConnection, match=str(tmp_path)):
        connect(kerberos_keytab=str(tmp_path)).open_catalog()


def test_a_wrong_password_of_a_windows_account(connect: Connect, box: SsisdbEmulator) -> None:
    with pytest.raises(LoginFailed, match="NTLM does not accept") as caught:
        connect(login="CORP\\etl", password=WRONG).open_catalog()
    assert WRONG not in str(caught.value)


def test_a_windows_account_that_the_server_does_not_know(connect: Connect, box: SsisdbEmulator) -> None:
    with pytest.raises(LoginFailed, match="NTLM does not accept"):
        connect(login="CORP\\stranger", password=PASSWORD).open_catalog()


def test_a_sql_login_of_the_same_name_is_not_the_windows_account(connect: Connect, box: SsisdbEmulator) -> None:
    box.add_login("CORP\\twin", PASSWORD, kind=LoginKind.WINDOWS)
    box.add_login("CORP\\twin", PASSWORD, kind=LoginKind.SQL)
    with pytest.raises(LoginFailed, match="no such login"):
        connect(login="CORP\\twin", password=PASSWORD).open_catalog()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"password": WRONG}, "AADSTS7000215.*its secret, which expires"),
        ({"login": "5f1a3b7c-0000-4000-8000-00000000dead"}, "issued no access token"),
        (
            {"password": None, "client_certificate": "/nowhere/application.pem"},
            r"application\.pem of the field client_certificate cannot be read: No such file.*workers.*triggerers",
        ),
    ],
    ids=["wrong secret", "unknown application", "no certificate"],
)
def test_entra_gives_no_token(
    connect: Connect, authority: Authority, box: SsisdbEmulator, change: dict[str, Any], text: str
) -> None:
    hook = connect(**{**application(authority), **change})
    with pytest.raises(TokenRefused, match=text) as caught:
        hook.open_catalog()
    assert WRONG not in str(caught.value)
    assert SECRET not in str(caught.value)
    reached, summary = hook.test_connection()
    assert not reached
    assert "✗ token: Entra ID" in summary


@pytest.mark.parametrize(
    ("passphrase", "password"),
    [("the key's own", None), ("", WRONG), ("the key's own", WRONG)],
    ids=["missing", "superfluous", "wrong"],
)
def test_a_wrong_passphrase_of_the_certificate_is_reported(
    connect: Connect, authority: Authority, box: SsisdbEmulator, tmp_path: Path, passphrase: str, password: str | None
) -> None:
    path = tmp_path / "application.pem"
    path.write_text(application_certificate(passphrase)[0])
    hook = connect(**application(authority, password=password, client_certificate=str(path)))
    with pytest.raises(TokenRefused, match="passphrase of its key") as caught:
        hook.open_catalog()
    assert WRONG not in str(caught.value)


def test_a_certificate_of_the_application_that_was_renewed_is_used_at_once(
    connect: Connect, authority: Authority, box: SsisdbEmulator, tmp_path: Path
) -> None:
    path = tmp_path / "application.pem"
    fields = application(authority, password=None, client_certificate=str(path))
    authority.given.clear()
    for _ in range(2):
        text, authority.certificate_pem = application_certificate()
        path.write_text(text)
        connect(**fields).open_catalog().close()
    # A cached token of the earlier certificate would not have been requested again.
    assert authority.given == ["client assertion"] * 2


@pytest.mark.parametrize("identity", ["entra_service_principal", "entra_workload_identity", "entra_managed_identity"])
def test_an_entra_id_that_accepts_and_stays_silent_is_given_up_after_the_login_timeout(
    connect: Connect, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, identity: str
) -> None:
    (tmp_path / "pod.token").write_text("what Kubernetes says")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        fields: dict[str, dict[str, Any]] = {
            "entra_service_principal": application(authority, entra_authority=f"https://localhost:{port}"),
            "entra_workload_identity": {
                **application(authority, entra_authority=f"https://localhost:{port}", password=""),
                "federated_credential_file": str(tmp_path / "pod.token"),
            },
            "entra_managed_identity": {},
        }
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{port}/machine")
        monkeypatch.setenv("IDENTITY_HEADER", "the machine's own header")
        with pytest.raises(EntraUnreachable, match="does not answer"):
            connect(**{**fields[identity], "authentication": identity, "login_timeout": 1}).open_catalog()
        silent.setblocking(False)
        silent.accept()[0].close()
        # Not again and again.
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_an_entra_id_that_does_not_answer_is_out_of_reach_and_no_partner_is_tried(
    connect: Connect, authority: Authority, box: SsisdbEmulator
) -> None:
    fields = application(authority, entra_authority="https://localhost:9", failover_partner=f"localhost,{box.port}")
    with pytest.raises(EntraUnreachable, match=r"does not answer.*reaches Entra ID"):
        connect(**fields).open_catalog()
    assert box.traffic.logins == 0


def test_an_application_that_the_server_does_not_know(
    connect: Connect, authority: Authority, server: SsisdbEmulator
) -> None:
    server.reset()
    with pytest.raises(LoginFailed, match=f"{APPLICATION}.*no such login"):
        connect(**application(authority)).open_catalog()


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ({"exp": 1}, "has expired"),
        ({"aud": "https://graph.example.com"}, "is not https://database"),
        ({"appid": None}, "neither a user nor an application"),
    ],
)
def test_the_server_refuses_tokens_that_prove_nothing(
    connect: Connect,
    authority: Authority,
    box: SsisdbEmulator,
    monkeypatch: pytest.MonkeyPatch,
    claims: dict[str, Any],
    text: str,
) -> None:
    token = authority.token(**claims)
    monkeypatch.setattr("airflow_provider_ssis.hooks.connector.access_token", lambda settings: token)
    with pytest.raises(LoginFailed, match=text) as caught:
        connect(**application(authority)).open_catalog()
    assert token not in str(caught.value)


def test_a_token_with_a_foreign_signature(
    connect: Connect, authority: Authority, box: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = Authority().token()
    monkeypatch.setattr("airflow_provider_ssis.hooks.connector.access_token", lambda settings: token)
    with pytest.raises(LoginFailed, match=r"not valid \(InvalidSignatureError"):
        connect(**application(authority)).open_catalog()


def test_without_the_package_for_entra_it_is_named(
    connect: Connect, authority: Authority, box: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "azure.core.exceptions", None)
    with pytest.raises(TokenRefused, match=r"pip install 'airflow-provider-ssis\[entra\]'"):
        connect(**application(authority)).open_catalog()


def test_a_certificate_that_is_not_trusted(connect: Connect, box: SsisdbEmulator) -> None:
    hook = connect(login="etl", password=PASSWORD, trusted_certificates=None)
    with pytest.raises(TlsRefused, match=r"trusted_certificates.*host_name_in_certificate.*trust_server_cert"):
        hook.open_catalog()


def test_freetds_checks_certificates_too_and_its_silence_is_explained(connect: Connect, box: SsisdbEmulator) -> None:
    hook = connect("FreeTDS", login="etl", password=PASSWORD, trusted_certificates=None)
    with pytest.raises(ServerUnreachable, match="its certificate is not trusted"):
        hook.open_catalog()


def test_a_certificate_of_another_name(connect: Connect, box: SsisdbEmulator) -> None:
    # Microsoft's driver finds no addresses in certificates.
    hook = connect(host="127.0.0.1", login="etl", password=PASSWORD)
    with pytest.raises(TlsRefused, match="host_name_in_certificate"):
        hook.open_catalog()
    connect(
        host="127.0.0.1", login="etl", password=PASSWORD, host_name_in_certificate="localhost"
    ).open_catalog().close()


def test_a_file_of_certificates_that_holds_none(connect: Connect, box: SsisdbEmulator, tmp_path: Path) -> None:
    path = tmp_path / "empty.pem"
    path.write_text("nothing")
    with pytest.raises(InvalidConnection, match=r"empty\.pem of the field trusted_certificates contains no cert"):
        connect(login="etl", password=PASSWORD, trusted_certificates=str(path)).open_catalog()
    with pytest.raises(InvalidConnection, match=r"none\.pem"):
        connect(
            "FreeTDS", login="etl", password=PASSWORD, trusted_certificates=str(tmp_path / "none.pem")
        ).open_catalog()


def test_tokens_are_kept_in_memory_and_renewed_when_they_end(
    connect: Connect, authority: Authority, box: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    entra._credential.cache_clear()
    authority.given.clear()
    for _ in range(3):
        connect(**application(authority)).open_catalog().close()
    assert authority.given == ["client secret"]
    entra._credential.cache_clear()
    authority.given.clear()
    # So short that each is as good as over.
    monkeypatch.setattr(authority, "lifetime", 2)
    for _ in range(2):
        connect(**application(authority)).open_catalog().close()
    assert authority.given == ["client secret"] * 2

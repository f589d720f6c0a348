"""Identity by driver by encryption: each connects for real, or is refused with a message that says what can be done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from airflow_provider_ssis.catalog.errors import ConnectError, ServerUnreachable, WindowsAuthenticationRequired
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.hooks.extra import InvalidConnection
from airflow_provider_ssis.odbc.drivers import DriverFamily, installed_drivers
from tests.identities.conftest import PASSWORD, Connect
from tests.support.entra_authority import APPLICATION, MACHINE_SECRET, POD_TOKEN, SECRET, TENANT, Authority
from tests.support.kdc import SERVICE, Realm

DRIVERS = {driver.family: driver.label for driver in reversed(installed_drivers())}
ENCRYPTIONS = ["yes", "no", "strict"]


class Proofs:
    """What proves each identity, as the fields of a connection.

    :param folder: for files that a connection names.
    """

    def __init__(self, realm: Realm, authority: Authority, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._realm = realm
        self._authority = authority
        self._folder = folder
        self._patch = patch

    def sql(self) -> dict[str, Any]:
        return {"login": "etl", "password": PASSWORD}

    def ntlm(self) -> dict[str, Any]:
        return {"login": "CORP\\etl", "password": PASSWORD}

    def kerberos_ticket(self) -> dict[str, Any]:
        self._realm.ticket("etl", self._folder / "tickets")
        return {"server_spn": SERVICE}

    def kerberos_keytab(self) -> dict[str, Any]:
        return {"server_spn": SERVICE, "kerberos_keytab": str(self._realm.keytab("etl"))}

    def kerberos_keytab_of_several(self) -> dict[str, Any]:
        keytab = self._realm.keytab("other", "etl")
        return {"server_spn": SERVICE, "kerberos_keytab": str(keytab), "login": "etl@CORP.EXAMPLE"}

    def kerberos_keytab_of_several_with_a_cache(self) -> dict[str, Any]:
        # The keytab's first principal is another one.
        return {**self.kerberos_keytab_of_several(), "kerberos_ccache": f"FILE:{self._folder / 'cc'}"}

    def entra_secret(self) -> dict[str, Any]:
        return {**self._application(), "password": SECRET}

    def entra_certificate(self) -> dict[str, Any]:
        certificate, self._authority.certificate_pem = application_certificate()
        path = self._folder / "application.pem"
        path.write_text(certificate)
        return {**self._application(), "client_certificate": str(path)}

    def entra_managed_identity(self) -> dict[str, Any]:
        self._patch.setenv("IDENTITY_ENDPOINT", self._authority.machine_url)
        self._patch.setenv("IDENTITY_HEADER", MACHINE_SECRET)
        return {"authentication": "entra_managed_identity"}

    def entra_workload_identity(self) -> dict[str, Any]:
        token = self._folder / "pod.token"
        token.write_text(POD_TOKEN)
        return {
            **self._application(),
            "authentication": "entra_workload_identity",
            "federated_credential_file": str(token),
        }

    def _application(self) -> dict[str, Any]:
        return {
            "authentication": "entra_service_principal",
            "login": APPLICATION,
            "tenant_id": TENANT,
            "entra_authority": self._authority.url,
        }


@pytest.fixture
def proofs(
    realm: Realm, authority: Authority, box: SsisdbEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Proofs:
    """What proves each identity."""
    return Proofs(realm, authority, tmp_path, monkeypatch)


def application_certificate(passphrase: str = "") -> tuple[str, str]:
    """A certificate with its private key, and the certificate alone.

    :param passphrase: of the private key.
    """
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "etl")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )
    encryption = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()
    return private + certificate, certificate


NO_NTLM = "does not support NTLM.*Use FreeTDS"
NO_TOKENS = "FreeTDS does not support access tokens of Entra ID.*Use Microsoft's driver"
NOT_STRICT = "strict encryption from version 1.4"
WINDOWS = (
    "kerberos_ticket",
    "kerberos_keytab",
    "kerberos_keytab_of_several",
    "kerberos_keytab_of_several_with_a_cache",
)
ENTRA = ("entra_secret", "entra_certificate", "entra_managed_identity", "entra_workload_identity")

IDENTITIES: dict[str, tuple[str, str]] = {
    "sql": ("etl", "SQL"),
    "ntlm": ("CORP\\etl", "NTLM"),
    **dict.fromkeys(WINDOWS, ("CORP\\etl", "KERBEROS")),
    **dict.fromkeys(ENTRA, (APPLICATION, "FEDERATED")),
}
"""Who each identity is for the server, and what has proven it there."""


def refusal(identity: str, family: DriverFamily, encrypt: str) -> str | None:
    """What the refusal says; None for what connects."""
    if family is DriverFamily.MICROSOFT:
        return NO_NTLM if identity == "ntlm" else None
    if identity in ENTRA:
        return NO_TOKENS
    return NOT_STRICT if encrypt == "strict" else None


@pytest.mark.parametrize("encrypt", ENCRYPTIONS)
@pytest.mark.parametrize("family", list(DRIVERS), ids=lambda family: family.value)
@pytest.mark.parametrize("identity", list(IDENTITIES))
def test_each_identity_connects_or_gets_the_reason(
    connect: Connect, proofs: Proofs, identity: str, family: DriverFamily, encrypt: str
) -> None:
    prove: Callable[[], dict[str, Any]] = getattr(proofs, identity)
    hook = connect(DRIVERS[family], encrypt=encrypt, **prove())
    expected = refusal(identity, family, encrypt)
    if expected is not None:
        with pytest.raises((InvalidConnection, ServerUnreachable), match=expected) as caught:
            hook.open_catalog()
        assert PASSWORD not in str(caught.value)
        assert SECRET not in str(caught.value)
        return
    with hook.open_catalog() as catalog:
        info = catalog.server_info()
        assert (info.login, info.auth_scheme) == IDENTITIES[identity]
        if identity == "sql":
            assert info.is_refused
            with pytest.raises(WindowsAuthenticationRequired, match="Kerberos"):
                catalog.create_folder("Sales")
        else:
            assert not info.is_refused
            catalog.create_folder("Sales")
            assert [folder.created_by_name for folder in catalog.folders()] == [IDENTITIES[identity][0]]


@pytest.mark.parametrize(
    ("identity", "family"),
    [
        ("sql", DriverFamily.MICROSOFT),
        ("ntlm", DriverFamily.FREETDS),
        ("kerberos_keytab", DriverFamily.MICROSOFT),
        ("entra_secret", DriverFamily.MICROSOFT),
    ],
)
def test_without_a_driver_named_one_is_taken_that_can_do_it(
    connect: Connect, proofs: Proofs, identity: str, family: DriverFamily
) -> None:
    hook = connect(**getattr(proofs, identity)())
    assert hook.odbc_driver.family is family
    reached, text = hook.test_connection()
    assert reached, text
    assert IDENTITIES[identity][0] in text


def test_a_connect_error_is_what_every_refusal_is() -> None:
    assert issubclass(InvalidConnection, ConnectError)

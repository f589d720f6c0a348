"""Projects protected with a password are read with it; a wrong password is distinguished from damage."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from airflow_provider_ssis.project.errors import InvalidPartError, ProtectedError, WrongPasswordError
from airflow_provider_ssis.project.ispac import read_ispac
from airflow_provider_ssis.project.manifest.properties import read_project_parameters
from airflow_provider_ssis.project.models import ProtectionLevel
from airflow_provider_ssis.project.package.connections import read_dts_connection_manager
from airflow_provider_ssis.project.package.document import read_dts_package
from airflow_provider_ssis.project.protection.decryption import check_password, decrypted
from airflow_provider_ssis.project.safe_xml import parse_xml
from tests.project.protection.sample import sample
from tests.support.encryption import SSIS, XENC, encrypt_property, encrypted_data
from tests.support.places import INPUTS, needs_inputs
from tests.support.ssis_projects import ispac_parts, zip_of

DTS = "{www.microsoft.com/SqlServer/Dts}"
SENSITIVE = ProtectionLevel.ENCRYPT_SENSITIVE_WITH_PASSWORD
ALL = ProtectionLevel.ENCRYPT_ALL_WITH_PASSWORD


def encrypt_sensitive(parts: dict[str, bytes], password: str) -> dict[str, bytes]:
    """Encrypt the sensitive values of the sample, and add a verifier."""
    changed = {}
    for name, data in parts.items():
        root = etree.fromstring(data)
        if name == "@Project.manifest":
            verifier = etree.SubElement(root[0], f"{SSIS}Property", {f"{SSIS}Name": "PasswordVerifier"})
            verifier.text = "SSIS"
            encrypt_property(verifier, password)
        for element in root.iter(f"{SSIS}Property"):
            if element.text in ("hunter2", "4711"):
                encrypt_property(element, password)
        for element in list(root.iter(f"{DTS}Property")):
            if element.text == "4711":
                data_element = encrypted_data(element, password)
                element.text = None
                element.append(data_element)
        changed[name] = etree.tostring(root)
    return changed


def encrypt_all(parts: dict[str, bytes], password: str) -> dict[str, bytes]:
    """Encrypt each file of the sample as a whole."""
    changed = {}
    for name, data in parts.items():
        root = etree.fromstring(data)
        if name.endswith(".dtsx"):
            root = encrypted_data(root, password)
        elif not name.startswith("["):
            encrypt_property(root, password)
        changed[name] = etree.tostring(root)
    return changed


FORMS: list[tuple[ProtectionLevel, Callable[[dict[str, bytes], str], dict[str, bytes]]]] = [
    (SENSITIVE, encrypt_sensitive),
    (ALL, encrypt_all),
]


@pytest.mark.parametrize(("level", "encrypt"), FORMS)
@pytest.mark.parametrize("password", ["secret", "", "Größe 売上 \U0001f511", "x" * 200])
def test_a_project_is_read_with_its_password(
    level: ProtectionLevel, encrypt: Callable[[dict[str, bytes], str], dict[str, bytes]], password: str
) -> None:
    parts = encrypt(ispac_parts(sample(level)), password)
    assert not any(secret in data for data in parts.values() for secret in (b"hunter2", b"4711"))
    assert read_ispac(zip_of(parts), password=password) == sample(level)


def test_without_the_password_encrypted_values_are_none() -> None:
    project = read_ispac(zip_of(encrypt_sensitive(ispac_parts(sample(SENSITIVE)), "secret")))
    assert [one.value for one in project.parameters] == ["north", None, "mart"]
    assert project.packages[0].parameters[0].value is None


@pytest.mark.parametrize(("level", "encrypt"), FORMS)
def test_a_wrong_password_is_rejected(
    level: ProtectionLevel, encrypt: Callable[[dict[str, bytes], str], dict[str, bytes]]
) -> None:
    data = zip_of(encrypt(ispac_parts(sample(level)), "secret"))
    for wrong in ("", "Secret", "secret "):
        with pytest.raises(
            WrongPasswordError, match=r"@Project\.manifest, line \d+, cannot be decrypted with the given"
        ):
            read_ispac(data, password=wrong)


@given(st.text(max_size=20), st.text(max_size=20))
@settings(max_examples=100)
def test_any_password_decrypts_what_it_encrypted_and_nothing_else(password: str, other: str) -> None:
    root = etree.fromstring(f'<a xmlns:SSIS="{SSIS[1:-1]}"><b>text</b></a>')
    encrypt_property(root, password)
    data = etree.tostring(root)
    assert decrypted(parse_xml(data, "A"), password, "A").findtext("b") == "text"
    if password != other:
        with pytest.raises(WrongPasswordError):
            decrypted(parse_xml(data, "A"), other, "A")


def test_a_damaged_value_is_distinguished_from_a_wrong_password() -> None:
    parts = encrypt_sensitive(ispac_parts(sample(SENSITIVE)), "secret")
    root = etree.fromstring(parts["Project.params"])
    (value,) = [element for element in root.iter(f"{SSIS}Property") if element.get(f"{SSIS}IV") is not None]
    plain = bytearray(base64.b64decode(value.text or ""))
    plain[20] ^= 1
    value.text = base64.b64encode(plain).decode()
    parts["Project.params"] = etree.tostring(root)
    with pytest.raises(InvalidPartError, match=r"Project\.params, line 1, contains an encrypted value that is damaged"):
        read_ispac(zip_of(parts), password="secret")


@pytest.mark.parametrize(
    ("text", "vector"),
    [("AAAA", "AAECAwQFBgc="), ("", "AAECAwQFBgc="), ("AAECAwQFBgc=", "AAEC"), ("A", "AAECAwQFBgc=")],
)
def test_a_value_that_is_not_a_number_of_blocks_is_damaged(text: str, vector: str) -> None:
    data = f'<a xmlns:SSIS="{SSIS[1:-1]}" SSIS:Salt="AA==" SSIS:IV="{vector}">{text}</a>'.encode()
    with pytest.raises(InvalidPartError, match="contains an encrypted value that is damaged"):
        decrypted(parse_xml(data, "A"), "secret", "A")


@pytest.mark.parametrize(
    "data",
    [
        f'<a xmlns:SSIS="{SSIS[1:-1]}" SSIS:IV="AAEC" SSIS:Algorithm="{XENC}aes128-cbc">AA</a>',
        f'<EncryptedData xmlns="{XENC}"><EncryptionMethod Algorithm="{XENC}aes128-cbc"/></EncryptedData>',
    ],
    ids=["value", "package"],
)
def test_an_unknown_cipher_is_rejected_by_name(data: str) -> None:
    with pytest.raises(ProtectedError, match="is encrypted with aes128-cbc, which is not supported"):
        decrypted(parse_xml(data.encode(), "A"), "secret", "A")


def test_a_package_is_read_with_its_password() -> None:
    parts = encrypt_all(ispac_parts(sample(ALL)), "secret")
    found = read_dts_package(parts["Load.dtsx"], "Load.dtsx", password="secret")
    assert [one.value for one in found.parameters] == [4711]
    with pytest.raises(ProtectedError, match=r"Load\.dtsx is encrypted as a whole\. Give its password"):
        read_dts_package(parts["Load.dtsx"], "Load.dtsx")


@needs_inputs
def test_a_real_project_is_decrypted() -> None:
    """Only lengths and hashes are compared: the values are the secrets of its author's test system."""
    folder, password = INPUTS / "ssis-build-sample", "ssis123"
    manifest = parse_xml((folder / "SampleSSISProject.dtproj").read_bytes(), "P").find(f".//{SSIS}Project")
    assert manifest is not None
    assert check_password(manifest, password, "P")
    with pytest.raises(WrongPasswordError):
        check_password(manifest, "ssis124", "P")
    params = decrypted(parse_xml((folder / "Project.params").read_bytes(), "P"), password, "P")
    assert [len(str(one.value)) for one in read_project_parameters(params, "P")] == [8, 6]
    loaded = read_dts_package((folder / "Package 221.dtsx").read_bytes(), "L", password=password)
    assert [type(one.value) for one in loaded.parameters] == [int, int]
    assert loaded.connection_managers[1].secrets == ("Password",)
    managers = {
        path.name: decrypted(parse_xml(path.read_bytes(), path.name), password, path.name)
        for path in folder.glob("*.conmgr")
    }
    secrets = [one for root in managers.values() for one in root.iter() if one.get("Sensitive") == "1"]
    assert len({hashlib.sha256((one.text or "").encode()).hexdigest() for one in secrets if one.text}) >= 1
    assert read_dts_connection_manager(managers["db-01 msdb.conmgr"], "M").secrets == ("Password",)

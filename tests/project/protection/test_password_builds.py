"""Builds that read, keep, change or add the protection with a password, in both forms of encryption."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from lxml import etree

from airflow_provider_ssis.project.build import build_project
from airflow_provider_ssis.project.content import content_hash
from airflow_provider_ssis.project.errors import BuildError, InvalidPartError, ProtectedError, WrongPasswordError
from airflow_provider_ssis.project.ispac import open_ispac, read_ispac
from airflow_provider_ssis.project.models import ProtectionLevel
from airflow_provider_ssis.project.package.document import read_dts_package
from airflow_provider_ssis.project.protection.ciphers import AES_256, CIPHERS, TRIPLE_DES, PasswordCipher
from airflow_provider_ssis.project.protection.decryption import decrypted
from airflow_provider_ssis.project.protection.encryption import PASSWORD_LEVELS, PasswordProtection
from airflow_provider_ssis.project.safe_xml import parse_xml
from airflow_provider_ssis.project.visual_studio.changes import Changes, Version
from tests.project.protection.sample import sample
from tests.support.places import INPUTS, needs_inputs
from tests.support.ssis_projects import (
    make_project,
    package,
    parameter,
    task,
    write_project_folder,
    zip_of,
)

SENSITIVE, ALL = PASSWORD_LEVELS
PLAIN = ProtectionLevel.DONT_SAVE_SENSITIVE
SECRETS = (b"hunter2", b"4711", b"swordfish")


def write_sample(folder: Path) -> Path:
    """Write the folder of the sample, whose connection manager has a password."""
    folder.mkdir(exist_ok=True)
    write_project_folder(folder, sample(PLAIN))
    path = folder / "Mart.conmgr"
    secret = b'><DTS:Password DTS:Name="Password" Sensitive="1">swordfish</DTS:Password></DTS:ConnectionManager>'
    path.write_bytes(path.read_bytes().replace(b'"Data Source=mart;"/>', b'"Data Source=mart;"' + secret))
    return folder


def protected(folder: Path, protection: PasswordProtection) -> Path:
    """Build the sample with a password, and return the path of the project file."""
    path = folder / "Protected.ispac"
    path.write_bytes(build_project(write_sample(folder / "source"), changes=Changes(protection=protection)).ispac)
    return path


def assert_protected(path: Path, password: str, level: ProtectionLevel, cipher: PasswordCipher) -> None:
    parts = open_ispac(path).parts if level is SENSITIVE else None
    data = path.read_bytes() if parts is None else b"".join(parts.values())
    assert not any(secret in data for secret in SECRETS)
    assert read_ispac(path, password=password) == sample(level)
    with pytest.raises(WrongPasswordError):
        read_ispac(path, password=password + "x")


@pytest.mark.parametrize("cipher", CIPHERS, ids=lambda cipher: cipher.name)
@pytest.mark.parametrize("level", PASSWORD_LEVELS)
@pytest.mark.parametrize("password", ["secret", "", "Größe 売上 \U0001f511"])
def test_a_project_is_protected_and_read_again(
    tmp_path: Path, cipher: PasswordCipher, level: ProtectionLevel, password: str
) -> None:
    path = protected(tmp_path, PasswordProtection(level, password, cipher))
    assert_protected(path, password, level, cipher)


@pytest.mark.parametrize("level", PASSWORD_LEVELS)
def test_a_project_is_protected_with_another_password_and_form_and_back(tmp_path: Path, level: ProtectionLevel) -> None:
    path = protected(tmp_path, PasswordProtection(SENSITIVE, "first", TRIPLE_DES))
    new = PasswordProtection(level, "second", AES_256)
    second = tmp_path / "second.ispac"
    second.write_bytes(build_project(path, changes=Changes(password="first", protection=new)).ispac)
    assert_protected(second, "second", level, AES_256)
    old = PasswordProtection(SENSITIVE, "first", TRIPLE_DES)
    again = build_project(second, changes=Changes(password="second", protection=old))
    assert content_hash(again.ispac) == content_hash(path)


def test_the_element_around_an_encrypted_value_has_only_a_name(tmp_path: Path) -> None:
    path = protected(tmp_path, PasswordProtection(SENSITIVE, "secret"))
    root = etree.fromstring(open_ispac(path).parts["Load.dtsx"])
    (data,) = root.iter("{http://www.w3.org/2001/04/xmlenc#}EncryptedData")
    owner = data.getparent()
    assert owner is not None
    assert dict(owner.attrib) == {"{www.microsoft.com/SqlServer/Dts}Name": "ParameterValue"}


@pytest.mark.parametrize("cipher", CIPHERS, ids=lambda cipher: cipher.name)
def test_a_protected_build_is_reproducible(tmp_path: Path, cipher: PasswordCipher) -> None:
    changes = Changes(protection=PasswordProtection(ALL, "secret", cipher))
    folder = write_sample(tmp_path)
    assert build_project(folder, changes=changes).ispac == build_project(folder, changes=changes).ispac


@pytest.mark.parametrize("level", PASSWORD_LEVELS)
def test_secrets_are_removed_with_the_password(tmp_path: Path, level: ProtectionLevel) -> None:
    path = protected(tmp_path, PasswordProtection(level, "secret"))
    built = build_project(path, strip_sensitive=True, changes=Changes(password="secret"))
    assert built.stripped == (
        "@Project.manifest: the value of the parameter Pin",
        "Project.params: the value of the parameter Key",
        "Load.dtsx: the value of the parameter Pin",
        "Mart.conmgr: the secret Password of Mart",
    )
    assert not any(secret in part for secret in SECRETS for part in open_ispac(built.ispac).parts.values())
    assert built.project.protection_level is PLAIN


def test_a_wrong_password_is_distinguished_from_damage(tmp_path: Path) -> None:
    for cipher in CIPHERS:
        path = protected(tmp_path, PasswordProtection(SENSITIVE, "secret", cipher))
        parts = dict(open_ispac(path).parts)
        root = etree.fromstring(parts["Mart.conmgr"])
        (value,) = [one for one in root.iter() if one.get("Sensitive")]
        damaged = bytearray(base64.b64decode(value.text or ""))
        damaged[-1] ^= 0xFF
        value.text = base64.b64encode(damaged).decode()
        parts["Mart.conmgr"] = etree.tostring(root)
        with pytest.raises(InvalidPartError, match=r"Mart\.conmgr, line \d+, contains an encrypted value .* damaged"):
            read_ispac(zip_of(parts), password="secret")
        with pytest.raises(WrongPasswordError, match=r"@Project\.manifest"):
            read_ispac(zip_of(parts), password="other")


def test_a_value_with_aes_shows_damage_without_a_verifier() -> None:
    namespace = 'xmlns:SSIS="www.microsoft.com/SqlServer/SSIS"'
    salt = b"saltsalt"
    vector = AES_256.derived_vector("secret", salt) or b""
    data = AES_256.encrypt("secret", salt, vector, b"no XML at all...")
    marks = " ".join(
        f'SSIS:{name}="{value}"'
        for name, value in (
            ("Salt", base64.b64encode(salt).decode()),
            ("IV", base64.b64encode(vector).decode()),
            ("Algorithm", AES_256.algorithm),
        )
    )
    root = parse_xml(f"<a {namespace} {marks}>{base64.b64encode(data).decode()}</a>".encode(), "A")
    with pytest.raises(InvalidPartError, match="damaged"):
        decrypted(root, "secret", "A")
    with pytest.raises(WrongPasswordError):
        decrypted(root, "other", "A")


def test_the_key_of_aes_is_that_of_pbkdf2() -> None:
    """Computed by another implementation of RFC 2898."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    salt = bytes(range(8))
    both = PBKDF2HMAC(hashes.SHA1(), 48, salt, 1000).derive(b"secret")  # noqa: S303  # the form of SSIS
    assert AES_256.derived_vector("secret", salt) == both[32:]


def test_without_the_password_the_error_asks_for_it(tmp_path: Path) -> None:
    path = protected(tmp_path, PasswordProtection(SENSITIVE, "secret"))
    with pytest.raises(ProtectedError, match="Give its password"):
        build_project(path, changes=Changes(version=Version(2, 0)))


# --- values and versions


def test_given_values_win_over_those_of_the_project(tmp_path: Path) -> None:
    built = build_project(write_sample(tmp_path), changes=Changes(values={"project::region": "south"}))
    values = {one.name: one.value for one in built.project.parameters}
    assert values["Region"] == "south"
    assert read_ispac(built.ispac) == built.project


def test_a_sensitive_value_needs_protection(tmp_path: Path) -> None:
    folder = write_sample(tmp_path)
    given = {"Project::Key": "new-secret", "Load::Pin": "17"}
    with pytest.raises(BuildError, match="the parameter Project::Key is sensitive"):
        build_project(folder, changes=Changes(values=given))
    protection = PasswordProtection(SENSITIVE, "secret")
    built = build_project(folder, changes=Changes(values=given, protection=protection))
    project = read_ispac(built.ispac, password="secret")
    assert project.parameters[1].value == "new-secret"
    assert project.packages[0].parameters[0].value == 17
    assert b"new-secret" not in b"".join(open_ispac(built.ispac).parts.values())


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"Project::Nothing": "1"}, "has no parameter 'Project::Nothing'"),
        ({"Region": "1"}, "has no parameter 'Region'"),
        ({"Load::Count": "many"}, "override sets Load::Count to a value that is not valid for its type Int32"),
        ({"Load::Count": ""}, "no value"),
        ({"Project::Rate": "inf"}, "not a number in the range"),
        ({"Project::Small": "1e39"}, "not a number in the range"),
        ({"Project::Price": "1e29"}, "not a number in the range"),
        ({"Project::Region": "a\x01"}, "a character that XML cannot contain"),
    ],
)
def test_a_value_that_cannot_be_given_is_rejected(tmp_path: Path, values: dict[str, str], problem: str) -> None:
    load = package("Load.dtsx", task("Copy"), parameters=[parameter("Count", "Int32", 1)])
    others = [parameter("Region", value="north"), parameter("Rate", "Double", 1.5), parameter("Small", "Single", 1.5)]
    others.append(parameter("Price", "Decimal", 1))
    write_project_folder(tmp_path, make_project("Sales", [load], others))
    with pytest.raises(BuildError, match=problem):
        build_project(tmp_path, changes=Changes(values=values))


def test_values_are_written_as_dotnet_reads_them(tmp_path: Path) -> None:
    """.NET's Boolean.Parse reads no numbers, and its Decimal.Parse no exponents."""
    others = [parameter("Full", "Boolean", False), parameter("Rate", "Decimal", 1), parameter("Day", "DateTime")]
    write_project_folder(tmp_path, make_project("Sales", [package("Load.dtsx")], others))
    values = {"Project::Full": "1", "Project::Rate": "1e3", "Project::Day": "12/31/2024"}
    built = build_project(tmp_path, changes=Changes(values=values))
    stored = open_ispac(built.ispac).parts["Project.params"]
    assert all(f">{text}<".encode() in stored for text in ("true", "1000", "2024-12-31T00:00:00"))


def test_a_build_gets_a_version_and_comments(tmp_path: Path) -> None:
    write_project_folder(tmp_path, make_project("Sales", [package("Load.dtsx")]))
    changes = Changes(version=Version.of("2.1.340"), version_comments="from the pipeline <&>")
    built = build_project(tmp_path, changes=changes)
    found = read_ispac(built.ispac)
    assert (found.version_major, found.version_minor, found.version_build) == (2, 1, 340)
    assert found.version_comments == "from the pipeline <&>"
    assert found == built.project


@pytest.mark.parametrize("text", ["2", "2.x", "2.1.3.4", "-1.0", ""])
def test_a_version_is_two_or_three_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version like"):
        Version.of(text)


def test_settings_of_a_user_give_warnings(tmp_path: Path) -> None:
    dtproj = write_project_folder(
        tmp_path, sample(PLAIN), configurations="<Configuration><Name>Test</Name><Options/></Configuration>"
    )
    dtproj.with_name(f"{dtproj.name}.user").write_text(
        "<DataTransformationsUserConfiguration><Configurations><Configuration><Name>Test</Name><Options>"
        "<ParameterConfigurationSensitiveValues><ConfigurationSetting><Id>{1}</Id><Name>Project::Key</Name>"
        "<Value>AQAAANCMnd8BFdERjHoAwE/Cl+sBAAAA</Value></ConfigurationSetting><ConfigurationSetting>"
        "<Id>LastModifiedTime</Id><Name>LastModifiedTime</Name></ConfigurationSetting>"
        "</ParameterConfigurationSensitiveValues></Options></Configuration></Configurations>"
        "</DataTransformationsUserConfiguration>"
    )
    built = build_project(tmp_path, configuration="test")
    (warning,) = [one for one in built.warnings if ".user" in one]
    assert "Project::Key" in warning
    assert "AQAAA" not in warning


# --- a real project


@needs_inputs
@pytest.mark.parametrize("cipher", CIPHERS, ids=lambda cipher: cipher.name)
@pytest.mark.parametrize("level", PASSWORD_LEVELS)
def test_a_real_project_is_decrypted_and_encrypted_again(
    tmp_path: Path, cipher: PasswordCipher, level: ProtectionLevel
) -> None:
    """Only hashes are compared: the values are the secrets of its author's test system."""
    folder, old, new = INPUTS / "ssis-build-sample", "ssis123", "another"
    original = build_project(folder, changes=Changes(password=old))
    protection = PasswordProtection(level, new, cipher)
    path = tmp_path / "new.ispac"
    path.write_bytes(build_project(folder, changes=Changes(password=old, protection=protection)).ispac)
    with pytest.raises(WrongPasswordError):
        read_ispac(path, password=old)
    found = read_ispac(path, password=new)
    assert [one.value for one in found.parameters] == [one.value for one in original.project.parameters]
    back = PasswordProtection(SENSITIVE, old, TRIPLE_DES)
    again = open_ispac(build_project(path, changes=Changes(password=new, protection=back)).ispac).parts
    before = (folder / "Package 221.dtsx").read_bytes()
    assert _plain_hash(again["Package 221.dtsx"], old) == _plain_hash(before, old)


def _plain_hash(data: bytes, password: str) -> str:
    root = decrypted(parse_xml(data, "P"), password, "P")
    return hashlib.sha256(etree.tostring(root, method="c14n2")).hexdigest()


@needs_inputs
def test_a_real_project_keeps_its_password_and_its_bytes() -> None:
    folder = INPUTS / "ssis-build-sample"
    built = build_project(folder, changes=Changes(password="ssis123"))
    parts = open_ispac(built.ispac).parts
    assert parts["Package 221.dtsx"] == (folder / "Package 221.dtsx").read_bytes()
    assert built.stripped == ()
    assert read_ispac(built.ispac, password="ssis123") == built.project
    assert read_dts_package(parts["Package 221.dtsx"], "P", password="ssis123").parameters[1].value is not None


def test_protection_needs_a_level_with_a_password() -> None:
    with pytest.raises(ValueError, match="DontSaveSensitive is not a protection level with a password"):
        PasswordProtection(PLAIN, "secret")


def test_passwords_are_not_in_the_repr() -> None:
    changes = Changes(password="swordfish", protection=PasswordProtection(ALL, "swordfish"), values={"a": "swordfish"})
    assert "swordfish" not in repr(changes)


def test_values_of_a_user_key_are_replaced_by_given_ones(tmp_path: Path) -> None:
    """Only the author's Windows account can decrypt the old values; the new ones get a password."""
    level = ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY
    blob = "AQAAANCMnd8BFdERjHoAwE/Cl+sBAAAA"
    write_project_folder(tmp_path, sample(level))
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        for secret in (b">hunter2<", b">4711<"):
            data = data.replace(secret, f' SSIS:Sensitive="1">{blob}<'.encode() if path.suffix != ".dtsx" else secret)
        path.write_bytes(data.replace(b">4711<", f">{blob}<".encode()))
    changes = Changes(
        protection=PasswordProtection(SENSITIVE, "secret"), values={"Project::Key": "given", "Load::Pin": "17"}
    )
    built = build_project(tmp_path, changes=changes)
    assert len(built.stripped) == 3
    project = read_ispac(built.ispac, password="secret")
    assert project.protection_level is SENSITIVE
    assert [one.value for one in project.parameters if one.sensitive] == ["given"]
    assert [one.value for one in project.packages[0].parameters] == [17]
    assert blob.encode() not in b"".join(open_ispac(built.ispac).parts.values())

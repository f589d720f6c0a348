"""Projects with encrypted values: recognised, rejected with the reason, or deployed without their sensitive values."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from airflow_provider_ssis.project.build import BuiltProject, build_ispac, build_project
from airflow_provider_ssis.project.content import content_hash
from airflow_provider_ssis.project.errors import BuildError, InvalidArchiveError, ProtectedError
from airflow_provider_ssis.project.ispac import open_ispac, read_ispac
from airflow_provider_ssis.project.manifest.properties import read_project_parameters
from airflow_provider_ssis.project.models import ProtectionLevel
from airflow_provider_ssis.project.package.connections import read_connection_manager
from airflow_provider_ssis.project.safe_xml import parse_xml
from tests.project.protection.sample import sample
from tests.support.ssis_projects import (
    ispac_parts,
    make_project,
    package,
    parameter,
    write_ispac,
    write_project_folder,
    zip_of,
)

USER_KEY_BLOB = "AQAAANCMnd8BFdERjHoAwE/Cl+sBAAAA"
PASSWORD_MARKS = 'SSIS:Salt="AAECAwQFBgc=" SSIS:IV="AAECAwQFBgc="'
CIPHERTEXT = "q83vASNFZ4mrze8BI0VniQ=="
USER_KEY = ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY
PASSWORD = ProtectionLevel.ENCRYPT_SENSITIVE_WITH_PASSWORD


def with_secrets(parts: dict[str, bytes], level: ProtectionLevel) -> dict[str, bytes]:
    """Encrypt the sensitive values of the sample, each in the form in which SSIS writes it."""
    by_user = level is USER_KEY
    text = USER_KEY_BLOB if by_user else CIPHERTEXT
    value = f'"Value" SSIS:Sensitive="1" {"" if by_user else PASSWORD_MARKS}>{text}'.encode()
    in_package = text
    if not by_user:
        in_package = (
            '<EncryptedData Type="http://www.w3.org/2001/04/xmlenc#Element" Salt="A" IV="B" '
            'xmlns="http://www.w3.org/2001/04/xmlenc#"><CipherData><CipherValue>'
            f"{text}</CipherValue></CipherData></EncryptedData>"
        )
    password = f'<DTS:Password DTS:Name="Password" Sensitive="1">{text}</DTS:Password>'
    parts = dict(parts)
    for name, data in parts.items():
        if name.endswith((".manifest", ".params", ".dtproj")):
            data = data.replace(b'"Value">1<', value + b"<").replace(b'"Value">x<', value + b"<")
        elif name.endswith(".conmgr"):
            data = data.replace(
                b'"Data Source=mart;"/>', f'"Data Source=mart;">{password}</DTS:ConnectionManager>'.encode()
            )
        elif name.endswith(".dtsx"):
            data = data.replace(b">1</DTS:Property>", f">{in_package}</DTS:Property>".encode())
        parts[name] = data
    return parts


def project_file(folder: Path, level: ProtectionLevel) -> Path:
    path = folder / "Sales.ispac"
    path.write_bytes(zip_of(with_secrets(ispac_parts(sample(level)), level)))
    return path


def project_folder(folder: Path, level: ProtectionLevel) -> Path:
    write_project_folder(folder, sample(level))
    files = with_secrets({path.name: path.read_bytes() for path in folder.iterdir()}, level)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def assert_without_secrets(built: BuiltProject) -> None:
    opened = open_ispac(built.ispac)
    assert opened.project == built.project
    for data in opened.parts.values():
        assert USER_KEY_BLOB.encode() not in data
        assert CIPHERTEXT.encode() not in data
    levels = {built.project.protection_level, *(one.protection_level for one in built.project.packages)}
    assert levels == {ProtectionLevel.DONT_SAVE_SENSITIVE}
    values = {one.name: one.value for one in (*built.project.parameters, *built.project.packages[0].parameters)}
    assert values == {"Region": "north", "CM.Mart.ServerName": "mart", "Key": None, "Pin": None}


@pytest.mark.parametrize("level", [USER_KEY, PASSWORD])
def test_a_project_file_is_stripped_of_its_secrets_on_request(tmp_path: Path, level: ProtectionLevel) -> None:
    built = build_project(project_file(tmp_path, level), strip_sensitive=True)
    assert_without_secrets(built)
    assert built.stripped == (
        "@Project.manifest: the value of the parameter Pin",
        "Project.params: the value of the parameter Key",
        "Load.dtsx: the value of the parameter Pin",
        "Mart.conmgr: the secret Password of Mart",
    )
    assert len(built.warnings) == 4
    assert all(warning.endswith("; set it on the server") for warning in built.warnings)


@pytest.mark.parametrize("level", [USER_KEY, PASSWORD])
def test_a_folder_is_stripped_of_its_secrets_on_request(tmp_path: Path, level: ProtectionLevel) -> None:
    built = build_project(project_folder(tmp_path, level), strip_sensitive=True)
    assert_without_secrets(built)
    assert len(built.stripped) == 4


def test_a_stripped_project_file_has_the_content_of_a_stripped_folder(tmp_path: Path) -> None:
    """A user key encrypts differently each time, so only what is left can be equal."""
    (tmp_path / "project").mkdir()
    from_folder = build_ispac(project_folder(tmp_path / "project", USER_KEY))
    from_file = build_ispac(project_file(tmp_path, USER_KEY), strip_sensitive=True)
    assert content_hash(from_folder) == content_hash(from_file)


def test_plain_values_of_sensitive_parameters_are_removed_on_request(tmp_path: Path) -> None:
    level = ProtectionLevel.DONT_SAVE_SENSITIVE
    write_project_folder(tmp_path, sample(level))
    built = build_project(tmp_path, strip_sensitive=True)
    assert_without_secrets(built)
    assert built.stripped == (
        "Sales.dtproj: the value of the parameter Pin",
        "Project.params: the value of the parameter Key",
        "Load.dtsx: the value of the parameter Pin",
    )


def test_a_project_without_secrets_is_stripped_of_nothing(tmp_path: Path) -> None:
    project = make_project("Sales", parameters=[parameter("Key", value="", sensitive=True)], protection_level=USER_KEY)
    write_project_folder(tmp_path, project)
    built = build_project(tmp_path)
    assert (built.stripped, built.warnings) == ((), ())
    assert built.project.protection_level is ProtectionLevel.DONT_SAVE_SENSITIVE


def test_parts_that_the_manifest_does_not_list_are_left_out_of_a_stripped_file(tmp_path: Path) -> None:
    path = tmp_path / "Sales.ispac"
    path.write_bytes(zip_of({**ispac_parts(sample(USER_KEY)), "Old.dtsx": USER_KEY_BLOB.encode()}))
    built = build_project(path, strip_sensitive=True)
    assert "Old.dtsx: left out, because the manifest does not list it" in built.warnings
    assert "Old.dtsx" not in open_ispac(built.ispac).parts


@pytest.mark.parametrize("arguments", [{}, {"strip_sensitive": True, "configuration": "Development"}])
def test_a_project_file_is_not_built_again(tmp_path: Path, arguments: dict[str, object]) -> None:
    with pytest.raises(BuildError, match=r"Sales\.ispac is a project file already\. Deploy it as it is, or"):
        build_project(project_file(tmp_path, USER_KEY), **arguments)  # type: ignore[arg-type]  # of several types


def test_a_missing_project_file_cannot_be_stripped(tmp_path: Path) -> None:
    with pytest.raises(InvalidArchiveError, match=r"Sales\.ispac cannot be read: No such file"):
        build_project(tmp_path / "Sales.ispac", strip_sensitive=True)


def test_a_password_can_be_avoided_by_stripping(tmp_path: Path) -> None:
    with pytest.raises(ProtectedError, match=r"encrypted with a password.*strip_sensitive \(--strip-sensitive\)"):
        build_ispac(project_folder(tmp_path, PASSWORD))


def test_old_package_formats_get_the_level_where_they_keep_it(tmp_path: Path) -> None:
    project = make_project(
        "Sales", [replace(package("Load.dtsx"), protection_level=USER_KEY)], protection_level=USER_KEY
    )
    write_project_folder(tmp_path, project)
    path = tmp_path / "Load.dtsx"
    data = path.read_bytes().replace(b' DTS:ProtectionLevel="1"', b"")
    old = b'<DTS:Property DTS:Name="ProtectionLevel">1</DTS:Property><DTS:Property DTS:Name="PackageFormatVersion"'
    path.write_bytes(data.replace(b'<DTS:Property DTS:Name="PackageFormatVersion"', old))
    built = open_ispac(build_ispac(tmp_path)).parts["Load.dtsx"]
    assert b'"ProtectionLevel">0<' in built
    assert b"DTS:ProtectionLevel=" not in built


# --- encrypted as a whole

LEVELS = [ProtectionLevel.ENCRYPT_ALL_WITH_PASSWORD, ProtectionLevel.ENCRYPT_ALL_WITH_USER_KEY]
ALGORITHMS = ["", ' {0}:Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"']


def encrypted(data: bytes, level: ProtectionLevel, algorithm: str = "", prefix: str = "SSIS") -> bytes:
    """Encrypt a file as a whole: its root keeps its attributes, and its content becomes text."""
    root = re.search(rb"<(\w+:\w+)([^>]*?)/?>", data)
    assert root is not None
    name, attributes = root[1].decode(), root[2].decode()
    declaration = "" if prefix == "SSIS" else f' xmlns:{prefix}="www.microsoft.com/SqlServer/SSIS"'
    text = USER_KEY_BLOB
    if level is ProtectionLevel.ENCRYPT_ALL_WITH_PASSWORD:
        attributes += f' {prefix}:Salt="AAEC" {prefix}:IV="AAEC"{algorithm.format(prefix)}'
        text = CIPHERTEXT
    return f"<{name}{declaration}{attributes}>{text}</{name}>".encode()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_project_encrypted_as_a_whole_is_rejected_with_its_level(
    tmp_path: Path, level: ProtectionLevel, algorithm: str
) -> None:
    parts = ispac_parts(sample(level))
    parts["@Project.manifest"] = encrypted(parts["@Project.manifest"], level, algorithm)
    path = tmp_path / "Sales.ispac"
    path.write_bytes(zip_of(parts))
    for read in (read_ispac, lambda source: build_ispac(source, strip_sensitive=True)):
        with pytest.raises(ProtectedError) as caught:
            read(path)
        assert caught.value.part == "@Project.manifest"
        assert f"is encrypted as a whole (protection level {level.label}) with" in str(caught.value)
        assert "to DontSaveSensitive in Visual Studio" in str(caught.value)


@pytest.mark.parametrize("level", LEVELS)
def test_a_folder_encrypted_as_a_whole_is_rejected_with_its_level(tmp_path: Path, level: ProtectionLevel) -> None:
    dtproj = write_project_folder(tmp_path, sample(level))
    data = dtproj.read_bytes()
    manifest = data[data.index(b"<SSIS:Project ") : data.index(b"</Manifest>")]
    dtproj.write_bytes(data.replace(manifest, encrypted(manifest, level)))
    with pytest.raises(ProtectedError, match=rf"Sales\.dtproj, line \d+, is encrypted as a whole .*{level.label}"):
        build_ispac(tmp_path)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("prefix", ["SSIS", "p1"])
def test_encrypted_parameters_and_connection_managers_are_not_read_as_empty(
    level: ProtectionLevel, prefix: str
) -> None:
    parts = ispac_parts(sample(level))
    params = parse_xml(encrypted(parts["Project.params"], level, prefix=prefix), "Project.params")
    with pytest.raises(ProtectedError, match=r"Project\.params, line 1, is encrypted as a whole"):
        read_project_parameters(params, "Project.params")
    data = parts["Mart.conmgr"].replace(
        b"<DTS:ConnectionManager ", b'<DTS:ConnectionManager xmlns:SSIS="www.microsoft.com/SqlServer/SSIS" ', 1
    )
    manager = parse_xml(encrypted(data, level, prefix=prefix), "Mart.conmgr")
    with pytest.raises(ProtectedError, match=r"Mart\.conmgr, line 1, is encrypted as a whole"):
        read_connection_manager(manager, "Mart.conmgr")


@pytest.mark.parametrize("data", [b"<SSIS:Parameters xmlns:SSIS='www.microsoft.com/SqlServer/SSIS'/>"])
def test_empty_parameters_are_not_encrypted(data: bytes) -> None:
    assert read_project_parameters(parse_xml(data, "Project.params"), "Project.params") == ()
    pretty = data.replace(b"/>", b">\r\n</SSIS:Parameters>")
    assert read_project_parameters(parse_xml(pretty, "Project.params"), "Project.params") == ()


def test_write_ispac_makes_the_sample_readable() -> None:
    assert read_ispac(write_ispac(sample(USER_KEY))) == sample(USER_KEY)
    assert etree.fromstring(ispac_parts(sample(USER_KEY))["Load.dtsx"]) is not None

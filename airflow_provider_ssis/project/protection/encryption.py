"""Protect SSIS files with a password: encrypt their sensitive values, or whole files, as SSIS does.

Salts and initialisation vectors come from the password and the plain text, so the same input gives the same file. Two
files show that a value in them is the same, and nothing else.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.dts import dts_flag
from airflow_provider_ssis.project.manifest.properties import PropertyList
from airflow_provider_ssis.project.models import ProtectionLevel
from airflow_provider_ssis.project.namespaces import DTS, SSIS, XML_ENCRYPTION
from airflow_provider_ssis.project.protection.ciphers import TRIPLE_DES, PasswordCipher
from airflow_provider_ssis.project.protection.sensitive import is_secret, set_manifest_level, set_package_level

if TYPE_CHECKING:
    from lxml.etree import _Element

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_VERIFIER = "PasswordVerifier"
_WHOLE = (ProtectionLevel.ENCRYPT_ALL_WITH_PASSWORD,)
USER_KEY_LEVELS = (ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY, ProtectionLevel.ENCRYPT_ALL_WITH_USER_KEY)
PASSWORD_LEVELS = (ProtectionLevel.ENCRYPT_SENSITIVE_WITH_PASSWORD, ProtectionLevel.ENCRYPT_ALL_WITH_PASSWORD)


@dataclass(frozen=True, slots=True)
class PasswordProtection:
    """How to protect a project or package with a password.

    :param level: ``ENCRYPT_SENSITIVE_WITH_PASSWORD`` or ``ENCRYPT_ALL_WITH_PASSWORD``.
    :param password: the password; not part of the ``repr``.
    :param cipher: the cipher. Default: Triple DES, which all versions read. AES-256 is what SQL Server 2017 and
        later write; its key derivation rests on a public report alone
        (:mod:`~airflow_provider_ssis.project.protection.ciphers`).
    """

    level: ProtectionLevel
    password: str = field(repr=False)
    cipher: PasswordCipher = TRIPLE_DES

    def __post_init__(self) -> None:
        if self.level not in PASSWORD_LEVELS:
            raise ValueError(f"{self.level.label} is not a protection level with a password")


def protect_manifest(root: _Element, part: str, protection: PasswordProtection) -> _Element:
    """Protect a manifest.

    :param root: the element ``SSIS:Project``, not encrypted; changed in place.
    :param part: the file that contains it, for errors.
    :param protection: the level, password and cipher.
    :returns: the root element to write.
    """
    set_manifest_level(root, part, protection.level)
    properties = PropertyList.of(root, part, "project").elements
    verifier = properties.get(_VERIFIER)
    if verifier is None:
        verifier = etree.Element(f"{SSIS}Property", {f"{SSIS}Name": _VERIFIER})
        following = properties.get("FormatVersion")
        if following is not None:
            following.addprevious(verifier)
        else:
            properties["Name"].addnext(verifier)
    verifier.text = "SSIS"
    _encrypt(verifier, protection)
    return protect_parameters(root, part, protection)


def protect_parameters(root: _Element, part: str, protection: PasswordProtection) -> _Element:
    """Protect a .params file, or the parameters of a manifest.

    :param root: the root element, not encrypted; changed in place.
    :param part: the name of the file, for errors.
    :param protection: as for :func:`protect_manifest`.
    :returns: the root element to write.
    """
    if protection.level in _WHOLE:
        _encrypt(root, protection)
        return root
    for parameter in root.iter(f"{SSIS}Parameter"):
        properties = PropertyList.of(parameter, part, f"parameter {parameter.get(f'{SSIS}Name', '')}")
        value = properties.elements.get("Value")
        if value is not None and value.text and properties.flag("Sensitive"):
            _encrypt(value, protection)
    return root


def protect_dts(root: _Element, protection: PasswordProtection) -> _Element:
    """Protect a .dtsx, .dtsxp or .conmgr file.

    :param root: the root element, not encrypted; changed in place.
    :param protection: as for :func:`protect_manifest`.
    :returns: the root element to write.
    """
    is_package = root.tag == f"{DTS}Executable"
    if is_package:
        set_package_level(root, protection.level)
    if protection.level in _WHOLE:
        if is_package:
            return _encrypted_data(root, protection)
        _encrypt(root, protection)
        return root
    for element in list(root.iter(etree.Element)):
        if _is_sensitive_value(element):
            data = _encrypted_data(element, protection)
            _clear(element)
            for name in list(element.attrib):
                if name != f"{DTS}Name":  # the type of the value is encrypted with it
                    del element.attrib[name]
            element.append(data)
        elif is_secret(element) and (len(element) or element.text):
            if is_package:
                data = _encrypted_data(element, protection)
                data.tail = element.tail
                parent = element.getparent()
                if parent is not None:
                    parent.replace(element, data)
            else:
                _encrypt(element, protection)
    return root


def _is_sensitive_value(element: _Element) -> bool:
    """Return True for the value of a sensitive parameter of a package."""
    parent = element.getparent()
    return (
        element.tag == f"{DTS}Property"
        and element.get(f"{DTS}Name") == "ParameterValue"
        and parent is not None
        and parent.tag == f"{DTS}PackageParameter"
        and dts_flag(parent, "Sensitive")
        and bool(element.text)
    )


def _encrypt(element: _Element, protection: PasswordProtection) -> None:
    """Encrypt an element outside of packages: its text becomes the encrypted form of the whole element."""
    if element.tag == f"{SSIS}Property":
        element.set(f"{SSIS}Sensitive", "1")
    cipher, tail = protection.cipher, element.tail
    plain = _BYTE_ORDER_MARK + etree.tostring(element, encoding="utf-8", xml_declaration=False, with_tail=False)
    salt, vector = _start(protection, plain)
    padding = cipher.block_bytes - len(plain) % cipher.block_bytes
    data = cipher.encrypt(protection.password, salt, vector, plain + bytes([padding]) * padding)
    _clear(element)
    element.text, element.tail = base64.b64encode(data).decode(), tail
    element.set(f"{SSIS}Salt", base64.b64encode(salt).decode())
    element.set(f"{SSIS}IV", base64.b64encode(vector).decode())
    if cipher.names_itself:
        element.set(f"{SSIS}Algorithm", cipher.algorithm)


def _encrypted_data(element: _Element, protection: PasswordProtection) -> _Element:
    """Return the encrypted form of an element of a package, as XML Encryption defines it."""
    cipher = protection.cipher
    plain = etree.tostring(element, encoding="utf-8", xml_declaration=False, with_tail=False)
    salt, vector = _start(protection, plain)
    padding = cipher.block_bytes - len(plain) % cipher.block_bytes
    padded = plain + bytes(padding - 1) + bytes([padding])
    data = vector + cipher.encrypt(protection.password, salt, vector, padded)
    uri = XML_ENCRYPTION[1:-1]
    found = etree.Element(f"{XML_ENCRYPTION}EncryptedData", {"Type": f"{uri}Element"}, nsmap={None: uri})
    found.set("Salt", base64.b64encode(salt).decode())
    found.set("IV", base64.b64encode(vector).decode())
    etree.SubElement(found, f"{XML_ENCRYPTION}EncryptionMethod").set("Algorithm", cipher.algorithm)
    value = etree.SubElement(etree.SubElement(found, f"{XML_ENCRYPTION}CipherData"), f"{XML_ENCRYPTION}CipherValue")
    value.text = base64.b64encode(data).decode()
    return found


def _start(protection: PasswordProtection, plain: bytes) -> tuple[bytes, bytes]:
    """Return the salt and the initialisation vector of a new value."""
    cipher = protection.cipher
    seed = hmac.digest(protection.password.encode(), plain, "sha256")
    salt = seed[: cipher.salt_bytes]
    derived = cipher.derived_vector(protection.password, salt)
    return salt, seed[-cipher.block_bytes :] if derived is None else derived


def _clear(element: _Element) -> None:
    for child in list(element):
        element.remove(child)
    element.text = None

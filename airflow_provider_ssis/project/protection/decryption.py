"""Decrypt SSIS files that are protected with a password."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.errors import (
    InvalidPartError,
    LimitExceededError,
    ProtectedError,
    WrongPasswordError,
)
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.namespaces import DTS, SSIS, XML_ENCRYPTION
from airflow_provider_ssis.project.protection.ciphers import PasswordCipher, cipher_of
from airflow_provider_ssis.project.safe_xml import parse_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

_ENCRYPTED = f"{XML_ENCRYPTION}EncryptedData"
_DAMAGED = "contains an encrypted value that is damaged"
_RESTORE = "Restore the file from its source, or save it again in Visual Studio"
_VERIFIER = "PasswordVerifier"
_VERIFIER_TEXT = "SSIS"


def decrypted(
    root: _Element,
    password: str,
    part: str,
    *,
    is_checked: bool = False,
    keep_all: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> _Element:
    """Decrypt a manifest, .params, .conmgr or .dtsx file.

    :param root: the root element; changed in place, unless the file is encrypted as a whole.
    :param password: the password of the project or package.
    :param part: the name of the file, for errors.
    :param is_checked: the password is known to be right, so a value that it does not decrypt is damaged. Default:
        False.
    :param keep_all: keep white space and comments of decrypted XML, to write it again. Default: False.
    :param limits: limits for decrypted XML.
    :returns: the root element of the decrypted file.
    :raises WrongPasswordError: the password does not decrypt the file. Without a check, this can also be damage.
    :raises ProtectedError: the file uses a cipher that is not supported.
    :raises InvalidPartError: an encrypted value is damaged.
    """
    try:
        return _decrypted(root, password, part, limits, keep_all)
    except WrongPasswordError as error:
        if not is_checked:
            raise
        raise InvalidPartError(_DAMAGED, part=error.part, line=error.line, advice=_RESTORE) from None


def check_password(manifest: _Element, password: str, part: str) -> bool:
    """Check a password against the verifier of a project.

    :param manifest: the element ``SSIS:Project``, not decrypted.
    :param password: the password.
    :param part: the file that contains the manifest, for errors.
    :returns: True if the password is right, False if the project has no verifier.
    :raises WrongPasswordError: the password is not that of the project.
    :raises ProtectedError: as for :func:`decrypted`.
    :raises InvalidPartError: the verifier is damaged.
    """
    for element in manifest.iterfind(f"{SSIS}Properties/{SSIS}Property"):
        if element.get(f"{SSIS}Name") == _VERIFIER and _has_marks(element):
            plain = _plain_element(element, password, part, DEFAULT_LIMITS, False)
            if plain.text != _VERIFIER_TEXT:
                raise _wrong_password(element, part)
            return True
    return False


def cipher_of_element(element: _Element, part: str) -> PasswordCipher:
    """Return the cipher of an encrypted element.

    :param element: an encrypted property, root element, or ``EncryptedData``.
    :param part: the name of the file, for errors.
    :raises ProtectedError: its cipher is not supported.
    """
    algorithm = element.get(f"{SSIS}Algorithm", "")
    if element.tag == _ENCRYPTED:
        method = element.find(f"{XML_ENCRYPTION}EncryptionMethod")
        algorithm = "" if method is None else method.get("Algorithm", "")
    cipher = cipher_of(algorithm)
    if cipher is None:
        raise ProtectedError(
            f"is encrypted with {algorithm.rpartition('#')[2] or algorithm}, which is not supported",
            part=part,
            line=element.sourceline,
            advice="Save the project with the protection level DontSaveSensitive in Visual Studio",
        )
    return cipher


def _decrypted(root: _Element, password: str, part: str, limits: Limits, keep_all: bool) -> _Element:
    if root.tag == _ENCRYPTED or _has_marks(root):
        root = _plain_element(root, password, part, limits, keep_all)
    for element in list(root.iter("*")):
        if _has_marks(element):
            _replace(element, _plain_element(element, password, part, limits, keep_all))
        elif element.tag == _ENCRYPTED:
            plain = _plain_element(element, password, part, limits, keep_all)
            owner = element.getparent()
            # The plain text of a parameter's value is the whole property that contains the encrypted data.
            is_whole = owner is not None and owner.tag == plain.tag == f"{DTS}Property"
            _replace(owner if is_whole and owner is not None else element, plain)
    return root


def _has_marks(element: _Element) -> bool:
    """Return True for an element whose text is encrypted. ``EncryptedData`` has such marks too, without a namespace."""
    return element.get(f"{SSIS}IV") is not None


def _plain_element(element: _Element, password: str, part: str, limits: Limits, keep_all: bool) -> _Element:
    """Return the decrypted form of an encrypted element."""
    cipher = cipher_of_element(element, part)
    is_xml_encryption = element.tag == _ENCRYPTED
    prefix = "" if is_xml_encryption else SSIS
    try:
        salt = base64.b64decode(element.get(f"{prefix}Salt", ""))
        if is_xml_encryption:
            data = base64.b64decode(element.findtext(f".//{XML_ENCRYPTION}CipherValue") or "")
            vector, data = data[: cipher.block_bytes], data[cipher.block_bytes :]
        else:
            vector = base64.b64decode(element.get(f"{prefix}IV", ""))
            data = base64.b64decode(element.text or "")
        padded = cipher.decrypt(password, salt, vector, data)
    except (binascii.Error, ValueError) as error:
        raise InvalidPartError(f"{_DAMAGED}: {error}", part=part, line=element.sourceline, advice=_RESTORE) from None
    unpad = _without_xml_padding if is_xml_encryption else _without_pkcs7_padding
    plain = unpad(padded, cipher.block_bytes)
    found = None if plain is None else _parsed(plain, part, limits, keep_all)
    if found is None or element.tag not in (_ENCRYPTED, found.tag):
        if cipher.derived_vector(password, salt) == vector:
            raise InvalidPartError(_DAMAGED, part=part, line=element.sourceline, advice=_RESTORE)
        raise _wrong_password(element, part)
    return found


def _parsed(plain: bytes, part: str, limits: Limits, keep_all: bool) -> _Element | None:
    try:
        return parse_xml(plain, part, limits=limits, keep_all=keep_all)
    except (InvalidPartError, LimitExceededError):
        return None


def _replace(element: _Element, plain: _Element) -> None:
    parent = element.getparent()
    if parent is not None:
        plain.tail = element.tail
        parent.replace(element, plain)


def _without_pkcs7_padding(data: bytes, block: int) -> bytes | None:
    size = data[-1]
    if not 1 <= size <= block or data[-size:] != bytes([size]) * size:
        return None
    return data[:-size]


def _without_xml_padding(data: bytes, block: int) -> bytes | None:
    """Remove the padding of XML Encryption, of which only the last byte has a meaning."""
    return data[: -data[-1]] if 1 <= data[-1] <= block else None


def _wrong_password(element: _Element, part: str) -> WrongPasswordError:
    return WrongPasswordError(
        "cannot be decrypted with the given password",
        part=part,
        line=element.sourceline,
        advice="Give the password of the project",
    )

"""Decrypt SSIS files that are protected with a password.

The Triple DES form, which SQL Server 2005 to 2016 write. The key comes from the password alone, as Windows'
``CryptDeriveKey`` derives it with SHA-1: the stored salt is not used, so all files with one password have one key. The
newer form with AES is recognised and rejected, because its key derivation is not published.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.errors import (
    InvalidPartError,
    LimitExceededError,
    ProtectedError,
    WrongPasswordError,
)
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.namespaces import DTS, SSIS, XML_ENCRYPTION
from airflow_provider_ssis.project.safe_xml import parse_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

_KEY_BYTES, _BLOCK_BYTES = 24, 8
_ENCRYPTED = f"{XML_ENCRYPTION}EncryptedData"
_ALGORITHMS = ("", "http://www.w3.org/2001/04/xmlenc#tripledes-cbc")
_DAMAGED = "contains an encrypted value that is damaged"
_RESTORE = "Restore the file from its source, or save it again in Visual Studio"
_VERIFIER = "PasswordVerifier"
_VERIFIER_TEXT = "SSIS"


def decrypted(
    root: _Element, password: str, part: str, *, is_checked: bool = False, limits: Limits = DEFAULT_LIMITS
) -> _Element:
    """Decrypt a manifest, .params, .conmgr or .dtsx file.

    :param root: the root element; changed in place, unless the file is encrypted as a whole.
    :param password: the password of the project or package.
    :param part: the name of the file, for errors.
    :param is_checked: the password is known to be right, so a value that it does not decrypt is damaged. Default:
        False.
    :param limits: limits for decrypted XML.
    :returns: the root element of the decrypted file.
    :raises WrongPasswordError: the password does not decrypt the file. Without a check, this can also be damage.
    :raises ProtectedError: the file uses an encryption that is not supported.
    :raises InvalidPartError: an encrypted value is damaged.
    """
    try:
        return _decrypted(root, _key(password), part, limits)
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
            plain = _plain_element(element, _key(password), part, DEFAULT_LIMITS)
            if plain.text != _VERIFIER_TEXT:
                raise _wrong_password(element, part)
            return True
    return False


def _decrypted(root: _Element, key: bytes, part: str, limits: Limits) -> _Element:
    if root.tag == _ENCRYPTED or _has_marks(root):
        root = _plain_element(root, key, part, limits)
    for element in list(root.iter("*")):
        if _has_marks(element):
            _replace(element, _plain_element(element, key, part, limits))
        elif element.tag == _ENCRYPTED:
            plain = _plain_element(element, key, part, limits)
            owner = element.getparent()
            # The plain text of a parameter's value is the whole property that contains the encrypted data.
            is_whole = owner is not None and owner.tag == plain.tag == f"{DTS}Property"
            _replace(owner if is_whole and owner is not None else element, plain)
    return root


def _has_marks(element: _Element) -> bool:
    """Return True for an element whose text is encrypted. ``EncryptedData`` has such marks too, without a namespace."""
    return element.get(f"{SSIS}IV") is not None


def _plain_element(element: _Element, key: bytes, part: str, limits: Limits) -> _Element:
    """Return the decrypted form of an encrypted element."""
    algorithm = element.get(f"{SSIS}Algorithm", "")
    if element.tag == _ENCRYPTED:
        method = element.find(f"{XML_ENCRYPTION}EncryptionMethod")
        algorithm = "" if method is None else method.get("Algorithm", "")
    if algorithm not in _ALGORITHMS:
        raise ProtectedError(
            f"is encrypted with {algorithm.rpartition('#')[2] or algorithm}, whose key derivation is not supported",
            part=part,
            line=element.sourceline,
            advice="Save the project with the protection level DontSaveSensitive in Visual Studio",
        )
    try:
        if element.tag == _ENCRYPTED:
            data = base64.b64decode(element.findtext(f".//{XML_ENCRYPTION}CipherValue") or "")
            plain = _without_xml_padding(_decrypt(key, data[:_BLOCK_BYTES], data[_BLOCK_BYTES:]))
        else:
            vector = base64.b64decode(element.get(f"{SSIS}IV", ""))
            plain = _without_pkcs7_padding(_decrypt(key, vector, base64.b64decode(element.text or "")))
    except (binascii.Error, ValueError) as error:
        raise InvalidPartError(f"{_DAMAGED}: {error}", part=part, line=element.sourceline, advice=_RESTORE) from None
    if plain is None:
        raise _wrong_password(element, part)
    try:
        found = parse_xml(plain, part, limits=limits)
    except (InvalidPartError, LimitExceededError):
        raise _wrong_password(element, part) from None
    if element.tag not in (_ENCRYPTED, found.tag):
        raise _wrong_password(element, part)
    return found


def _replace(element: _Element, plain: _Element) -> None:
    parent = element.getparent()
    if parent is not None:
        plain.tail = element.tail
        parent.replace(element, plain)


def _key(password: str) -> bytes:
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).digest().ljust(64, b"\0")
    halves = (
        hashlib.sha1(bytes(byte ^ pad for byte in digest), usedforsecurity=False).digest() for pad in (0x36, 0x5C)
    )
    return bytes(_odd_parity(byte) for byte in b"".join(halves)[:_KEY_BYTES])


def _odd_parity(byte: int) -> int:
    return byte & 0xFE | ((byte >> 1).bit_count() + 1) % 2


def _decrypt(key: bytes, vector: bytes, data: bytes) -> bytes:
    """Decrypt some blocks.

    :raises ValueError: the initialisation vector or the data has a wrong size.
    """
    # Imported late: most projects are not encrypted.
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    if len(vector) != _BLOCK_BYTES or not data or len(data) % _BLOCK_BYTES:
        raise ValueError("it is not a whole number of blocks")
    decryptor = Cipher(TripleDES(key), modes.CBC(vector)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def _without_pkcs7_padding(data: bytes) -> bytes | None:
    size = data[-1]
    if not 1 <= size <= _BLOCK_BYTES or data[-size:] != bytes([size]) * size:
        return None
    return data[:-size]


def _without_xml_padding(data: bytes) -> bytes | None:
    """Remove the padding of XML Encryption, of which only the last byte has a meaning."""
    return data[: -data[-1]] if 1 <= data[-1] <= _BLOCK_BYTES else None


def _wrong_password(element: _Element, part: str) -> WrongPasswordError:
    return WrongPasswordError(
        "cannot be decrypted with the given password",
        part=part,
        line=element.sourceline,
        advice="Give the password of the project",
    )

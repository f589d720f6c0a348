"""Encrypt SSIS files as SSIS does with a password, in the Triple DES form."""

from __future__ import annotations

import base64
import os

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from lxml import etree

from airflow_provider_ssis.project.protection.ciphers import _triple_des_key

SSIS = "{www.microsoft.com/SqlServer/SSIS}"
XENC = "http://www.w3.org/2001/04/xmlenc#"


def encrypt_property(element: etree._Element, password: str) -> None:
    """Encrypt a property, or the root of a manifest, .params or .conmgr file, in place."""
    tail, element.tail = element.tail, None
    plain = b"\xef\xbb\xbf" + etree.tostring(element)
    padding = 8 - len(plain) % 8
    vector = os.urandom(8)
    for child in list(element):
        element.remove(child)
    element.text = base64.b64encode(_encrypt(password, vector, plain + bytes([padding]) * padding)).decode()
    element.set(f"{SSIS}Salt", base64.b64encode(os.urandom(7)).decode())
    element.set(f"{SSIS}IV", base64.b64encode(vector).decode())
    element.tail = tail


def encrypted_data(element: etree._Element, password: str) -> etree._Element:
    """Return the encrypted form of an element of a package. The padding is arbitrary but for its last byte."""
    plain = etree.tostring(element, with_tail=False)
    padding = 8 - len(plain) % 8
    vector = os.urandom(8)
    data = vector + _encrypt(password, vector, plain + os.urandom(padding - 1) + bytes([padding]))
    return etree.fromstring(
        f'<EncryptedData Type="{XENC}Element" xmlns="{XENC}"><EncryptionMethod Algorithm="{XENC}tripledes-cbc"/>'
        f"<CipherData><CipherValue>{base64.b64encode(data).decode()}</CipherValue></CipherData></EncryptedData>"
    )


def _encrypt(password: str, vector: bytes, data: bytes) -> bytes:
    encryptor = Cipher(TripleDES(_triple_des_key(password)), modes.CBC(vector)).encryptor()
    return encryptor.update(data) + encryptor.finalize()

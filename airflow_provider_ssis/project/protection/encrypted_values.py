"""Recognise encrypted values and encrypted files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.project.errors import ProtectedError
from airflow_provider_ssis.project.models import ProtectionLevel
from airflow_provider_ssis.project.namespaces import SSIS

if TYPE_CHECKING:
    from lxml.etree import _Element

DPAPI_BLOB = "AQAAANCMnd8BFdERjHoAwE/Cl+s"
"""The first characters of each value that Windows encrypted with a user key (base64)."""

SET_LEVEL = "Set the protection level of the project and of each package to DontSaveSensitive in Visual Studio"
HOW_TO_DECRYPT = (
    "Give its password, or remove the protection: with 'airflow-ssis build --password-file FILE --strip-sensitive', or "
    "by setting the protection level of the project and of each package to DontSaveSensitive in Visual Studio"
)

_MARKS = ("Salt", "IV", "Algorithm")


def is_encrypted(element: _Element) -> bool:
    """Return True if the text of a property is encrypted.

    Encryption with a password leaves the attributes ``Salt`` and ``IV``, encryption with a user key a DPAPI blob.
    """
    return any(element.get(SSIS + mark) is not None for mark in _MARKS) or (element.text or "").startswith(DPAPI_BLOB)


def require_readable(root: _Element, part: str, level: ProtectionLevel | None = None) -> None:
    """Check that a manifest, .params or .conmgr file is not encrypted as a whole.

    The encrypted form of these files keeps the root element, with the encrypted text instead of child elements.

    :param root: the root element.
    :param part: the name of the file, for errors.
    :param level: the protection level, if the file names it.
    :raises ProtectedError: the file is encrypted as a whole.
    """
    if len(root) or not (is_encrypted(root) or (root.text or "").strip()):
        return
    label = f" (protection level {level.label})" if level is not None else ""
    key, advice = "a password", HOW_TO_DECRYPT
    if level is ProtectionLevel.ENCRYPT_ALL_WITH_USER_KEY or (root.text or "").strip().startswith(DPAPI_BLOB):
        key, advice = "the key of its author's Windows account, which no other account can use", SET_LEVEL
    raise ProtectedError(f"is encrypted as a whole{label} with {key}", part=part, line=root.sourceline, advice=advice)

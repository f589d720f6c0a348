"""Kerberos for drivers: they use GSSAPI, which takes keytab and ticket cache from the environment.

With a client keytab, MIT Kerberos gets a ticket if there is none, and a new one well before the old one expires, at
each connection, without ``kinit`` (MIT Kerberos documentation, "keytab", default client keytab).
"""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airflow_provider_ssis.odbc.input_files import read_input
from airflow_provider_ssis.odbc.private_files import digest_of, private_folder, write_whole

_CACHE_VERSION: Final = 0x0504
_CACHE_VERSION_BEFORE: Final = 0x0503
"""An older version without a header, which krb5.conf may select (``ccache_type``)."""
_NAME_OF_A_PRINCIPAL: Final = 1
_SECONDS_OF_A_RENEWAL: Final = 0.1


@dataclass(frozen=True, slots=True)
class KerberosTarget:
    """The source of a driver's Kerberos identity.

    :param principal: the identity, ``user@REALM``; None: that of the ticket cache, or the keytab's first one.
    :param keytab: file with the principal's key. None: the existing tickets are used.
    :param ticket_cache: as in ``KRB5CCNAME``. None: the process's default, or with a keytab a private one.
    """

    principal: str | None = None
    keytab: str | None = None
    ticket_cache: str | None = None


_KEYTAB_SIGNATURE: Final = b"\5"
"""The first byte of a keytab (MIT Kerberos documentation, "Keytab file format")."""

NO_KEYTAB: Final = KerberosTarget()
"""The identity of the process's existing tickets."""


def kerberos_environment(target: KerberosTarget) -> dict[str, str]:
    """The variables that GSSAPI reads. Prepares the ticket cache that they name.

    :raises ValueError: the principal has no realm, the file is not a keytab, or the ticket cache belongs to another
        principal.
    :raises UnreadableFile: the keytab cannot be read.
    :raises OSError: the ticket cache cannot be read or written.
    :raises UnsafeFolder: there is no safe folder for the tickets.
    """
    if target.keytab is None:
        return {} if target.ticket_cache is None else {"KRB5CCNAME": target.ticket_cache}
    # The prefix is allowed in KRB5_CLIENT_KTNAME.
    keytab = target.keytab.removeprefix("FILE:")
    # Read here, because GSSAPI would only report that it has no credentials.
    if not read_input("kerberos_keytab", keytab).startswith(_KEYTAB_SIGNATURE):
        raise ValueError(f"the file {keytab} of the field kerberos_keytab is not a keytab")
    cache = target.ticket_cache
    if cache is None:
        name = digest_of(f"{keytab}\0{target.principal or ''}".encode())
        path = private_folder() / f"{name}.tickets"
        _prepare_own(path, target.principal)
        cache = f"FILE:{path}"
    elif target.principal is not None and is_file_cache(cache):
        _prepare_named(Path(cache.removeprefix("FILE:")), target.principal)
    return {"KRB5CCNAME": cache, "KRB5_CLIENT_KTNAME": keytab}


def is_file_cache(ticket_cache: str) -> bool:
    """Whether a ticket cache, as in ``KRB5CCNAME``, is a file. A file can be prepared for one principal."""
    return ":" not in ticket_cache or ticket_cache.startswith("FILE:")


def _prepare_own(path: Path, principal: str | None) -> None:
    content = _settled(path)
    if content is not None and _principal_in(content) is None:
        # Damaged, by a full disk for instance. GSSAPI would always reject it.
        path.unlink(missing_ok=True)
        content = None
    if content is None and principal is not None:
        write_whole(path, empty_ticket_cache(principal))


def _prepare_named(path: Path, principal: str) -> None:
    """Write the principal into the cache. Without it, GSSAPI uses the keytab's first principal."""
    content = _settled(path)
    if content is None:
        write_whole(path, empty_ticket_cache(principal))
        return
    found = _principal_in(content)
    if found is None:
        raise ValueError(f"{path} is not a ticket cache. Delete it, or name another one in kerberos_ccache")
    if found != _parts_of(principal):
        parts, realm = found
        raise ValueError(
            f"the ticket cache {path} contains tickets of {'/'.join(parts)}@{realm}, not of {principal}. Name "
            "another one in kerberos_ccache, or leave that field empty for a private cache of this principal"
        )


def _settled(path: Path) -> bytes | None:
    """The content of a ticket cache; None if there is none.

    GSSAPI replaces the file when it renews tickets, possibly in another process. For a moment it is missing or empty.
    """
    content = _content_of(path)
    if content is not None and _principal_in(content) is None:
        time.sleep(_SECONDS_OF_A_RENEWAL)
        content = _content_of(path)
    return content


def _content_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _principal_in(cache: bytes) -> tuple[list[str], str] | None:
    """The principal of a ticket cache; None if it is not a ticket cache."""
    try:
        (version,) = struct.unpack_from(">H", cache)
        if version not in (_CACHE_VERSION, _CACHE_VERSION_BEFORE):
            return None
        position = 2
        if version == _CACHE_VERSION:
            (length,) = struct.unpack_from(">H", cache, position)
            position += 2 + length
        _, count = struct.unpack_from(">II", cache, position)
        position += 8
        names = []
        for _ in range(count + 1):
            (length,) = struct.unpack_from(">I", cache, position)
            name, position = cache[position + 4 : position + 4 + length], position + 4 + length
            if len(name) != length:
                return None
            names.append(name.decode())
    except (struct.error, UnicodeDecodeError):
        return None
    realm, *parts = names
    return parts, realm


def empty_ticket_cache(principal: str) -> bytes:
    """A ticket cache with a principal and no tickets (MIT Kerberos, "Credential cache file format").

    :param principal: ``user@REALM``. A backslash escapes a following ``/`` or ``@``.
    :raises ValueError: it has no realm.
    """
    parts, realm = _parts_of(principal)
    head = struct.pack(">HHII", _CACHE_VERSION, 0, _NAME_OF_A_PRINCIPAL, len(parts))
    return head + b"".join(struct.pack(">I", len(part.encode())) + part.encode() for part in (realm, *parts))


def _parts_of(principal: str) -> tuple[list[str], str]:
    parts, realm, escaped = [""], None, False
    for character in principal:
        if escaped or character not in "\\/@":
            escaped = False
            if realm is None:
                parts[-1] += character
            else:
                realm += character
        elif character == "\\":
            escaped = True
        elif character == "/" and realm is None:
            parts.append("")
        elif character == "@" and realm is None:
            realm = ""
        else:
            raise ValueError(f"{principal!r} is not a Kerberos principal. Enter user@REALM")
    if not realm or not all(parts):
        raise ValueError(f"{principal!r} is not a Kerberos principal with a realm. Enter user@REALM")
    return parts, realm

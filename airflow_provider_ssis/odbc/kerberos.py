"""Kerberos for drivers: they ask GSSAPI, and GSSAPI takes keytab and ticket cache from the environment.

With a client keytab, MIT Kerberos gets a ticket when there is none and a new one well before the old one ends, at each
connection; nobody has to run ``kinit`` (MIT Kerberos documentation, "keytab", default client keytab).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airflow_provider_ssis.odbc.private_files import digest_of, private_folder, write_whole

_CACHE_VERSION: Final = 0x0504
_NAME_OF_A_PRINCIPAL: Final = 1


@dataclass(frozen=True, slots=True)
class KerberosTarget:
    """Where a driver's Kerberos identity comes from.

    :param principal: the identity, ``user@REALM``; None takes that of the ticket cache, or the keytab's first one.
    :param keytab: file with the principal's key; None uses tickets that somebody else gets.
    :param ticket_cache: as ``KRB5CCNAME`` has it; None takes the process's own, or with a keytab one for it alone.
    """

    principal: str | None = None
    keytab: str | None = None
    ticket_cache: str | None = None


NO_KEYTAB: Final = KerberosTarget()
"""The identity whose tickets the process has already."""


def kerberos_environment(target: KerberosTarget) -> dict[str, str]:
    """The variables that GSSAPI reads, and a ticket cache made ready for them.

    :raises ValueError: the principal has no realm.
    :raises FileNotFoundError: there is no such keytab.
    :raises PermissionError: the keytab cannot be read.
    :raises UnsafeFolder: there is no safe place for the tickets.
    """
    if target.keytab is None:
        return {} if target.ticket_cache is None else {"KRB5CCNAME": target.ticket_cache}
    with Path(target.keytab).open("rb"):
        # GSSAPI would only say that it has no credentials.
        pass
    cache = target.ticket_cache
    if cache is None:
        name = digest_of(f"{target.keytab}\0{target.principal or ''}".encode())
        path = private_folder() / f"{name}.tickets"
        if target.principal is not None and not path.exists():
            write_whole(path, empty_ticket_cache(target.principal))
        cache = f"FILE:{path}"
    return {"KRB5CCNAME": cache, "KRB5_CLIENT_KTNAME": target.keytab}


def empty_ticket_cache(principal: str) -> bytes:
    """A ticket cache without tickets, which says whose they are to be (MIT Kerberos, "Credential cache file format").

    :param principal: ``user@REALM``; a backslash keeps a following ``/`` or ``@`` from separating.
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
            raise ValueError(f"{principal!r} is no Kerberos principal; give user@REALM")
    if not realm or not all(parts):
        raise ValueError(f"{principal!r} is no Kerberos principal with a realm; give user@REALM")
    return parts, realm

"""Windows identities, proven by Kerberos with a keytab, or by NTLM with passwords that this server has."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from airflow_provider_ssis.emulator.session import Identity, LoginRefused, Message

if TYPE_CHECKING:
    import gssapi
    import spnego

KERBEROS: Final = "KERBEROS"
NTLM: Final = "NTLM"

_KEYTAB_SIGNATURE: Final = b"\x05"
_NTLM_SIGNATURE: Final = b"NTLMSSP\0"
_NTLM_STORE: Final = "NTLM_USER_FILE"
# pyspnego finds passwords through an environment variable of the process, so there is one login at a time.
_ntlm_lock = threading.Lock()


def check_keytab(path: Path) -> None:
    """Check that a file can be read and is a keytab (MIT Kerberos documentation, "Keytab file format").

    :raises OSError: it cannot, or is not.
    """
    with path.open("rb") as file:
        if file.read(1) != _KEYTAB_SIGNATURE:
            raise OSError(errno.EINVAL, "it is not a keytab", str(path))


class WindowsIdentities:
    """Checks integrated logins.

    :param keytab: file with the key of this server's service principal, for Kerberos; None accepts no ticket.
    """

    def __init__(self, keytab: Path | None = None) -> None:
        self._keytab = keytab
        self._passwords: dict[str, str] = {}

    def set_password(self, name: str, password: str) -> None:
        """Let a Windows account log in with NTLM.

        :param name: ``DOMAIN\\user``.
        :raises ValueError: the domain is missing, or the store of NTLM passwords cannot contain a character.
        """
        if "\\" not in name:
            raise ValueError(f"{name!r} is not a Windows account. Give DOMAIN\\user")
        if set(name + password) & set(":\r\n"):
            raise ValueError("the name and the password of an account for NTLM cannot contain a colon or a line break")
        self._passwords[name.lower()] = f"{name.replace(chr(92), ':')}:{password}"

    def clear(self) -> None:
        """Delete all passwords."""
        self._passwords.clear()

    def begin(self) -> IntegratedLogin:
        """Start an integrated login."""
        return IntegratedLogin(self._keytab, tuple(self._passwords.values()))


class IntegratedLogin:
    """One integrated login: tokens of the client in, tokens of the server out, until the identity is proven.

    :param keytab: see :class:`WindowsIdentities`.
    :param accounts: lines of an NTLM store.
    """

    def __init__(self, keytab: Path | None, accounts: tuple[str, ...]) -> None:
        self._keytab = keytab
        self._accounts = accounts
        self._kerberos: gssapi.SecurityContext | None = None
        self._ntlm: spnego.ContextProxy | None = None
        self.identity: Identity | None = None
        """Who the client is; None while it is not proven."""

    def step(self, token: bytes) -> bytes:
        """Take a token of the client.

        :return: the token to answer with; empty for none.
        :raises LoginRefused: the proof is not accepted, or this server cannot check it.
        """
        if self._ntlm is not None or token.startswith(_NTLM_SIGNATURE):
            return self._step_ntlm(token)
        return self._step_kerberos(token)

    def _step_kerberos(self, token: bytes) -> bytes:
        if self._keytab is None:
            raise _untrusted("this server has no keytab, so it accepts no Kerberos tickets")
        try:
            import gssapi
            from gssapi.raw import GSSError
        except ImportError as error:
            raise _untrusted(f"Kerberos needs the extra 'emulator-kerberos' of this package ({error})") from None
        try:
            if self._kerberos is None:
                keys = gssapi.Credentials(usage="accept", store={"keytab": f"FILE:{self._keytab}"})
                self._kerberos = gssapi.SecurityContext(creds=keys, usage="accept")
            answer = self._kerberos.step(token) or b""
            if self._kerberos.complete:
                self.identity = Identity(account_of(str(self._kerberos.initiator_name)), "U", KERBEROS)
        except GSSError as error:
            raise _untrusted(f"the ticket is not accepted ({' '.join(str(error).split())})") from None
        return bytes(answer)

    def _step_ntlm(self, token: bytes) -> bytes:
        try:
            import spnego
        except ImportError as error:
            raise _untrusted(f"NTLM needs the extra 'emulator' with pyspnego ({error})") from None
        with _ntlm_lock, tempfile.TemporaryDirectory(prefix="ssisdb-ntlm-") as folder:
            store = Path(folder) / "accounts"
            store.touch(mode=0o600)
            store.write_text("".join(f"{line}\n" for line in self._accounts), encoding="utf-8")
            before = os.environ.get(_NTLM_STORE)
            os.environ[_NTLM_STORE] = str(store)
            try:
                if self._ntlm is None:
                    self._ntlm = spnego.server(protocol="ntlm")
                answer = self._ntlm.step(token)
                if self._ntlm.complete:
                    self.identity = Identity(str(self._ntlm.client_principal), "U", NTLM)
            except Exception as error:  # noqa: BLE001 pyspnego raises many types for invalid messages
                # Its texts contain no password; those about invalid messages can contain parts of the token.
                raise _untrusted(f"NTLM does not accept the account or its password ({type(error).__name__})") from None
            finally:
                if before is None:
                    del os.environ[_NTLM_STORE]
                else:
                    os.environ[_NTLM_STORE] = before
        return answer or b""


def account_of(principal: str) -> str:
    """The Windows account of a Kerberos principal: the first label of its realm is the domain's short name.

    >>> account_of("etl@CORP.EXAMPLE.COM")
    'CORP\\\\etl'
    """
    user, _, realm = principal.rpartition("@")
    return f"{realm.partition('.')[0].upper()}\\{user}"


def _untrusted(why: str) -> LoginRefused:
    return LoginRefused(
        Message(18452, 14, 1, f"Login failed: the integrated login is not trusted; {why}."), wrong_proof=True
    )

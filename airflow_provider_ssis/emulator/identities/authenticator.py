"""All proofs of identity that this server checks."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_ssis.emulator.identities.entra import EntraIdentities
from airflow_provider_ssis.emulator.identities.windows import IntegratedLogin, WindowsIdentities
from airflow_provider_ssis.emulator.session import Identity


class Identities:
    """Checks proofs of identity. Whether the identity has a login is checked by the server.

    :param keytab: file with the key of the server's service principal, for Kerberos; None accepts no ticket.
    :param token_key: public key, in PEM, that access tokens are signed with; None accepts no token.
    """

    def __init__(self, *, keytab: Path | None = None, token_key: str | None = None) -> None:
        self.windows = WindowsIdentities(keytab)
        self._entra = EntraIdentities(token_key)

    def begin(self) -> IntegratedLogin:
        """Start an integrated login (Kerberos, NTLM)."""
        return self.windows.begin()

    def identify(self, token: str) -> Identity:
        """The identity in an access token.

        :raises LoginRefused: the token is not accepted.
        """
        return self._entra.identify(token)

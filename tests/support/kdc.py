"""A Kerberos realm for a test: a domain controller of MIT Kerberos, with the principals that the tests need."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REALM = "CORP.EXAMPLE"
SERVICE = "MSSQLSvc/localhost"
SECONDS = 30
PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


def missing_programs() -> list[str]:
    """Programs of MIT Kerberos that this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name, path=_PATH) is None]


@dataclass(frozen=True, slots=True)
class Realm:
    """A running realm.

    :param folder: its files.
    :param port: the port of the domain controller.
    """

    folder: Path
    port: int

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for processes that use this realm."""
        return {"KRB5_CONFIG": str(self.folder / "krb5.conf"), "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf")}

    @property
    def server_keytab(self) -> Path:
        """The key of the server's service principal."""
        return self.folder / "server.keytab"

    def keytab(self, *principals: str) -> Path:
        """A keytab with the keys of principals; new principals are created."""
        path = self.folder / f"{'-'.join(principals)}.keytab"
        if not path.exists():
            for principal in principals:
                self._administer(f"addprinc -randkey {principal}")
            self._administer(f"ktadd -norandkey -k {path} {' '.join(principals)}")
        return path

    def ticket(self, principal: str, cache: Path, *, seconds: int | None = None) -> None:
        """Get a ticket with a password, as a person does.

        :param seconds: the ticket's lifetime. Default: as long as the realm allows.
        """
        limit = [] if seconds is None else ["-l", f"{seconds}s"]
        self.run("kinit", *limit, "-k", "-t", str(self.keytab(principal)), "-c", str(cache), principal)

    def run(self, *command: str) -> str:
        """Run a program of MIT Kerberos in this realm."""
        result = subprocess.run(
            command,
            env={**os.environ, **self.environment, "PATH": _PATH},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def _administer(self, query: str) -> None:
        self.run("kadmin.local", "-r", REALM, "-q", query)


@contextmanager
def running_realm(folder: Path, *, ticket_life: str = "10h") -> Iterator[Realm]:
    """Run a realm while the block lasts.

    :param folder: an empty folder.
    :param ticket_life: the longest lifetime of a ticket.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    realm = Realm(folder, port)
    (folder / "krb5.conf").write_text(_CLIENT.format(realm=REALM, port=port))
    (folder / "kdc.conf").write_text(_SERVER.format(realm=REALM, port=port, folder=folder, life=ticket_life))
    realm.run("kdb5_util", "create", "-s", "-r", REALM, "-P", "the realm's own secret")
    realm._administer(f"addprinc -randkey {SERVICE}")
    realm._administer(f"ktadd -norandkey -k {realm.server_keytab} {SERVICE}")
    with (folder / "kdc.log").open("wb") as log:
        controller = subprocess.Popen(
            [shutil.which("krb5kdc", path=_PATH) or "krb5kdc", "-n", "-r", REALM],
            env={**os.environ, **realm.environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield realm
    finally:
        controller.terminate()
        controller.wait(SECONDS)


_CLIENT = """[libdefaults]
    default_realm = {realm}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
[realms]
    {realm} = {{
        kdc = 127.0.0.1:{port}
    }}
[domain_realm]
    localhost = {realm}
"""
_SERVER = """[kdcdefaults]
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    {realm} = {{
        database_name = {folder}/principal
        key_stash_file = {folder}/stash
        acl_file = {folder}/acl
        max_life = {life}
    }}
"""

"""Which certificates a driver trusts, where its connection string has no word for it."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from airflow_provider_ssis.odbc.driver_environment import own_variable
from airflow_provider_ssis.odbc.private_files import file_with

CERTIFICATES_VARIABLE: Final = "SSL_CERT_FILE"
"""Where OpenSSL, and with it Microsoft's driver, finds the certificates to trust."""

FREETDS_SERVER: Final = "ssis"
"""The section of the configuration that a connection string names."""


def certificate_bundle(certificates: str) -> Path:
    """A file with the certificates that this machine trusts, and more.

    OpenSSL reads one file only, and other threads of the process may look at it too, so the machine's own stay in it:
    those of the process's ``SSL_CERT_FILE`` where it has one, as OpenSSL has it.

    :param certificates: file with the others, in PEM.
    :raises FileNotFoundError: there is no such file.
    :raises ValueError: no certificate is in it.
    """
    extra = Path(certificates).read_text(encoding="utf-8", errors="replace")
    if "-----BEGIN CERTIFICATE-----" not in extra:
        raise ValueError(f"{certificates} holds no certificate in PEM")
    own = own_variable(CERTIFICATES_VARIABLE) or ssl.get_default_verify_paths().openssl_cafile
    system = Path(own).read_text(encoding="utf-8", errors="replace") if own and Path(own).is_file() else ""
    return file_with(f"{system}\n{extra}", ".pem")


def freetds_configuration(host: str, port: int | None, certificates: str | None) -> Path:
    """A freetds.conf for one server: FreeTDS checks certificates only where such a file tells it to.

    :param host: the server; ``host\\instance`` for a named instance.
    :param port: its port; None for 1433 or the instance's.
    :param certificates: file with the certificates to trust, in PEM; None for those that this machine trusts.
    :raises FileNotFoundError: there is no such file.
    :raises ValueError: a line break in a name.
    """
    if certificates is not None and not Path(certificates).is_file():
        raise FileNotFoundError(f"there is no file {certificates}")
    name, _, instance = host.partition("\\")
    lines = {
        "host": name,
        "port": None if port is None else str(port),
        "instance": instance or None,
        "ca file": certificates or "system",
        "check certificate hostname": "yes",
    }
    if any("\n" in value or "\r" in value for value in lines.values() if value):
        raise ValueError("a name with a line break in it")
    text = "".join(f"\t{key} = {value}\n" for key, value in lines.items() if value is not None)
    return file_with(f"[{FREETDS_SERVER}]\n{text}", ".conf")

"""Files that say which certificates a driver trusts, for drivers without a keyword for it."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from airflow_provider_ssis.odbc.driver_environment import own_variable
from airflow_provider_ssis.odbc.input_files import read_input
from airflow_provider_ssis.odbc.private_files import file_with

CERTIFICATES_VARIABLE: Final = "SSL_CERT_FILE"
"""Environment variable from which OpenSSL, and so Microsoft's driver, takes the certificates to trust."""

FREETDS_SERVER: Final = "ssis"
"""The section of the freetds.conf that a connection string names."""

LONGEST_LINE: Final = 250
"""Bytes in a line of freetds.conf: FreeTDS reads 255 at a time and takes the rest for another line."""


def certificate_bundle(certificates: str) -> Path:
    """A file with the certificates that this machine trusts and those of another file.

    OpenSSL reads one file only, and other threads of the process may read it at the same time, so it keeps the
    machine's own certificates: those of the process's ``SSL_CERT_FILE``, or else OpenSSL's default.

    :param certificates: file with more certificates, in PEM.
    :raises UnreadableFile: the file cannot be read.
    :raises ValueError: the file contains no certificate in PEM.
    """
    extra = _certificates_in(certificates)
    own = own_variable(CERTIFICATES_VARIABLE) or ssl.get_default_verify_paths().openssl_cafile
    system = Path(own).read_text(encoding="utf-8", errors="replace") if own and Path(own).is_file() else ""
    return file_with(f"{system}\n{extra}", ".pem")


def freetds_configuration(host: str, port: int | None, certificates: str | None) -> Path:
    """A freetds.conf for one server: FreeTDS checks certificates only with such a file.

    :param host: the server; ``host\\instance`` for a named instance.
    :param port: its port. None: 1433, or the instance's.
    :param certificates: file with the certificates to trust, in PEM. None: those that this machine trusts.
    :raises UnreadableFile: the file of certificates cannot be read.
    :raises ValueError: the file contains no certificate in PEM, or a line would be too long or end early.
    """
    if certificates is not None:
        _certificates_in(certificates)
    name, _, instance = host.partition("\\")
    lines = {
        "host": name,
        "port": None if port is None else str(port),
        "instance": instance or None,
        "ca file": certificates or "system",
        "check certificate hostname": "yes",
    }
    text = "".join(_line(key, value) for key, value in lines.items() if value is not None)
    return file_with(f"[{FREETDS_SERVER}]\n{text}", ".conf")


def _line(key: str, value: str) -> str:
    line = f"\t{key} = {value}\n"
    if len(line.encode()) > LONGEST_LINE or not value.isprintable():
        raise ValueError(
            f"FreeTDS cannot read the {key!r} of its configuration file: it is longer than {LONGEST_LINE} bytes or "
            "contains a line break or another control character. Use a shorter name or path."
        )
    return line


def _certificates_in(path: str) -> str:
    text = read_input("trusted_certificates", path).decode("utf-8", "replace")
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise ValueError(f"the file {path} of the field trusted_certificates contains no certificate in PEM")
    return text

"""TLS for the wire protocol: a certificate made at start, TLS inside TDS packets, and TLS from the first byte."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import tempfile
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ALPN_TDS_8: Final = "tds/8.0"
_VALIDITY: Final = dt.timedelta(days=365)


class ServerCertificate:
    """A self-signed certificate for this server, made when the server starts.

    :param host: the address or name that the server listens on; loopback names are always in the certificate.
    """

    def __init__(self, host: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Embedded SSISDB")])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + _VALIDITY)
            .add_extension(x509.SubjectAlternativeName(_alternative_names(host)), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)
        """The certificate, for a client that wants to trust exactly this server."""
        key_pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        # TLS inside TDS: with 1.3 the server would send session tickets after the handshake, outside the packets.
        self.inside_tds = self._context(key_pem, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
        self.from_first_byte = self._context(key_pem, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED)
        self.from_first_byte.set_alpn_protocols([ALPN_TDS_8])

    def _context(self, key_pem: bytes, lowest: ssl.TLSVersion, highest: ssl.TLSVersion) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = lowest
        context.maximum_version = highest
        # ssl loads key and certificate from a file only; this one is readable by its owner only, and deleted at once.
        with tempfile.TemporaryDirectory(prefix="ssisdb-tls-") as folder:
            path = Path(folder) / "server.pem"
            path.write_bytes(key_pem + self.pem)
            context.load_cert_chain(path)
        return context


def _alternative_names(host: str) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    try:
        own: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        own = x509.DNSName(host)
    return names if own in names else [*names, own]

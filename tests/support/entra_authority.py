"""Entra ID for a test: a token endpoint whose tokens are signed with a key of the test."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from airflow_provider_ssis.emulator.tds.tls import ServerCertificate

TENANT = "8c9d2f6e-0000-4000-8000-000000000001"
APPLICATION = "5f1a3b7c-0000-4000-8000-000000000002"
SECRET = "the application's secret"
POD_TOKEN = "what Kubernetes says about the pod"
MACHINE_SECRET = "the machine's own header"


@dataclass(slots=True)
class Authority:
    """Its settings, and the tokens that it issued.

    :param certificate_pem: the certificate with which the application may authenticate.
    :param lifetime: seconds for which tokens are valid.
    """

    certificate_pem: str = ""
    lifetime: int = 3600
    given: list[str] = field(default_factory=list)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    url: str = ""
    machine_url: str = ""

    @property
    def public_key(self) -> str:
        """The public key for its signatures."""
        return (
            self.key.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )

    def token(self, **claims: Any) -> str:
        """An access token, signed."""
        known = {
            "aud": "https://database.windows.net/",
            "iss": f"{self.url}/{TENANT}/",
            "exp": int(time.time()) + self.lifetime,
            "tid": TENANT,
            "appid": APPLICATION,
        }
        return jwt.encode({**known, **claims}, self.key, algorithm="RS256")

    def answer(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The answer of the token endpoint."""
        if not self._is_proven(form):
            return 401, {
                "error": "invalid_client",
                "error_description": "AADSTS7000215: Invalid client secret provided.",
            }
        return 200, self._grant("client secret" if "client_secret" in form else "client assertion")

    def _grant(self, proof: str) -> dict[str, Any]:
        self.given.append(proof)
        return {"token_type": "Bearer", "expires_in": self.lifetime, "access_token": self.token()}

    def answer_machine(self, header: str) -> tuple[int, dict[str, Any]]:
        """The answer to a machine in Azure that asks for a token of its identity."""
        if header != MACHINE_SECRET:
            return 400, {"error": "invalid_request"}
        answer = self._grant("machine")
        return 200, {**answer, "expires_on": str(int(time.time()) + self.lifetime), "resource": "sql"}

    def _is_proven(self, form: dict[str, str]) -> bool:
        if form.get("client_id") != APPLICATION:
            return False
        if "client_secret" in form:
            return form["client_secret"] == SECRET
        assertion = form.get("client_assertion", "")
        if assertion == POD_TOKEN:
            return True
        try:
            certificate = x509.load_pem_x509_certificate(self.certificate_pem.encode())
            key = certificate.public_key()
            assert isinstance(key, rsa.RSAPublicKey)
            claims = jwt.decode(
                assertion, key, algorithms=["RS256", "PS256"], options={"verify_aud": False, "require": ["exp"]}
            )
        except (ValueError, jwt.InvalidTokenError):
            return False
        return bool(claims["iss"] == APPLICATION)


@contextmanager
def running_authority(folder: Path) -> Iterator[Authority]:
    """Run an authority while the block lasts; ``folder/authority.pem`` is the certificate to trust.

    :param folder: for its certificate.
    """
    authority = Authority()
    certificate = ServerCertificate("localhost")
    (folder / "authority.pem").write_bytes(certificate.pem)
    # Unencrypted for requests of a machine, as in Azure; TLS for all others.
    with _serving(authority, None) as machine_port, _serving(authority, certificate.from_first_byte) as port:
        authority.url = f"https://localhost:{port}"
        authority.machine_url = f"http://127.0.0.1:{machine_port}/machine"
        yield authority


@contextmanager
def _serving(authority: Authority, context: ssl.SSLContext | None) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if urlsplit(self.path).path == "/machine":
                self._reply(*authority.answer_machine(self.headers.get("X-IDENTITY-HEADER", "")))
            else:
                at = f"{authority.url}/{TENANT}"
                endpoints = {
                    "token_endpoint": f"{at}/oauth2/v2.0/token",
                    "authorization_endpoint": f"{at}/oauth2/v2.0/authorize",
                    "issuer": f"{at}/v2.0",
                }
                self._reply(200, endpoints)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._reply(*authority.answer({name: values[0] for name, values in parse_qs(body).items()}))

        def _reply(self, status: int, answer: dict[str, Any]) -> None:
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 the base class's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""A boxed SSISDB that knows every kind of identity, and what proves them: a Kerberos realm, an Entra authority."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_ssis.emulator.server import Edition, LoginKind, SsisdbEmulator
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
from tests.support.entra_authority import APPLICATION, Authority, running_authority
from tests.support.kdc import Realm, missing_programs, running_realm

PASSWORD = "p;w=d {1 @"
Connect = Callable[..., SsisCatalogHook]


@pytest.fixture(scope="package")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    """A Kerberos realm, which this process sees too."""
    lacking = missing_programs()
    try:
        import gssapi  # noqa: F401 the server's side of Kerberos
    except ImportError:
        lacking.append("the Python package gssapi")
    if lacking:
        packages = "krb5-kdc, krb5-admin-server, krb5-user, libkrb5-dev, gcc"
        reason = f"no Kerberos here: {', '.join(lacking)} missing (Debian: {packages})"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with running_realm(tmp_path_factory.mktemp("realm")) as realm, pytest.MonkeyPatch.context() as patch:
        for name, value in realm.environment.items():
            patch.setenv(name, value)
        yield realm


@pytest.fixture(scope="package")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """Entra ID, whose certificate this process trusts."""
    folder = tmp_path_factory.mktemp("authority")
    with running_authority(folder) as authority, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(folder / "authority.pem"))
        yield authority


def boxed_server(realm: Realm, authority: Authority, instance: str | None = None) -> SsisdbEmulator:
    """A boxed SSISDB: it lets no SQL login deploy, start or stop.

    :param instance: a name for the Browser, whose port only one server of the machine can have. Default: no Browser.
    """
    return SsisdbEmulator(
        edition=Edition.BOX, keytab=realm.server_keytab, token_key=authority.public_key, instance=instance
    )


@pytest.fixture(scope="package")
def server(realm: Realm, authority: Authority) -> Iterator[SsisdbEmulator]:
    """A boxed SSISDB."""
    with boxed_server(realm, authority) as server:
        yield server


@pytest.fixture
def box(server: SsisdbEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SsisdbEmulator:
    """That SSISDB, empty, with a login of each kind; and no tickets."""
    server.reset()
    server.add_login("etl", PASSWORD, database_roles=["ssis_admin"])
    server.add_login("CORP\\etl", PASSWORD, kind=LoginKind.WINDOWS, database_roles=["ssis_admin"])
    server.add_login(APPLICATION, kind=LoginKind.ENTRA, database_roles=["ssis_admin"])
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'tickets'}")
    return server


@pytest.fixture
def certificate(server: SsisdbEmulator, tmp_path: Path) -> Path:
    """The server's certificate, in a file."""
    path = tmp_path / "server.pem"
    path.write_text(server.certificate)
    return path


@pytest.fixture
def connect(server: SsisdbEmulator, certificate: Path) -> Connect:
    """Makes hooks for connections to that SSISDB, with a verified certificate by default."""

    def hook(driver: str | None = None, *, login: str = "", password: str = "", **extra: Any) -> SsisCatalogHook:
        trusted = None if extra.get("encrypt") == "no" else str(certificate)
        given = {"trusted_certificates": trusted, "login_timeout": 20, "driver": driver, **extra}
        host = given.pop("host", "localhost")
        port = given.pop("port", None if "data_source" in given or "\\" in host else server.port)
        connection = Connection(
            conn_id="ssis_default",
            conn_type="ssis",
            host="" if "data_source" in given else host,
            port=port,
            schema="SSISDB",
            login=login or None,
            password=password or None,
            extra=json.dumps(given),
        )
        return SsisCatalogHook.of(connection)

    return hook

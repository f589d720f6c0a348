"""A keytab renews its tickets: in a worker, in a triggerer, for as long as it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_ssis.emulator.server import Edition, LoginKind, SsisdbEmulator
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
from tests.support.deferrals import deferred, events_of, reloaded, resumed
from tests.support.kdc import SERVICE, Realm, running_realm
from tests.support.mart import MART
from tests.support.running import run
from tests.support.waiting import wait_until

pytestmark = pytest.mark.kerberos

LIFE = "8s"


@pytest.fixture
def short_realm(
    realm: Realm, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Realm]:
    """A realm whose tickets are good for seconds."""
    with running_realm(tmp_path_factory.mktemp("short"), ticket_life=LIFE) as short:
        for name, value in short.environment.items():
            monkeypatch.setenv(name, value)
        yield short


@pytest.fixture
def box(short_realm: Realm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SsisdbEmulator]:
    """A boxed SSISDB of that realm, known to Airflow by a connection with a keytab."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with SsisdbEmulator(edition=Edition.BOX, keytab=short_realm.server_keytab) as server:
        server.add_login("CORP\\etl", kind=LoginKind.WINDOWS, database_roles=["ssis_admin"])
        extra = {
            "kerberos_keytab": str(short_realm.keytab("etl")),
            "server_spn": SERVICE,
            "trust_server_certificate": True,
        }
        connection = Connection(
            conn_id="ssis_default", conn_type="ssis", host="localhost", port=server.port, extra=json.dumps(extra)
        )
        monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", connection.get_uri())
        yield server


def granted(realm: Realm, folder: Path) -> str:
    """When the ticket in the cache of the connection was granted, and until when it is good."""
    (cache,) = folder.glob("airflow-ssis-*/*.tickets")
    lines = realm.run("klist", "-c", str(cache)).splitlines()
    return next(line for line in lines if "krbtgt/" in line)


def test_a_ticket_is_renewed_before_it_ends_and_the_one_file_is_kept(
    box: SsisdbEmulator, short_realm: Realm, tmp_path: Path
) -> None:
    SsisCatalogHook().open_catalog().close()
    first = granted(short_realm, tmp_path)

    def is_renewed() -> bool:
        SsisCatalogHook().open_catalog().close()
        return granted(short_realm, tmp_path) != first

    wait_until(is_renewed, "the ticket is renewed")


def test_a_triggerer_connects_again_after_its_ticket_has_ended(
    box: SsisdbEmulator, short_realm: Realm, tmp_path: Path
) -> None:
    with SsisCatalogHook().open_catalog() as catalog:
        catalog.create_folder("Sales")
        catalog.deploy_project("Sales", "Mart", MART)
        box.scripts.take(1, package="Load.dtsx")
        task_run = run(deferrable=True, follow_messages="none")
        deferral = deferred(task_run)
        before = granted(short_realm, tmp_path)
        # Each try waits longer than the one before: together longer than a ticket is good.
        box.faults.drop(times=4)
        (event,) = events_of([reloaded(deferral.trigger)])
        assert granted(short_realm, tmp_path) != before
        assert resumed(task_run, deferral, event)["status"] == "succeeded"

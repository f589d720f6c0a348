"""A connection tried step by step: the first step that fails explains itself."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import PermissionType
from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    CatalogMissing,
    DriverMissing,
    KerberosFailed,
    LoginFailed,
    ServerUnreachable,
    TlsRefused,
    TransientError,
)
from airflow_provider_ssis.catalog.models import Rights, ServerSession
from airflow_provider_ssis.catalog.securables import Securable
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.hooks import checks
from airflow_provider_ssis.hooks.checks import Finding, Outcome, check_connection, may_change_nothing
from airflow_provider_ssis.hooks.extra import InvalidConnection
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
from airflow_provider_ssis.odbc.drivers import DriverFamily, installed_drivers
from tests.support.catalog_sql import connect

FREETDS = next((driver for driver in installed_drivers() if driver.family is DriverFamily.FREETDS), None)

STEPS = [
    *("settings", "driver", "address", "port", "encryption", "login", "server", "catalog", "version"),
    *("identity", "run", "deploy", "logs"),
]
TOGETHER = {"login", "version", "deploy", "logs"}
"""What one call or query does together with the step before."""


def marks(found: list[Finding]) -> list[str]:
    return [f"{each.outcome.value} {each.step}" for each in found]


def findings(monkeypatch: pytest.MonkeyPatch, uri: str) -> list[Finding]:
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", uri)
    return list(check_connection(SsisCatalogHook()))


def test_every_step_of_a_good_connection_says_what_it_found(
    monkeypatch: pytest.MonkeyPatch, mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    found = findings(monkeypatch, ssisdb.airflow_uri)
    assert [each.step for each in found] == STEPS
    assert [each.outcome for each in found] == [Outcome.GOOD] * len(STEPS)
    assert [each.text for each in found[-4:]] == [
        "sa, SQL login; member of sysadmin",
        "the login may run packages of 1 of 1 visible projects",
        "the login may deploy to 1 of 1 visible folders",
        "the login may read all logs",
    ]


def test_each_step_has_its_duration(monkeypatch: pytest.MonkeyPatch, ssisdb: SsisdbEmulator) -> None:
    spent = {each.step: each.seconds for each in findings(monkeypatch, ssisdb.airflow_uri)}
    assert {step for step, seconds in spent.items() if seconds is None} == TOGETHER
    clock = iter(range(1000))
    monkeypatch.setattr(checks, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    # Each step looks at the clock before it and after it; what its listener does lies in no step.
    seconds = []
    for each in check_connection(SsisCatalogHook()):
        next(clock)
        seconds.append(each.seconds)
    assert seconds == [None if step in TOGETHER else 1 for step in STEPS]


@pytest.mark.parametrize(
    ("change", "step", "text"),
    [
        (("127.0.0.1", "no-such-host.invalid"), "address", "cannot be resolved on this machine"),
        (("127.0.0.1", "no..such.host"), "address", "cannot be resolved on this machine"),
        (("trust_server_certificate=true", "trust_server_certificate=false"), "encryption", "trust_server_certificate"),
        (("ssis://sa:", "ssis://unknown:"), "login", "Check login and password"),
    ],
)
def test_the_step_that_fails_is_the_last_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, ssisdb: SsisdbEmulator, change: tuple[str, str], step: str, text: str
) -> None:
    assert change[0] in ssisdb.airflow_uri
    found = findings(monkeypatch, ssisdb.airflow_uri.replace(*change))
    assert [each.step for each in found] == STEPS[: STEPS.index(step) + 1]
    assert [each.is_good for each in found] == [True] * (len(found) - 1) + [False]
    assert text in found[-1].text


def test_a_missing_database_is_not_reported_as_a_login_fault(
    monkeypatch: pytest.MonkeyPatch, ssisdb: SsisdbEmulator
) -> None:
    found = findings(monkeypatch, ssisdb.airflow_uri.replace("/SSISDB", "/Nothing"))
    assert marks(found[-3:]) == ["✓ encryption", "✓ login", "✗ catalog"]
    assert "SSISDB" in found[-1].text


def test_in_another_database_encryption_and_login_have_succeeded(
    monkeypatch: pytest.MonkeyPatch, ssisdb: SsisdbEmulator
) -> None:
    found = findings(monkeypatch, ssisdb.airflow_uri.replace("/SSISDB", "/master"))
    assert marks(found[-4:]) == ["✓ encryption", "✓ login", "✓ server", "✗ catalog"]
    assert "The current database must be SSISDB" in found[-1].text


@pytest.mark.skipif(FREETDS is None, reason="FreeTDS is not installed")
def test_encryption_is_not_claimed_where_freetds_does_not_report_the_failed_step(
    monkeypatch: pytest.MonkeyPatch, ssisdb: SsisdbEmulator
) -> None:
    uri = ssisdb.airflow_uri.replace("trust_server_certificate=true", "trust_server_certificate=false")
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", uri)
    hook = SsisCatalogHook(driver=FREETDS.name if FREETDS else None)
    found = list(check_connection(hook))
    assert marks(found) == ["✓ settings", "✓ driver", "✓ address", "✓ port", "✗ connection"]
    assert "its certificate is not trusted" in found[-1].text


@pytest.mark.slow
def test_encryption_is_not_claimed_where_a_data_source_is_dead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    driver = installed_drivers()[0].name
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        where = f"Server = 127.0.0.1\nPort = {port}" if "tds" in driver.lower() else f"Server = 127.0.0.1,{port}"
        (tmp_path / "odbc.ini").write_text(f"[warehouse]\nDriver = {driver}\n{where}\n")
        monkeypatch.setenv("ODBCINI", str(tmp_path / "odbc.ini"))
        found = findings(monkeypatch, "ssis://etl:x@/?data_source=warehouse&login_timeout=2")
    assert marks(found) == ["✓ settings", "✓ driver", "✗ connection"]


@pytest.mark.parametrize(
    ("error", "steps"),
    [
        (LoginFailed("refused", number=18456), ["✓ encryption", "✗ login"]),
        (TransientError("failing over", number=40613), ["✓ encryption", "✗ login"]),
        (KerberosFailed("refused", number=18452), ["✓ encryption", "✗ login"]),
        (KerberosFailed("no ticket", number=851968), ["✗ login"]),
        (TlsRefused("not trusted"), ["✗ encryption"]),
        (CatalogMissing("no such database", number=4060), ["✓ encryption", "✓ login", "✗ catalog"]),
        (ServerUnreachable("no answer", number=10061), ["✗ connection"]),
        (InvalidConnection("no certificate in the file"), ["✗ connection"]),
        (DriverMissing("cannot be loaded"), ["✗ driver"]),
    ],
    ids=str,
)
def test_only_what_an_error_proves_is_ticked(
    monkeypatch: pytest.MonkeyPatch, ssisdb: SsisdbEmulator, error: CatalogError, steps: list[str]
) -> None:
    def refuse(self: SsisCatalogHook, **options: object) -> Catalog:
        raise error

    monkeypatch.setattr(SsisCatalogHook, "get_conn", refuse)
    assert marks(findings(monkeypatch, ssisdb.airflow_uri))[4:] == steps


SESSION = ServerSession(
    server_name="SQL01",
    product_version="16.0.1000.6",
    edition="Developer Edition",
    user="etl",
    database="SSISDB",
    login="CORP\\etl",
    auth_scheme="KERBEROS",
    roles=(),
)
NO_RIGHTS = Rights(folders=2, folders_to_deploy_to=0, projects=3, projects_to_run=0, reads_all_logs=False)


@pytest.mark.parametrize(
    ("session", "rights", "expected"),
    [
        (SESSION, NO_RIGHTS, ["! run", "! deploy", "✓ logs"]),
        (SESSION, replace(NO_RIGHTS, projects_to_run=1), ["✓ run", "! deploy", "✓ logs"]),
        (SESSION, replace(NO_RIGHTS, folders_to_deploy_to=1), ["! run", "✓ deploy", "✓ logs"]),
        (
            replace(SESSION, roles=("ssis_admin",)),
            Rights(folders=0, folders_to_deploy_to=0, projects=0, projects_to_run=0, reads_all_logs=True),
            ["✓ run", "✓ deploy", "✓ logs"],
        ),
    ],
    ids=["nothing", "runs", "deploys", "administrator of an empty catalog"],
)
def test_what_a_login_may_not_do_is_marked(
    monkeypatch: pytest.MonkeyPatch,
    ssisdb: SsisdbEmulator,
    session: ServerSession,
    rights: Rights,
    expected: list[str],
) -> None:
    monkeypatch.setattr(Catalog, "server_session", lambda self: session)
    monkeypatch.setattr(Catalog, "rights", lambda self: rights)
    found = findings(monkeypatch, ssisdb.airflow_uri)
    assert marks(found[-3:]) == expected
    assert may_change_nothing(found) is (expected[:2] == ["! run", "! deploy"])


def test_what_an_administrator_may_do_is_counted(mart: Catalog) -> None:
    rights = mart.rights()
    assert (rights.folders, rights.projects, rights.projects_to_run, rights.folders_to_deploy_to) == (1, 1, 1, 1)
    assert rights.reads_all_logs


def test_what_a_login_with_few_rights_may_do_is_counted(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    """Without READ on the folder, the other permissions have no effect."""
    ssisdb.add_login("few", "pass-word-1")
    folder, project = Securable("Sales"), Securable("Sales", "Mart")
    steps = [
        (project, PermissionType.EXECUTE, (0, 0, 0, 0)),
        (folder, PermissionType.CREATE_OBJECTS, (0, 0, 0, 0)),
        (project, PermissionType.READ, (0, 1, 0, 0)),
        (folder, PermissionType.READ, (1, 1, 1, 1)),
    ]
    with closing(connect(ssisdb, "few", "pass-word-1")) as connection:
        for securable, permission, counts in steps:
            mart.grant_permission("few", permission, securable)
            rights = Catalog(connection).rights()
            found = (rights.folders, rights.projects, rights.projects_to_run, rights.folders_to_deploy_to)
            assert found == counts, (securable, permission)


@contextmanager
def browser(answer: bytes) -> Iterator[int]:
    """A SQL Server Browser that knows one instance."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(30)

        def serve() -> None:
            try:
                _, client = server.recvfrom(64)
                server.sendto(b"\x05" + len(answer).to_bytes(2, "little") + answer, client)
            except OSError:
                return

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def test_a_named_instance_is_found_by_the_browser(monkeypatch: pytest.MonkeyPatch, ssisdb: SsisdbEmulator) -> None:
    answer = f"ServerName;X;InstanceName;DW;IsClustered;No;Version;15.0;tcp;{ssisdb.port};;".encode()
    with browser(answer) as port:
        monkeypatch.setattr(checks, "BROWSER_PORT", port)
        uri = ssisdb.airflow_uri.replace(f"127.0.0.1:{ssisdb.port}", "127.0.0.1%5CDW")
        found = findings(monkeypatch, f"{uri}&login_timeout=1")
    assert found[3] == Finding(
        "port", Outcome.GOOD, f"127.0.0.1 accepts connections on port {ssisdb.port} (instance DW)", found[3].seconds
    )


def test_an_instance_that_the_browser_does_not_know_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with browser(b"ServerName;X;InstanceName;DW;;") as port:
        monkeypatch.setattr(checks, "BROWSER_PORT", port)
        found = findings(monkeypatch, "ssis://etl:x@127.0.0.1%5CDW/SSISDB?login_timeout=5")
    assert (found[-1].step, found[-1].is_good) == ("port", False)
    assert "no instance 'DW' that listens on TCP" in found[-1].text

"""A connection tried step by step: the first step that fails explains itself."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from airflow_provider_ssis.catalog.catalog import Catalog
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.hooks import checks
from airflow_provider_ssis.hooks.checks import Finding, check_connection
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

STEPS = ["driver", "address", "port", "encryption", "login", "catalog", "identity", "rights"]


def findings(monkeypatch: pytest.MonkeyPatch, uri: str) -> list[Finding]:
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", uri)
    return list(check_connection(SsisCatalogHook()))


def test_every_step_of_a_good_connection_says_what_it_found(
    monkeypatch: pytest.MonkeyPatch, mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    found = findings(monkeypatch, ssisdb.airflow_uri)
    assert [each.step for each in found] == STEPS
    assert all(each.is_good and each.seconds >= 0 for each in found)
    assert found[-1].text == ("member of sysadmin; deploys to 1 of 1 folders; runs 1 of 1 projects; reads all logs")


@pytest.mark.parametrize(
    ("change", "step", "text"),
    [
        (("127.0.0.1", "no-such-host.invalid"), "address", "is not known here"),
        (("127.0.0.1", "no..such.host"), "address", "is not known here"),
        (("trust_server_certificate=true", "trust_server_certificate=false"), "encryption", "trust_server_certificate"),
        (("/SSISDB", "/Nothing"), "catalog", "SSISDB"),
        (("ssis://sa:", "ssis://nobody:"), "login", "Check login and password"),
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


def test_what_a_login_with_few_rights_may_do_is_counted(
    monkeypatch: pytest.MonkeyPatch, mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    rights = mart.rights()
    assert (rights.folders, rights.projects, rights.projects_to_run, rights.folders_to_deploy_to) == (1, 1, 1, 1)
    assert rights.reads_all_logs


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
        found = findings(monkeypatch, uri)
    assert found[2] == Finding(
        "port", True, f"127.0.0.1 listens at {ssisdb.port}, where the instance DW is", found[2].seconds
    )


def test_an_instance_that_the_browser_does_not_know_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with browser(b"ServerName;X;InstanceName;DW;;") as port:
        monkeypatch.setattr(checks, "BROWSER_PORT", port)
        found = findings(monkeypatch, "ssis://etl:x@127.0.0.1%5CDW/SSISDB?login_timeout=5")
    assert (found[-1].step, found[-1].is_good) == ("port", False)
    assert "no instance 'DW' that listens on TCP" in found[-1].text

"""The conformance suite on the embedded SSISDB: one set of facts judges it and real servers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.server import Edition, LoginKind, SsisdbEmulator
from airflow_provider_ssis.verify.answers import NotApplicable, ServerError
from airflow_provider_ssis.verify.facts import Fact, Finding, Outcome, Result
from airflow_provider_ssis.verify.probe import Probe
from airflow_provider_ssis.verify.sample_project import FAIL, WAIT
from airflow_provider_ssis.verify.suite import all_facts, check
from tests.support.mart import MART
from tests.verify.conftest import probing, script

pytestmark = pytest.mark.slow

PASSWORD = "p;w=d {1 @"
FACTS = all_facts()
REASONS = {"the catalog accepts this login", "no project file was given with --ispac"}
"""Why facts are skipped for a login that may do everything."""


@pytest.fixture(scope="module", params=[Edition.AZURE, Edition.BOX], ids=lambda edition: edition.value)
def edition(request: pytest.FixtureRequest) -> Edition:
    return Edition(request.param)


@pytest.fixture(scope="module")
def server(edition: Edition) -> Iterator[SsisdbEmulator]:
    with SsisdbEmulator(edition=edition) as server:
        script(server)
        server.add_login("CORP\\etl", PASSWORD, kind=LoginKind.WINDOWS, database_roles=["ssis_admin"])
        server.add_login("CORP\\reader", PASSWORD, kind=LoginKind.WINDOWS)
        yield server


def uri_of(server: SsisdbEmulator, login: str) -> str:
    place = f"{server.host}:{server.port}/SSISDB?trust_server_certificate=true"
    return f"ssis://{quote(login, safe='')}:{quote(PASSWORD, safe='')}@{place}"


def judged(uri: str) -> list[Result]:
    with probing(uri) as probe:
        return list(check(probe, FACTS))


def reasons(results: list[Result]) -> Counter[str]:
    return Counter(each.found for each in results if each.outcome is Outcome.SKIPPED)


def wrong(results: list[Result]) -> list[str]:
    return [
        f"{each.fact.id}: expected {each.expected}, found {each.found}"
        for each in results
        if each.outcome in (Outcome.CONTRADICTED, Outcome.ERROR)
    ]


@pytest.mark.parametrize("edition", [Edition.BOX], indirect=True, ids=["box"])
def test_a_windows_account_confirms_every_fact(server: SsisdbEmulator) -> None:
    results = judged(uri_of(server, "CORP\\etl"))
    assert wrong(results) == []
    assert set(reasons(results)) == REASONS


def test_a_sql_login_confirms_what_its_edition_lets_it_do(server: SsisdbEmulator, edition: Edition) -> None:
    results = judged(server.airflow_uri)
    assert wrong(results) == []
    groups = {each.fact.group for each in results if each.outcome is Outcome.CONFIRMED}
    if edition is Edition.AZURE:
        assert set(reasons(results)) == REASONS
        assert {"refusals", "runs", "types", "deployment"} <= groups
    else:
        assert "windows" in groups
        assert not {"refusals", "runs", "deployment"} & groups


@pytest.mark.parametrize("edition", [Edition.BOX], indirect=True, ids=["box"])
def test_a_login_without_rights_contradicts_nothing(server: SsisdbEmulator) -> None:
    results = judged(uri_of(server, "CORP\\reader"))
    assert wrong(results) == []
    # No login but an administrator may execute the procedure (error 229).
    assert reasons(results)["the scratch folder could not be created: error 229"] > 50
    assert {each.fact.group for each in results if each.outcome is Outcome.CONFIRMED} >= {"signatures", "refusals"}


def test_nothing_else_is_read_or_changed(ssisdb: SsisdbEmulator, catalog: Catalog) -> None:
    script(ssisdb)
    catalog.create_folder("Sales")
    catalog.deploy_project("Sales", "Mart", MART)
    catalog.create_environment("Sales", "Test")
    catalog.create_environment_variable("Sales", "Test", "Region", "north")
    before = snapshot(catalog)
    with probing(ssisdb.airflow_uri) as probe:
        assert [each for each in check(probe, FACTS) if each.outcome is Outcome.CONFIRMED]
    assert snapshot(catalog) == before


def snapshot(catalog: Catalog) -> list[object]:
    return [
        catalog.folders(),
        catalog.projects(),
        catalog.environments(),
        catalog.environment_variables("Sales", "Test"),
        catalog.object_parameters("Sales", "Mart"),
        catalog.catalog_properties(),
        catalog.customized_logging_levels(),
        [each.operation_id for each in catalog.operations(object_name="Mart")],
    ]


def test_a_server_that_behaves_otherwise_is_reported(ssisdb: SsisdbEmulator) -> None:
    facts = {fact.id: fact for fact in FACTS}
    ssisdb.scripts.finish(OperationStatus.SUCCEEDED, package=FAIL)
    ssisdb.scripts.fail(package=WAIT)
    with probing(ssisdb.airflow_uri) as probe:
        (stopped, failed) = check(probe, [facts["runs.stopped"], facts["runs.failed"]])
        assert stopped.outcome is Outcome.SKIPPED
        assert stopped.found == "the package ended before it could be stopped"
        assert failed.outcome is Outcome.CONTRADICTED
        assert failed.found.startswith("(7, ")
        probe.call("EXEC catalog.delete_environment @folder_name = :folder, @environment_name = :environment;")
        _ = probe.environment
        probe.call("EXEC catalog.delete_environment @folder_name = :folder, @environment_name = :environment;")
        (lost,) = check(probe, [facts["refusals.environment_exists"]])
        assert (lost.outcome, lost.expected, lost.found) == (Outcome.CONTRADICTED, "error 27157", "no error")


def test_each_outcome() -> None:
    def fails(probe: Probe) -> Finding:
        raise ServerError(208)

    def skips(probe: Probe) -> Finding:
        raise NotApplicable("the reason")

    facts = [
        Fact("a.same", "", lambda probe: Finding(1, 1)),
        Fact("a.different", "", lambda probe: Finding(1, 2)),
        Fact("a.fails", "", fails),
        Fact("a.skips", "", skips),
    ]
    seconds = iter([0.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 3.0])
    results = list(check(None, facts, clock=lambda: next(seconds)))  # type: ignore[arg-type]  # no fact asks it
    assert [(each.outcome.value, each.found, each.seconds) for each in results] == [
        ("confirmed", "1", 1.0),
        ("contradicted", "2", 2.0),
        ("error", "error 208", 0.0),
        ("skipped", "the reason", 0.0),
    ]


def test_ids_are_unique_and_statements_are_sentences() -> None:
    ids = Counter(fact.id for fact in all_facts())
    assert [name for name, count in ids.items() if count > 1] == []
    assert len(ids) > 300
    assert [fact.id for fact in all_facts() if not fact.statement.endswith(".")] == []

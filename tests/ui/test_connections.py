"""A connection is created, tested, edited and used in Airflow's own pages, without writing JSON."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import LoginFailed
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.hooks.form import FIELD_BEHAVIOUR, FIELDS
from tests.support.airflow_processes import AirflowProcesses
from tests.support.connection_pages import Connections
from tests.ui.conftest import MILLISECONDS, SCREENSHOTS

pytestmark = pytest.mark.browser

STEPS = [
    *("driver", "address", "port", "encryption", "login", "server", "catalog", "version"),
    *("identity", "run", "deploy", "logs"),
]
RUN_MILLISECONDS = 4 * MILLISECONDS


def make_connection(page: Page, server: SsisdbEmulator, connection_id: str, *, password: str | None = None) -> None:
    """Create a connection to the server in the form."""
    form = Connections(page).add()
    form.name(connection_id)
    form.fill(host=server.host, port=server.port, login=server.user, password=password or server.password)
    form.switch_on("trust_server_certificate")
    form.save()


def test_the_form_shows_the_standard_fields_as_the_provider_words_them(page: Page) -> None:
    form = Connections(page).add()
    for field, placeholder in FIELD_BEHAVIOUR["placeholders"].items():
        expect(form.standard(field)).to_have_attribute("placeholder", placeholder)
    expect(form.standard("password")).to_have_attribute("type", "password")


@pytest.mark.parametrize("section", dict.fromkeys(field["schema"]["section"] for field in FIELDS.values()))
def test_the_form_shows_the_fields_of_a_section_with_label_and_description(page: Page, section: str) -> None:
    form = Connections(page).add()
    for name in [name for name, field in FIELDS.items() if field["schema"]["section"] == section]:
        expect(form.field(name)).to_be_visible()
        expect(form.field(name)).to_contain_text(FIELDS[name]["description"])
    form.picture(SCREENSHOTS / f"connection-form, {section}.png")


@pytest.mark.parametrize("name", [name for name, field in FIELDS.items() if "enum" in field["schema"]])
def test_the_form_offers_the_choices_of_a_field(page: Page, name: str) -> None:
    form = Connections(page).add()
    schema = FIELDS[name]["schema"]
    shown = schema.get("values_display", {})
    assert form.choices(name) == [shown.get(value, value) for value in schema["enum"]]
    if "default" in schema:
        expect(form.field(name)).to_contain_text(shown.get(schema["default"], schema["default"]))


def test_what_is_filled_in_is_what_is_stored(page: Page, airflow: AirflowProcesses) -> None:
    form = Connections(page).add()
    form.name("ssis_production")
    form.write("host_name_in_certificate", "sql-1.example.com")
    form.write("login_timeout", "30")
    form.choose("application_intent", "ReadOnly")
    form.switch_on("multi_subnet_failover")
    form.fill(description="Nightly loads", host="sql.example.com", port=1433, login="etl", password="a password")
    form.fill(schema="SSISDB")
    form.picture(SCREENSHOTS / "connection-form.png")
    form.save()
    stored = airflow.ask("GET", "/api/v2/connections/ssis_production")
    fields = ("conn_type", "description", "host", "port", "login", "schema")
    assert [stored[field] for field in fields] == ["ssis", "Nightly loads", "sql.example.com", 1433, "etl", "SSISDB"]
    extra = json.loads(stored["extra"])
    assert {name: value for name, value in extra.items() if value != FIELDS[name]["schema"].get("default")} == {
        "host_name_in_certificate": "sql-1.example.com",
        "login_timeout": 30,
        "application_intent": "ReadOnly",
        "multi_subnet_failover": True,
    }


def test_the_button_shows_the_result_of_each_step(page: Page, server: SsisdbEmulator) -> None:
    make_connection(page, server, "tested")
    message = Connections(page).test("tested")
    assert message.startswith("Test Connection Successful")
    assert [step for step in STEPS if f"✓ {step}: " not in message] == []


def test_the_button_explains_a_wrong_password(page: Page, server: SsisdbEmulator) -> None:
    make_connection(page, server, "mistyped", password="not-the-password")
    message = Connections(page).test("mistyped")
    assert message.startswith("Test Connection Failed")
    assert "✗ login: " in message
    assert LoginFailed.default_advice in message
    assert "not-the-password" not in message


def test_editing_keeps_the_password_and_does_not_show_it(
    page: Page, server: SsisdbEmulator, airflow: AirflowProcesses
) -> None:
    make_connection(page, server, "edited")
    form = Connections(page).edit("edited")
    expect(form.standard("password")).to_have_value("***")
    form.fill(description="The nightly loads")
    form.write("application_name", "Nightly")
    form.save()
    connections = Connections(page)
    expect(page.get_by_text("The nightly loads")).to_be_visible()
    assert connections.test("edited").startswith("Test Connection Successful")
    assert [name for name, content in airflow.files().items() if server.password.encode() in content] == []


def test_a_dag_triggered_by_hand_runs_with_the_connection_of_the_form(
    page: Page, server: SsisdbEmulator, catalog: Catalog
) -> None:
    make_connection(page, server, "ssis_default")
    page.goto("/dags/ssis_quickstart")
    page.get_by_role("button", name="Trigger").click()
    page.get_by_role("dialog").get_by_role("button", name="Trigger").click()
    tasks = page.get_by_role("row").filter(has=page.get_by_text("Success", exact=True))
    expect(tasks).to_have_count(4, timeout=RUN_MILLISECONDS)
    assert [each.status for each in catalog.executions()] == [OperationStatus.SUCCEEDED] * 2
    tasks.get_by_role("link", name="load_sales").click()
    expect(page.get_by_text("of Sales/SalesMart/LoadSales.dtsx succeeded after")).to_be_visible()

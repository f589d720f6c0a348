"""Airflow finds the provider, its connection type and its configuration, by its own command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types; Airflow brings it
import pytest
from airflow import __version__ as airflow_version
from packaging.version import Version

from airflow_provider_ssis import config
from airflow_provider_ssis.hooks.settings import read_settings
from airflow_provider_ssis.provider_info import get_provider_info

SECONDS = 120


@pytest.fixture(scope="module")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("airflow-home")


def command(home: Path, *arguments: str) -> str:
    """The output of an Airflow command."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    result = subprocess.run(
        [sys.executable, "-m", "airflow", *arguments],
        env={**environment, "AIRFLOW_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def airflow(home: Path, *arguments: str) -> Any:
    """The JSON output of an Airflow command."""
    # Some versions of Airflow log to the standard output before the line with JSON.
    (answer,) = re.findall(r"^\[(?:\{|\]$).*", command(home, *arguments, "--output", "json"), re.MULTILINE)
    return json.loads(answer)


def schema(name: str) -> Any:
    return json.loads((files("airflow") / name).read_text())


def test_metadata_keep_to_airflows_schema() -> None:
    jsonschema.validate(get_provider_info(), schema("provider_info.schema.json"))


def test_connection_form_keeps_to_airflows_schema() -> None:
    form = schema("provider.yaml.schema.json")["properties"]["connection-types"]
    jsonschema.validate(get_provider_info()["connection-types"], form)


def test_airflow_lists_the_provider(airflow_home: Path) -> None:
    packages = {row["package_name"] for row in airflow(airflow_home, "providers", "list")}
    assert "airflow-provider-ssis" in packages


def test_airflow_shows_the_provider(airflow_home: Path) -> None:
    (row,) = airflow(airflow_home, "providers", "get", "airflow-provider-ssis")
    assert row["Provider"] == "airflow-provider-ssis"


def test_airflow_loads_the_hook_of_the_connection_type(airflow_home: Path) -> None:
    hooks = {row["connection_type"]: row for row in airflow(airflow_home, "providers", "hooks")}
    assert hooks["ssis"]["class"] == "airflow_provider_ssis.hooks.ssis.SsisCatalogHook"
    assert hooks["ssis"]["conn_id_attribute_name"] == "ssis_conn_id"
    assert hooks["ssis"]["hook_name"] == "SQL Server Integration Services"


@pytest.mark.skipif(
    Version(airflow_version) < Version("3.2") and find_spec("flask_appbuilder") is None,
    reason="before 3.2 Airflow shows extra fields only with Flask-AppBuilder, which this environment does not have",
)
def test_airflow_offers_the_form_fields(airflow_home: Path) -> None:
    fields = {
        row["connection_parameter_name"]
        for row in airflow(airflow_home, "providers", "widgets")
        if row["package_name"] == "airflow-provider-ssis"
    }
    assert {"extra__ssis__encrypt", "extra__ssis__driver", "extra__ssis__query_timeout"} <= fields


def test_form_offers_only_values_that_the_hook_takes() -> None:
    from airflow.providers.common.compat.sdk import Connection

    (connection_type,) = get_provider_info()["connection-types"]
    for name, field in connection_type["conn-fields"].items():
        for value in field["schema"].get("enum", []):
            needed = _NEEDED.get(value, {})
            connection = Connection(
                conn_id="form",
                conn_type="ssis",
                host="h",
                login=needed.get("login"),
                extra=json.dumps({name: value, **needed.get("extra", {})}),
            )
            read_settings(connection)


_NEEDED: dict[str, dict[str, Any]] = {
    "sql": {"login": "u"},
    "ntlm": {"login": "D\\u"},
    "entra_service_principal": {"login": "u", "extra": {"tenant_id": "t", "client_certificate": "c"}},
}
"""The options of a form field."""


def test_named_modules_and_classes_exist() -> None:
    info = get_provider_info()
    for kind in ("hooks", "operators", "sensors", "triggers"):
        for entry in info[kind]:
            for module in entry["python-modules"]:
                import_module(module)


def test_every_operator_sensor_and_hook_is_named() -> None:
    info = get_provider_info()
    for kind in ("hooks", "operators", "sensors"):
        named = {module for entry in info[kind] for module in entry["python-modules"]}
        package = import_module(f"airflow_provider_ssis.{kind}")
        found = [import_module(module.name) for module in iter_modules(package.__path__, f"{package.__name__}.")]
        classes = [each for module in found for each in vars(module).values() if isinstance(each, type)]
        public = {each for each in classes if re.fullmatch(r"Ssis\w+(Hook|Operator|Sensor)", each.__name__)}
        assert {each.__module__ for each in public if each.__module__.startswith(package.__name__)} == named


def test_the_connection_type_is_that_of_its_hook() -> None:
    info = get_provider_info()
    for connection_type in info["connection-types"]:
        module, _, name = connection_type["hook-class-name"].rpartition(".")
        assert getattr(import_module(module), name).conn_type == connection_type["connection-type"]


def test_airflow_knows_the_configuration(airflow_home: Path) -> None:
    listed = command(airflow_home, "config", "list", "--section", config.SECTION)
    assert re.findall(r"^(?:# )?(\w+) = ", listed, re.MULTILINE) == [option.name for option in config.OPTIONS]
    option = config.POLL_INTERVAL
    value = command(airflow_home, "config", "get-value", config.SECTION, option.name)
    assert value.strip().splitlines()[-1] == str(option.default)


def test_configuration_falls_back_to_the_declared_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in config.OPTIONS:
        monkeypatch.delenv(f"AIRFLOW__SSIS__{option.name.upper()}", raising=False)
    assert config.poll_interval() == config.POLL_INTERVAL.default
    assert config.stop_timeout() == config.STOP_TIMEOUT.default
    assert config.stamp_executions() is config.STAMP_EXECUTIONS.default


def test_configuration_is_read_from_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SSIS__POLL_INTERVAL", "2.5")
    monkeypatch.setenv("AIRFLOW__SSIS__STOP_TIMEOUT", "7")
    monkeypatch.setenv("AIRFLOW__SSIS__STAMP_EXECUTIONS", "False")
    assert (config.poll_interval(), config.stop_timeout(), config.stamp_executions()) == (2.5, 7.0, False)


@pytest.mark.processes
def test_operator_and_sensor_modules_import_without_driver_parsers_and_what_only_a_run_needs() -> None:
    unwanted = [
        *("pyodbc", "lxml", "sqlglot", "duckdb"),
        *(f"airflow_provider_ssis.{name}" for name in ("catalog.models", "catalog.client", "triggers.poller")),
    ]
    info = get_provider_info()
    modules = [
        module for kind in ("operators", "sensors") for entry in info[kind] for module in entry["python-modules"]
    ]
    program = (
        "import sys\n"
        + "".join(f"import {module}\n" for module in modules)
        + f"print([name for name in {unwanted} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert result.stdout.strip().splitlines()[-1] == "[]"


@pytest.mark.processes
def test_metadata_are_read_without_airflows_configuration() -> None:
    program = (
        "import sys\nfrom airflow_provider_ssis.provider_info import get_provider_info\nget_provider_info()\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('airflow', 'pyodbc', 'lxml')])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "[]"


def test_an_option_is_read_once_while_a_task_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SSIS__POLL_INTERVAL", "2.5")
    with config.read_once():
        assert config.poll_interval() == 2.5
        monkeypatch.setenv("AIRFLOW__SSIS__POLL_INTERVAL", "3.5")
        assert (config.poll_interval(), config.stamp_executions()) == (2.5, True)
    assert config.poll_interval() == 3.5

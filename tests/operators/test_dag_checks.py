"""Mistakes that are found when the DAG is parsed."""

from __future__ import annotations

import inspect
import warnings
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator

from airflow_provider_ssis.exceptions import InvalidTaskArgument
from airflow_provider_ssis.operators.dag_checks import SensitiveLiteralWarning
from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.environment import SsisEnvironmentOperator
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.operators.stop import SsisStopExecutionOperator
from airflow_provider_ssis.operators.validate import SsisValidateOperator
from airflow_provider_ssis.sensors.execution import SsisExecutionSensor
from airflow_provider_ssis.sensors.package import SsisPackageSensor
from tests.support.running import operator


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"package": "LoadSales"}, r"package is 'LoadSales'\. Names of packages end in \.dtsx: 'LoadSales\.dtsx'"),
        ({"package": ""}, "'package'"),
        ({"folder": None}, "'folder'"),
        ({"folder": ""}, "'folder'"),
        ({"project": " "}, "'project'"),
        ({"project": 5}, "'project'"),
        ({"logging_level": "basicc"}, "logging_level is 'basicc'. Did you mean 'basic'"),
        ({"logging_level": 9}, "logging_level is 9"),
        ({"logging_level": True}, "logging_level is True"),
        ({"parameters": 5}, "parameters is not a mapping"),
        ({"parameters": ["a"]}, "parameters is not a mapping"),
        ({"parameters": "no JSON"}, "parameters is not a mapping"),
        ({"parameters": {1: 2}}, "parameters is not a mapping"),
        ({"parameters": {"MaxRows": [1]}}, r"parameters\['MaxRows'\].*list"),
        ({"parameters": {"MaxRows": None}}, r"parameters\['MaxRows'\] is None"),
        ({"parameters": {"MaxRows": [1], "Region": "{{ params.region }}"}}, r"parameters\['MaxRows'\].*list"),
        ({"connection_managers": {"DW": 5}}, r"connection_managers\['DW'\] is not a mapping"),
        ({"connection_managers": {"DW": {"ServerName": [1]}}}, r"\['DW'\]\['ServerName'\].*list"),
        ({"property_overrides": {r"\Package.Properties[X]": {}}}, "dict"),
        (
            {
                "project_parameters": {"CM.DW.ServerName": "a"},
                "project_connection_managers": {"DW": {"ServerName": "b"}},
            },
            r"'CM\.DW\.ServerName' is given twice",
        ),
        ({"environment_folder": "Shared"}, "environment_folder is 'Shared', and environment is not given"),
        ({"use_32bit_runtime": "maybe"}, "'use_32bit_runtime'"),
        ({"run_in_scale_out": "maybe"}, "'run_in_scale_out'"),
        ({"run_in_scale_out": True, "use_any_worker": False}, "use_any_worker=False is not supported"),
        ({"use_any_worker": False}, "use_any_worker=False is not supported"),
        ({"use_any_worker": "False"}, "use_any_worker=False is not supported"),
        ({"timeout": timedelta(0)}, "timeout is 0"),
        ({"poll_interval": timedelta(seconds=-1)}, "poll_interval is -1"),
        ({"follow_messages": "everything"}, "follow_messages is 'everything'"),
        ({"ssis_conn_id": None}, "'ssis_conn_id'"),
        ({"ssis_conn_id": ""}, "'ssis_conn_id'"),
    ],
    ids=str,
)
def test_a_mistake_without_a_template_is_found(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        operator(**arguments)


@pytest.mark.parametrize(
    ("kind", "required"),
    [
        (SsisRunPackageOperator, {"folder": "F", "project": "P", "package": "a.dtsx"}),
        (SsisDeployProjectOperator, {"folder": "F", "source": "a.ispac"}),
        (SsisValidateOperator, {"folder": "F", "project": "P"}),
        (SsisEnvironmentOperator, {"folder": "F", "environment": "E"}),
        (SsisStopExecutionOperator, {"execution_id": 1}),
        (SsisExecutionSensor, {"execution_id": 1}),
        (SsisPackageSensor, {"folder": "F", "project": "P", "package": "a.dtsx", "since": "2024-01-01T00:00:00Z"}),
    ],
)
def test_text_in_place_of_true_or_false_is_found(kind: Any, required: dict[str, Any]) -> None:
    given = inspect.signature(kind.__init__).parameters.values()
    switches = [each.name for each in given if isinstance(each.default, bool) and each.name not in kind.template_fields]
    assert switches
    for name in switches:
        with pytest.raises(InvalidTaskArgument, match=f"^{name} is 'false'"):
            kind(task_id="t", **required, **{name: "false"})


@pytest.mark.parametrize(
    ("kind", "required", "names"),
    [
        (
            SsisRunPackageOperator,
            {"folder": "F", "project": "P", "package": "a.dtsx"},
            ["environment", "environment_folder", "caller_info", "data_taps_folder"],
        ),
        (SsisDeployProjectOperator, {"folder": "F", "source": "a.ispac"}, ["project", "configuration"]),
        (SsisValidateOperator, {"folder": "F", "project": "P"}, ["environment", "environment_folder"]),
        (SsisEnvironmentOperator, {"folder": "F", "environment": "E"}, ["description"]),
    ],
)
def test_a_number_in_place_of_optional_text_is_found(kind: Any, required: dict[str, Any], names: list[str]) -> None:
    for name in names:
        with pytest.raises(InvalidTaskArgument, match=f"'{name}' is 5"):
            kind(task_id="t", **required, **{name: 5})
        kind(task_id="t", **required, **{name: ""})


@pytest.mark.parametrize(
    "arguments",
    [
        {"package": "{{ params.package }}"},
        {"folder": "{{ params.folder }}"},
        {"logging_level": "{{ 'basicc' }}"},
        {"logging_level": "Nightly runs"},
        {"logging_level": "Runtime_Lineage"},
        {"logging_level": "none"},
        {"logging_level": "2"},
        {"parameters": "{{ params.values | tojson }}"},
        {"parameters": {"MaxRows": "{{ params.rows }}"}},
        {"parameters": '{"MaxRows": 5}'},
        {"connection_managers": "{{ params.managers | tojson }}"},
        {"connection_managers": {"DW": "{{ params.warehouse | tojson }}"}},
        {"run_in_scale_out": True, "use_any_worker": "{{ params.any }}"},
        {"run_in_scale_out": False, "use_any_worker": False},
        {"run_in_scale_out": "False", "use_any_worker": False},
        {"run_in_scale_out": "{{ params.scale_out }}", "use_any_worker": False},
    ],
    ids=str,
)
def test_what_only_the_run_can_show_is_left_to_the_run(arguments: dict[str, Any]) -> None:
    operator(**arguments)


def test_outputs_of_other_tasks_are_left_to_the_run() -> None:
    with DAG(dag_id="outputs", schedule=None):
        before: Any = BaseOperator(task_id="before")
        operator(package=before.output, parameters=before.output, folder=before.output)
    with DAG(dag_id="more_outputs", schedule=None):
        before = BaseOperator(task_id="before")
        operator(parameters={"MaxRows": before.output}, connection_managers={"DW": before.output})
        SsisStopExecutionOperator(task_id="stop", execution_id=before.output)
        SsisExecutionSensor(task_id="wait", execution_id=before.output)


def test_durations_may_be_timedeltas() -> None:
    task = operator(
        timeout=timedelta(minutes=5), poll_interval=timedelta(seconds=2), pending_timeout=timedelta(hours=1)
    )
    assert (task.timeout, task.poll_interval, task.pending_timeout) == (300, 2, 3600)
    stop = SsisStopExecutionOperator(task_id="stop", execution_id=1, timeout=timedelta(minutes=5))
    assert stop.timeout == 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "do not say what to stop"),
        ({"execution_id": 7, "folder": "Sales"}, "not both"),
        ({"execution_id": "{{ x }}", "package": "Load.dtsx"}, "not both"),
        ({"folder": "Sales", "package": "Load.dtsx"}, "do not say what to stop"),
        ({"project": "Mart"}, "do not say what to stop"),
        ({"folder": ""}, "'folder'"),
        ({"execution_id": "abc"}, "'execution_id'"),
        ({"execution_id": 0}, "'execution_id'"),
        ({"folder": "Sales", "project": "Mart", "package": "Load"}, r"Load\.dtsx"),
    ],
    ids=str,
)
def test_a_stop_without_a_clear_target_is_found(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SsisStopExecutionOperator(task_id="stop", **arguments)


def test_a_sensor_without_an_id_is_found() -> None:
    with pytest.raises(ValueError, match="'execution_id'"):
        SsisExecutionSensor(task_id="wait", execution_id="abc")


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"parameters": {"Key": {"value": "hunter2", "sensitive": True}}}, "parameters['Key']"),
        ({"parameters": {"Key": {"VALUE": "hunter2", "Sensitive": "true"}}}, "parameters['Key']"),
        ({"connection_managers": {"DW": {"Password": {"value": "x", "sensitive": 1}}}}, "['DW']['Password']"),
        ({"parameters": '{"Key": {"value": "hunter2", "sensitive": true}}'}, "parameters"),
    ],
    ids=str,
)
def test_a_sensitive_literal_is_a_warning_without_the_value(arguments: dict[str, Any], path: str) -> None:
    with pytest.warns(SensitiveLiteralWarning) as caught:
        operator(**arguments)
    (text,) = [str(each.message) for each in caught if issubclass(each.category, SensitiveLiteralWarning)]
    assert path in text
    assert "in the DAG file or in the output of another task" in text
    assert "{{ conn." in text
    assert "hunter2" not in text


def test_a_sensitive_template_is_not_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", SensitiveLiteralWarning)
        operator(parameters={"Key": {"value": "{{ conn.dw.password }}", "sensitive": True}})
        operator(parameters={"Key": {"value": "visible", "sensitive": False}})


def test_every_template_field_is_stored_as_it_was_given() -> None:
    """Airflow checks this at parse time: nothing is computed from what is not rendered yet."""
    arguments: dict[str, Any] = {field: object() for field in SsisRunPackageOperator.template_fields}
    task = SsisRunPackageOperator(task_id="load", **arguments)
    assert {field: getattr(task, field) for field in arguments} == arguments

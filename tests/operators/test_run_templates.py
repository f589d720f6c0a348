"""Templates, and what Airflow shows of them."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import ObjectType
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from tests.support.running import SECRET, operator, parameters_of, run
from tests.support.task_runs import TaskRun, rendered


def test_everything_that_a_user_would_template_is_rendered(mart: Catalog) -> None:
    task = operator(
        folder="{{ f }}",
        project="{{ p }}",
        package="{{ k }}.dtsx",
        parameters={"BatchSize": "{{ n }}", "Title": "{{ t }}"},
        property_overrides={r"\Package.Properties[MaximumErrorCount]": "{{ n }}"},
        logging_level="{{ level }}",
        use_32bit_runtime="{{ n > 5 }}",
        environment="{{ '' }}",
        ssis_conn_id="{{ c }}",
    )
    variables: dict[str, Any] = {
        "f": "Sales",
        "p": "Mart",
        "k": "Load",
        "n": 9,
        "t": "x",
        "level": "Verbose",
        "c": "ssis_default",
    }
    result = TaskRun(rendered(task, **variables)).execute()
    values = parameters_of(mart, result["execution_id"])
    assert (values["BatchSize"], values["Title"], values["LOGGING_LEVEL"]) == (9, "x", 3)


def test_native_rendering_works_too(mart: Catalog) -> None:
    task = operator(parameters="{{ values }}", use_32bit_runtime="{{ flag }}")
    result = TaskRun(rendered(task, native=True, values={"BatchSize": 9, "FullLoad": True}, flag=True)).execute()
    values = parameters_of(mart, result["execution_id"])
    assert values["BatchSize"] == 9
    assert values["FullLoad"] in (True, 1)


def test_parameters_may_be_one_template_that_gives_json(mart: Catalog) -> None:
    task = operator(parameters="{{ values | tojson }}")
    result = TaskRun(rendered(task, values={"BatchSize": 9})).execute()
    assert parameters_of(mart, result["execution_id"])["BatchSize"] == 9


def test_what_is_marked_sensitive_is_masked_in_rendered_templates() -> None:
    from airflow.providers.common.compat.sdk import redact

    task = rendered(
        operator(parameters={"Key": {"value": "{{ secret }}", "sensitive": True}, "Other": "{{ secret }}"}),
        secret=SECRET,
    )
    assert task.parameters["Key"]["value"] == SECRET
    assert SECRET not in str(redact(task.parameters))


def test_what_is_marked_sensitive_in_json_text_is_masked_too() -> None:
    from airflow.providers.common.compat.sdk import redact

    quoted = 'can"ary-s3cret-\u00fc'
    text = json.dumps(
        {"Key": {"value": "json-c4nary", "sensitive": True}, "Other": {"value": quoted, "sensitive": "true"}}
    )
    task = rendered(operator(parameters=text, project_parameters="{{ text }}"), text=text)
    for shown in (str(redact(task.parameters)), str(redact(task.project_parameters)), str(redact(f"It is {quoted}."))):
        assert "json-c4nary" not in shown
        assert "ary-s3cret" not in shown


def test_a_sensitive_number_is_masked(mart: Catalog) -> None:
    """Airflow masks texts only."""
    from airflow.providers.common.compat.sdk import redact

    task = rendered(operator(parameters={"BatchSize": {"value": 998877665, "sensitive": True}}))
    assert "998877665" not in str(redact(task.parameters))
    result = TaskRun(task).execute()
    assert parameters_of(mart, result["execution_id"])["BatchSize"] == 998877665


def test_every_template_field_is_stored_as_it_was_given() -> None:
    """Airflow checks this at parse time: nothing is computed from what is not rendered yet."""
    arguments: dict[str, Any] = {field: object() for field in SsisRunPackageOperator.template_fields}
    task = SsisRunPackageOperator(task_id="load", **arguments)
    assert {field: getattr(task, field) for field in arguments} == arguments


def test_parameters_of_project_and_package_are_told_apart(mart: Catalog) -> None:
    result = run(parameters={"Title": "a"}, project_parameters={"Source": "b"}).execute()
    by_type = {
        value.parameter_name: value.object_type for value in mart.execution_parameter_values(result["execution_id"])
    }
    assert (by_type["Title"], by_type["Source"]) == (ObjectType.PACKAGE, ObjectType.PROJECT)

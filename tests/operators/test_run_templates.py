"""Templates, and what Airflow shows of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import ObjectType
from airflow_provider_ssis.catalog.requests import Sensitive
from airflow_provider_ssis.exceptions import InvalidTaskArgument, RenderedToNothing
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


def test_parameters_of_project_and_package_are_distinguished(mart: Catalog) -> None:
    result = run(parameters={"Title": "a"}, project_parameters={"Source": "b"}).execute()
    by_type = {
        value.parameter_name: value.object_type for value in mart.execution_parameter_values(result["execution_id"])
    }
    assert (by_type["Title"], by_type["Source"]) == (ObjectType.PACKAGE, ObjectType.PROJECT)


# --- what renders to nothing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"parameters": {"BatchSize": "{{ none }}"}},
            r"^BatchSize \(Int32\) got the text 'None': its template rendered to nothing\. Did the task .* value\?",
        ),
        ({"parameters": {"Title": "{{ none }}"}}, r"^Title \(String\) got the text 'None'"),
        ({"parameters": {"Missing": "{{ none }}"}}, r"^Missing got the text 'None'"),
        ({"parameters": "{{ none }}"}, r"^parameters got the text 'None'"),
        (
            {"parameters": {"Title": {"value": "{{ none }}", "sensitive": True}}},
            r"^Title \(String\) got the text 'None'",
        ),
        ({"connection_managers": {"DW": {"ServerName": " {{ none }}"}}}, r"\['ServerName'\] got the text 'None'"),
        ({"property_overrides": {r"\Package.Properties[X]": "{{ none }}"}}, "got the text 'None'"),
        ({"folder": "{{ none }}"}, "^folder got the text 'None'"),
        ({"package": "{{ none }}"}, "^package got the text 'None'"),
        ({"environment": "{{ none }}"}, "^environment got the text 'None'"),
        ({"caller_info": "{{ none }}"}, "^caller_info got the text 'None'"),
        ({"logging_level": "{{ none }}"}, "^logging_level got the text 'None'"),
        ({"ssis_conn_id": "{{ none }}"}, "^ssis_conn_id got the text 'None'"),
        ({"project_parameters": {"Source": "{{ none }}"}}, r"^Source \(String\) got the text 'None'"),
    ],
    ids=str,
)
def test_a_template_that_renders_to_nothing_is_an_error(mart: Catalog, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RenderedToNothing, match=message):
        TaskRun(rendered(operator(**arguments), none=None)).execute()
    assert list(mart.executions()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"logging_level": "{{ true }}"}, "'logging_level' is True"),
        ({"environment": "{{ none }}", "environment_folder": "Shared"}, "environment_folder is 'Shared'"),
    ],
)
def test_a_rendered_argument_that_cannot_be_meant_is_an_error(
    mart: Catalog, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidTaskArgument, match=message):
        TaskRun(rendered(operator(**arguments), native=True, none=None)).execute()
    assert list(mart.executions()) == []


@pytest.mark.parametrize(
    ("level", "expected"),
    [("None", 0), ("{{ 0 }}", 0), (None, 1), ("{{ '' }}", 1), ("{{ 'Verbose' }}", 3)],
)
def test_the_level_none_is_not_the_default(mart: Catalog, level: str | None, expected: int) -> None:
    result = TaskRun(rendered(operator(logging_level=level))).execute()
    assert parameters_of(mart, result["execution_id"])["LOGGING_LEVEL"] == expected


def test_the_text_none_can_be_meant(mart: Catalog) -> None:
    result = TaskRun(rendered(operator(parameters={"Title": {"value": "None"}}))).execute()
    assert parameters_of(mart, result["execution_id"])["Title"] == "None"


# --- sensitive values in any wrapping --------------------------------------------------------------------------------


def shown(task: Any) -> str:
    """What Airflow stores and shows of the rendered fields."""
    from airflow.providers.common.compat.sdk import redact
    from airflow.serialization.helpers import serialize_template_field

    return "".join(str(redact(serialize_template_field(getattr(task, name), name))) for name in task.template_fields)


@pytest.mark.parametrize("secret", ["k3y", "x9", "h4ns", "long-enough-s3cret", 'qu"ote-s3cret', "b4ck\\slash-s3cret"])
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda secret: {"Title": {"value": secret, "sensitive": True}},
        lambda secret: {"Title": {"Value": secret, "SENSITIVE": "True"}},
        lambda secret: {"Title": {" value": secret, "Sensitive ": 1}},
        lambda secret: json.dumps({"Title": {"value": secret, "sensitive": True}}),
        lambda secret: json.dumps({"Title": {"Value": secret, "Sensitive": True}}),
        lambda secret: {"Title": json.dumps({"value": secret, "sensitive": True})},
    ],
    ids=["plain", "capitals", "spaces", "JSON", "JSON with capitals", "JSON of one value"],
)
def test_a_sensitive_value_is_sent_and_not_shown(mart: Catalog, wrapped: Any, secret: str) -> None:
    for task in (
        rendered(operator(parameters=wrapped(secret))),
        rendered(operator(parameters="{{ given if given is string else given | tojson }}"), given=wrapped(secret)),
    ):
        assert secret not in shown(task)
        task_run = TaskRun(task)
        result = task_run.execute()
        assert parameters_of(mart, result["execution_id"])["Title"] == secret
        # The log of the tests masks nothing.
        assert secret not in str(task_run.log)


@pytest.mark.parametrize(
    "given",
    [
        {"Title": {"value": "s3c", "sensitive": True, "note": "x"}},
        {"Title": {"sensitive": True, "values": "s3c"}},
        {"Title": {"value": ["s3c"], "sensitive": True}},
        {"Title": {"value": {"key": "s3c"}, "sensitive": True}},
        {"value": "s3c", "sensitive": True},
        "{'Title': {'value': 's3c', 'sensitive': True}}",
        '{"Title": {"value": "s3c", "sensitive": true}',
        {"Title": '{"value": "s3c", "sensitive": true'},
    ],
    ids=str,
)
def test_what_is_nearly_a_sensitive_value_is_refused_before_anything_is_stored(given: Any) -> None:
    task = operator(parameters="{{ given }}")
    with pytest.raises(InvalidTaskArgument) as caught:
        rendered(task, native=not isinstance(given, str), given=given)
    assert "s3c" not in str(caught.value)
    assert "s3c" not in shown(task)


def test_a_parameter_may_be_named_like_the_mark() -> None:
    assert rendered(operator(parameters={"sensitive": "yes", "Title": "x"})).parameters == {
        "sensitive": "yes",
        "Title": "x",
    }


def test_no_representation_shows_a_value() -> None:
    assert "s3c" not in f"{Sensitive('s3c')}{Sensitive('s3c')!r}"


def test_scale_out_can_be_asked_for(mart: Catalog) -> None:
    task = rendered(operator(run_in_scale_out="{{ true }}", use_any_worker=True))
    assert TaskRun(task).execute()["status"] == "succeeded"


def test_an_execution_for_no_worker_is_refused(mart: Catalog) -> None:
    task = rendered(operator(run_in_scale_out="{{ true }}", use_any_worker="{{ false }}"))
    with pytest.raises(InvalidTaskArgument, match="none could run"):
        TaskRun(task).execute()
    assert list(mart.executions()) == []

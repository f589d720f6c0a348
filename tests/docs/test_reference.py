"""The reference pages are written from the code, and are current."""

from __future__ import annotations

from airflow_provider_ssis.catalog.errors.error_numbers import MEANINGS
from airflow_provider_ssis.catalog.failures.message_codes import ADVICE
from airflow_provider_ssis.catalog.parameter_types import SSIS_TYPES
from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.operators.stop import SsisStopExecutionOperator
from airflow_provider_ssis.retry_policy import SsisRetryPolicy
from airflow_provider_ssis.sensors.execution import SsisExecutionSensor
from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger
from scripts import reference
from scripts.docstrings import parse
from tests.support.places import ROOT

OPERATORS = (SsisDeployProjectOperator, SsisRunPackageOperator, SsisStopExecutionOperator, SsisExecutionSensor)


def test_the_reference_is_current() -> None:
    assert reference.stale_pages(reference.pages()) == [], "run `make docs`"


def test_every_parameter_of_an_operator_is_described() -> None:
    for documented in (*OPERATORS, SsisExecutionTrigger, SsisRetryPolicy):
        described = [each.name for each in parse(documented.__doc__).parameters]
        code = documented.__init__.__code__
        declared = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        assert [name for name in declared if name not in described] == [], documented


def test_what_is_marked_as_templated_is_what_airflow_renders() -> None:
    for operator in OPERATORS:
        marked = {each.name for each in parse(operator.__doc__).parameters if each.is_templated}
        assert marked == set(operator.template_fields), operator


def test_every_number_that_has_advice_is_on_the_page_of_errors() -> None:
    page = reference.pages()["errors.md"]
    assert [number for number in MEANINGS if f"| {number} |" not in page] == []
    assert [code for code in ADVICE if f"| `{code}` |" not in page] == []


def test_a_docstring_is_taken_apart() -> None:
    parsed = parse(
        """Do it with a :class:`~package.Thing`.

        :param name: the ``name``,
            on two lines. (templated)
        :return: what
            came of it.
        :raises package.Failed: it did not work.
        """
    )
    assert parsed.description == "Do it with a `Thing`."
    assert [(each.name, each.text, each.is_templated) for each in parsed.parameters] == [
        ("name", "the `name`, on two lines.", True)
    ]
    assert (parsed.returns, parsed.raises) == ("what came of it.", [("package.Failed", "it did not work.")])


def test_the_page_on_values_names_every_type() -> None:
    page = (ROOT / "docs" / "values.md").read_text(encoding="utf-8")
    assert [name for name in SSIS_TYPES if f"`{name}`" not in page] == []

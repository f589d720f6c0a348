"""``airflow-ssis eval``: evaluate an SSIS expression."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from airflow_provider_ssis.cli.failures import CommandFailed


# An expression can start with a minus sign.
@click.command("eval", context_settings={"ignore_unknown_options": True})
@click.argument("expression", required=False)
@click.option(
    "--variable",
    "variables",
    multiple=True,
    metavar="NAME=TYPE:VALUE",
    help="A variable or parameter, such as User::n=Int32:5 or '$Project::Folder=String:C:\\data'. Without :VALUE it is "
    "NULL.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME=TYPE:VALUE",
    help="A column of a data flow's row, such as 'Name=DT_WSTR(50):abc'. NAME can be Input.Column, or #12 for a "
    "lineage id. Without :VALUE it is NULL.",
)
@click.option(
    "--context",
    type=click.Choice(["property", "dataflow"]),
    help="Where the expression stands: in a property, variable or precedence constraint, or in a data flow. Default: "
    "dataflow if there are columns.",
    show_default=False,
)
@click.option("--now", metavar="TIME", help="The time that GETDATE returns, in ISO 8601. Without it: the current time.")
@click.option("--locale-id", type=int, default=1033, help="The LocaleID of the package, for the text of DT_DATE.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as a JSON object.")
@click.option(
    "--batch",
    is_flag=True,
    help="Read JSON objects from standard input, one a line, and print one a line for each.",
)
def command(
    expression: str | None,
    variables: tuple[str, ...],
    columns: tuple[str, ...],
    context: str | None,
    now: str | None,
    locale_id: int,
    as_json: bool,
    batch: bool,
) -> int | None:
    """Evaluate an SSIS expression, and print its type and value.

    With --batch each line of standard input is an object with "expression", "variables", "columns", "context" and
    "now"; each line of the output has "type", "value" and "error". An error has "code", "symbol", "message" and
    "position". Each line gets an answer, also an empty one, and the exit code is 0: an error is an answer.
    """
    from airflow_provider_ssis.expressions.requests import RequestError, evaluate_line, evaluate_request
    from airflow_provider_ssis.expressions.settings import Settings

    settings = Settings(locale=locale_id)
    if batch:
        if expression is not None or variables or columns or context or now:
            raise click.UsageError("With --batch, expressions, variables and columns are read from standard input.")
        for line in sys.stdin.buffer:
            click.echo(json.dumps(evaluate_line(line, settings)))
        return None
    if expression is None:
        raise click.UsageError("Give an expression, or --batch.")
    request: dict[str, Any] = {
        "expression": expression,
        "variables": dict(map(_named, variables)),
        "columns": dict(map(_named, columns)),
        "context": context,
        "now": now,
    }
    try:
        result = evaluate_request(request, settings)
    except RequestError as error:
        raise CommandFailed(str(error)) from None
    if as_json:
        click.echo(json.dumps(result))
        return None if result["error"] is None else 1
    if result["error"] is None:
        value = "NULL" if result["value"] is None else str(result["value"])
        # A text can have halves of surrogate pairs, which UTF-8 cannot write.
        shown = value.encode(errors="backslashreplace").decode()
        click.echo(f"{_type_text(result)}: {shown}")
    if result["error"] is not None:
        raise CommandFailed(result["error"]["message"])
    return None


def _named(text: str) -> tuple[str, dict[str, Any]]:
    """The name, type and value of ``NAME=TYPE:VALUE``."""
    name, sign, typed = text.partition("=")
    type_, colon, value = typed.partition(":")
    if not (name and sign and type_):
        raise click.UsageError(f"{text!r} is not NAME=TYPE:VALUE, such as User::n=Int32:5")
    return name.strip(), {"type": type_, "value": value if colon else None}


def _type_text(result: dict[str, Any]) -> str:
    parameters = [str(result[name]) for name in ("length", "precision", "scale", "code_page") if name in result]
    return ",".join([result["type"], *parameters])

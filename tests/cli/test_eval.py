"""``airflow-ssis eval``."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from airflow_provider_ssis.cli.commands.eval import command
from airflow_provider_ssis.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["1 + 2"], "DT_I4: 3"),
        (["-5 + 3"], "DT_I4: -2"),
        (["-(2)", "--json"], '{"type": "DT_I4", "value": -2, "error": null}'),
        (["@n * 2", "--variable", "User::n=Int32:5"], "DT_I4: 10"),
        (['@[$Project::p] + "b"', "--variable", "$Project::p=String:a:"], "DT_WSTR,3: a:b"),
        (["UPPER(Name)", "--column", "Name=DT_WSTR(50):abc"], "DT_WSTR,50: ABC"),
        (["ISNULL(#12)", "--column", "#12=DT_I4"], "DT_BOOL: True"),
        (["NULL(DT_I4)"], "DT_I4: NULL"),
        (['REVERSE("a\U0001f600")'], "DT_WSTR,3: \\ude00\\ud83da"),
        (["(DT_DBDATE)GETDATE()", "--now", "2024-05-06T07:08:09"], "DT_DBDATE: 2024-05-06"),
        (['(DT_DATE)"3.4.2024"', "--locale-id", "1031"], "DT_DATE: 2024-04-03 00:00:00"),
    ],
)
def test_one_expression(arguments: list[str], printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", *arguments]) == 0
    assert capsys.readouterr().out == printed + "\n"


def test_an_error_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "1/0"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "0xC004707B DTS_E_EXPREVALDIVBYZERO, at position 1" in captured.err
    assert main(["eval", "1/0", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["position"] == 1


@pytest.mark.parametrize(
    "arguments",
    [[], ["1", "--batch"], ["--batch", "--now", "x"], ["1", "--variable", "x"], ["1", "--varible", "x=Int32:1"]],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", *arguments]) == 2
    assert capsys.readouterr().err


def test_a_batch_has_one_line_for_each_line() -> None:
    lines = [
        b'{"expression": "1 + 1"}',
        b"no json",
        b'{"expression": "1/0"}',
        b"\xff\xfe",
        '{"expression": "\\"é\\""}'.encode(),
    ]
    result = CliRunner().invoke(command, ["--batch"], input=b"\n".join(lines) + b"\n\n")
    assert result.exit_code == 0
    answers = [json.loads(line) for line in result.output.splitlines()]
    assert [answer["value"] for answer in answers] == [2, None, None, None, "é", None]
    assert [bool(answer["error"]) for answer in answers] == [False, True, True, True, False, True]
    assert "UTF-8" in answers[3]["error"]["message"]
    assert "empty" in answers[5]["error"]["message"]

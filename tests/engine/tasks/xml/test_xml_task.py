"""The XML task: validation, XSLT and XPath, from texts, variables and files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.engine.tasks.xml.task import XmlTask
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.package.tasks import OtherTask, PropertyBag
from tests.support.engine import Context, failure_of, task_context

XML = "<r><i k='1'>a</i><i k='2'>b</i></r>"
XSLT = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:output method="text"/><xsl:template match="/">
<xsl:for-each select="r/i"><xsl:value-of select="@k"/>;</xsl:for-each>
</xsl:template></xsl:stylesheet>"""
XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="r"><xs:complexType><xs:sequence>
<xs:element name="i" maxOccurs="2"><xs:complexType><xs:simpleContent><xs:extension base="xs:string">
<xs:attribute name="k" type="xs:int"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element></xs:schema>"""


def made(folder: Path, **attributes: str) -> tuple[Task, Context]:
    package = PackageBuilder("P")
    package.add_variable("Result", "", data_type="String")
    package.add_variable("Document", XML, data_type="String")
    for name in ("in.xml", "second", "out"):
        package.connection_managers.add_file(name, str(folder / name))
    package.add_expression("Xml", '@[User::Result] = ""')
    found = task_context(package.read())
    given = {"Source": XML, "SourceType": "DirectInput", "SecondOperandType": "DirectInput", **attributes}
    data = OtherTask(found.container.element, "P.dtsx", PropertyBag("XMLTaskData", given, "", ()))
    return XmlTask(replace(found.container, type="Microsoft.XMLTask"), data), found


def run(folder: Path, **attributes: str) -> str:
    task, found = made(folder, **attributes)
    assert not list(task.refusals(found.options))
    task.validate(found)
    result: str = task.run(found)
    return result


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("count(/r/i)", "2"),
        ("/r/i[2]/@k", "2"),
        ("r/i[1]", "a"),
        ("1 div 4", "0.25"),
        ("-1 div 0", "-Infinity"),
        ("0 div 0", "NaN"),
        ("1 div 10000000", "0.0000001"),
        ("1 = 1", "true"),
        ("//none", ""),
    ],
)
def test_xpath(tmp_path: Path, expression: str, value: str) -> None:
    assert run(tmp_path, OperationType="XPATH", SecondOperand=expression) == value


def test_a_result_is_saved_in_a_variable(tmp_path: Path) -> None:
    options = {"SaveOperationResult": "True", "DestinationType": "Variable", "Destination": "User::Result"}
    task, found = made(tmp_path, OperationType="XSLT", SecondOperand=XSLT, **options)
    task.run(found)
    assert found.read("Result").replace("\n", "") == "1;2;"
    assert failure_of(lambda: task.run(found)).code == 0xC0029277
    task, found = made(
        tmp_path, OperationType="XPATH", SecondOperand="string(//i)", OverwriteDestination="True", **options
    )
    task.run(found)
    assert found.read("Result") == "a"


def test_documents_and_results_are_files(tmp_path: Path) -> None:
    (tmp_path / "in.xml").write_text(XML)
    (tmp_path / "second").write_text(XSLT)
    files = {"SourceType": "FileConnection", "Source": "in.xml", "SecondOperandType": "FileConnection"}
    options = {"SaveOperationResult": "True", "DestinationType": "FileConnection", "Destination": "out"}
    arguments = {"OperationType": "XSLT", "SecondOperand": "second", **files, **options}
    run(tmp_path, **arguments)
    assert (tmp_path / "out").read_text().replace("\n", "") == "1;2;"
    assert failure_of(lambda: run(tmp_path, **arguments)).code == 0xC0029290
    run(tmp_path, OverwriteDestination="True", **arguments)
    (tmp_path / "in.xml").unlink()
    assert failure_of(lambda: run(tmp_path, **arguments)).code == 0xC002928E


def test_properties_without_a_stored_value_have_the_defaults_of_the_class(tmp_path: Path) -> None:
    # Format 8 stores neither that the source and the result are files, nor that the expression is in the task.
    (tmp_path / "in.xml").write_text(XML)
    unset = {"SourceType": "", "SecondOperandType": "", "Source": "in.xml", "Destination": "out"}
    assert run(tmp_path, OperationType="XPATH", SecondOperand="count(//i)", SaveOperationResult="True", **unset) == "2"
    assert (tmp_path / "out").read_bytes() == b"2"
    sheet = XSLT.replace("<xsl:template", '<xsl:output encoding="UTF-16" method="text"/><xsl:template', 1)
    options = {"SaveOperationResult": "True", "OverwriteDestination": "True"}
    run(tmp_path, OperationType="XSLT", SecondOperand=sheet, **options, **unset)
    assert (tmp_path / "out").read_text(encoding="utf-16").replace("\n", "") == "1;2;"


def test_a_document_comes_from_a_variable(tmp_path: Path) -> None:
    given = {"SourceType": "Variable", "Source": "User::Document", "OperationType": "XPATH"}
    assert run(tmp_path, SecondOperand="count(//i)", **given) == "2"


@pytest.mark.parametrize(("document", "valid"), [(XML, True), ("<r><i k='x'/></r>", False), ("<s/>", False)])
def test_validation_with_a_schema(tmp_path: Path, document: str, valid: bool) -> None:
    given = {"OperationType": "Validate", "ValidationType": "XSD", "SecondOperand": XSD, "Source": document}
    task, found = made(tmp_path, **given)
    assert task.run(found) == str(valid).lower()
    assert found.codes("warning") == ([] if valid else [0x8002928D])
    if not valid:
        assert failure_of(lambda: run(tmp_path, FailOnValidationFail="True", **given)).code == 0xC002926D


def test_a_schema_is_the_default_of_a_validation(tmp_path: Path) -> None:
    assert run(tmp_path, OperationType="Validate", SecondOperand=XSD) == "true"


def test_validation_with_a_dtd(tmp_path: Path) -> None:
    dtd = "<!ELEMENT r (i*)><!ELEMENT i (#PCDATA)><!ATTLIST i k CDATA #REQUIRED>"
    given = {"OperationType": "Validate", "ValidationType": "DTD"}
    assert run(tmp_path, SecondOperand=dtd, **given) == "true"
    assert run(tmp_path, Source=f"<!DOCTYPE r [{dtd}]><r><i/></r>", **given) == "false"
    assert failure_of(lambda: run(tmp_path, **given)).code == 0xC002926C


def test_a_style_sheet_reads_no_files(tmp_path: Path) -> None:
    (tmp_path / "secret.xml").write_text("<secret>hidden</secret>")
    sheet = XSLT.replace('select="@k"', f"select=\"document('{tmp_path}/secret.xml')\"")
    failure = failure_of(lambda: run(tmp_path, OperationType="XSLT", SecondOperand=sheet))
    assert "hidden" not in failure.text


@pytest.mark.parametrize(
    ("attributes", "word"),
    [
        ({"OperationType": "Diff"}, "diffgrams"),
        ({"OperationType": "Merge"}, "not documented"),
        ({}, "operation"),
        ({"OperationType": "XPATH", "SourceType": "Other"}, "Other"),
        ({"OperationType": "XPATH", "XPathOperation": "NodeList"}, "NodeList"),
        ({"OperationType": "Validate", "ValidationType": "RNG"}, "RNG"),
    ],
)
def test_what_is_not_supported_is_refused(tmp_path: Path, attributes: dict[str, str], word: str) -> None:
    task, found = made(tmp_path, **attributes)
    assert [word in str(each) for each in task.refusals(found.options)] == [True]


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"OperationType": "XPATH", "SecondOperand": "r["}, 0xC002926B),
        ({"OperationType": "XPATH", "SecondOperand": ""}, 0xC002928F),
        ({"OperationType": "XPATH", "Source": "<r>", "SecondOperand": "1"}, 0xC002928F),
        ({"OperationType": "XSLT", "SecondOperand": "<r/>"}, 0xC002926A),
        ({"OperationType": "Validate", "ValidationType": "XSD", "SecondOperand": "<r/>"}, 0xC002926D),
    ],
)
def test_faults(tmp_path: Path, attributes: dict[str, str], code: int) -> None:
    assert failure_of(lambda: run(tmp_path, **attributes)).code == code

"""For and Foreach loops with every kind of enumerator, in both notations."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.project.package.loops import (
    AdoEnumerator,
    Enumerator,
    FileEnumerator,
    ForeachLoop,
    ForLoop,
    ItemEnumerator,
    NodeListEnumerator,
    OtherEnumerator,
    SchemaRowsetEnumerator,
    SmoEnumerator,
    VariableEnumerator,
    VariableMapping,
)
from tests.support.dtsx_text import old_properties, read_text


def loop(type_: str, inner: str, attributes: str = "") -> ForLoop | ForeachLoop:
    text = f'<DTS:Executables><DTS:Executable DTS:ExecutableType="{type_}" DTS:ObjectName="L" {attributes}>{inner}'
    (container,) = read_text(text + "</DTS:Executable></DTS:Executables>").container.children
    data = container.data()
    assert isinstance(data, ForLoop | ForeachLoop)
    return data


def enumerator(data: str) -> Enumerator | None:
    found = loop(
        "STOCK:FOREACHLOOP",
        f"<DTS:ForEachEnumerator><DTS:ObjectData>{data}</DTS:ObjectData></DTS:ForEachEnumerator>",
    )
    assert isinstance(found, ForeachLoop)
    return found.enumerator


@pytest.mark.parametrize("old", [True, False])
def test_a_for_loop(old: bool) -> None:
    expressions = {"InitExpression": "@i = 0", "EvalExpression": "@i &lt; 4", "AssignExpression": "@i = @i + 1"}
    attributes = "" if old else " ".join(f'DTS:{name}="{value}"' for name, value in expressions.items())
    found = loop("STOCK:FORLOOP", old_properties(**expressions) if old else "", attributes)
    assert isinstance(found, ForLoop)
    assert (found.init_expression, found.eval_expression) == ("@i = 0", "@i < 4")
    assert found.assign_expression == "@i = @i + 1"


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_foreach_loop(wrapped: bool) -> None:
    mapping = '<DTS:ForEachVariableMapping DTS:VariableName="User::File" DTS:ValueIndex="0"/>'
    if not wrapped:
        mapping = f"<DTS:ForEachVariableMapping>{old_properties(VariableName='User::File', ValueIndex='0')}"
        mapping += "</DTS:ForEachVariableMapping>"
    found = loop(
        "STOCK:FOREACHLOOP",
        '<DTS:ForEachEnumerator DTS:CreationName="Microsoft.ForEachFileEnumerator">'
        '<DTS:PropertyExpression DTS:Name="Directory">@[User::Folder]</DTS:PropertyExpression>'
        '<DTS:ObjectData><ForEachFileEnumeratorProperties><FEFEProperty Folder="C:\\in"/>'
        '<FEFEProperty FileSpec="*.csv"/><FEFEProperty FileNameRetrievalType="1"/><FEFEProperty Recurse="-1"/>'
        "</ForEachFileEnumeratorProperties></DTS:ObjectData></DTS:ForEachEnumerator>"
        + (f"<DTS:ForEachVariableMappings>{mapping}</DTS:ForEachVariableMappings>" if wrapped else mapping),
    )
    assert isinstance(found, ForeachLoop)
    assert found.enumerator == FileEnumerator("C:\\in", "*.csv", 1, True)
    assert found.creation_name == "Microsoft.ForEachFileEnumerator"
    assert found.expressions == {"Directory": "@[User::Folder]"}
    assert found.mappings == (VariableMapping("User::File", 0),)


ITEMS = (
    '<FEIEItems><FEIEItem><FEIEItemValue Type="8" Value="a"/><FEIEItemValue Type="3" Value="1"/></FEIEItem>'
    "<FEIEItem/></FEIEItems>"
)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            ITEMS,
            ItemEnumerator((((8, "a"), (3, "1")), ())),
        ),
        (
            '<FEEADO EnumType="EnumerateRowsInFirstTable" VarName="User::Rows"/>',
            AdoEnumerator("EnumerateRowsInFirstTable", "User::Rows"),
        ),
        (
            '<FEESchemaRowset Connection="{1}" Schema="{2}"/>',
            SchemaRowsetEnumerator("{1}", "{2}", {"Connection": "{1}", "Schema": "{2}"}),
        ),
        ('<FEEFVE VariableName="User::List"/>', VariableEnumerator("User::List")),
        ("<FEESMO EnumURN=\"SMOEnumObj[@Name='Databases']\"/>", SmoEnumerator("SMOEnumObj[@Name='Databases']")),
        ('<FEEHDFS Folder="/data"/>', OtherEnumerator({"Folder": "/data"})),
        ("", OtherEnumerator({})),
    ],
)
def test_enumerators(data: str, expected: Enumerator) -> None:
    assert enumerator(data) == expected


def test_a_node_list_enumerator() -> None:
    found = enumerator(
        '<FEENODELIST EnumerationType="ElementCollection" SourceType="FileConnection" SourceDocument="{1}"'
        ' OuterXPathString="//a" InnerXPathString="b"/>'
    )
    assert isinstance(found, NodeListEnumerator)
    assert (found.enumeration_type, found.source_type) == ("ElementCollection", "FileConnection")
    assert (found.source_document, found.outer_xpath, found.inner_xpath) == ("{1}", "//a", "b")


def test_a_foreach_loop_without_an_enumerator() -> None:
    found = loop("STOCK:FOREACHLOOP", "")
    assert isinstance(found, ForeachLoop)
    assert (found.enumerator, found.mappings) == (None, ())

"""Variables, parameters, connection managers, options and the properties of containers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from airflow_provider_ssis.project.errors import InvalidPartError, ProtectedError
from airflow_provider_ssis.project.models import ExecutableKind, ParameterValue
from airflow_provider_ssis.project.package.document import read_dts_package
from airflow_provider_ssis.project.package.options import ConfigurationType
from tests.support.dtsx_text import old_properties, package_text, read_text, task_text


def variable(code: str, value: str, attributes: str = "") -> str:
    return (
        f'<DTS:Variables><DTS:Variable DTS:Namespace="User" DTS:ObjectName="V" {attributes}>'
        f'<DTS:VariableValue DTS:DataType="{code}">{value}</DTS:VariableValue></DTS:Variable></DTS:Variables>'
    )


@pytest.mark.parametrize(
    ("code", "text", "type_", "value"),
    [
        ("8", "north", "String", "north"),
        ("3", "42", "Int32", 42),
        ("11", "-1", "Boolean", True),
        ("11", "0", "Boolean", False),
        ("7", "4/11/2016 10:39:10 AM", "DateTime", datetime(2016, 4, 11, 10, 39, 10)),
        ("7", "10:39:10 PM", "DateTime", datetime(1899, 12, 30, 22, 39, 10)),
        ("5", "1.5", "Double", 1.5),
        ("14", "1.50", "Decimal", Decimal("1.50")),
        ("6", "1.5", "Currency", Decimal("1.5")),
        ("2", "-7", "Int16", -7),
        ("20", "9", "Int64", 9),
        ("17", "255", "Byte", 255),
        ("18", "x", "Char", "x"),
        ("13", "<soap/>", "Object", None),
        ("0", "", "Empty", None),
    ],
)
def test_variables_of_each_type(code: str, text: str, type_: str, value: ParameterValue) -> None:
    (found,) = read_text(variable(code, text)).container.variables
    assert (found.qualified_name, found.data_type, found.value) == ("User::V", type_, value)


def test_the_properties_of_a_variable() -> None:
    attributes = (
        'DTS:EvaluateAsExpression="True" DTS:Expression="1 + 1" DTS:ReadOnly="True" DTS:IncludeInDebugDump="6789"'
        ' DTS:Description="d" DTS:DTSID="{1}"'
    )
    (found,) = read_text(variable("3", "2", attributes)).container.variables
    assert (found.expression, found.evaluate_as_expression) == ("1 + 1", True)
    assert (found.read_only, found.include_in_debug_dump, found.raise_changed_event) == (True, True, False)
    assert (found.description, found.id) == ("d", "{1}")


def test_variables_of_old_formats_and_of_inner_scopes() -> None:
    old = (
        f"<DTS:Variable>{old_properties(Namespace='User', ObjectName='V', ReadOnly='-1')}"
        '<DTS:VariableValue DTS:DataType="8" xml:space="preserve"> </DTS:VariableValue></DTS:Variable>'
    )
    package = read_text(old + task_text("", inner=variable("3", "1")), format_version=3)
    (outer,) = package.container.variables
    assert (outer.qualified_name, outer.value, outer.read_only) == ("User::V", " ", True)
    (inner,) = package.container.children[0].variables
    assert inner.value == 1


@pytest.mark.parametrize(("code", "text"), [("3", "many"), ("99", "1")])
def test_a_value_that_cannot_be_read_is_an_error_only_when_it_is_needed(code: str, text: str) -> None:
    (found,) = read_text(variable(code, text)).container.variables
    assert found.text == text
    with pytest.raises(InvalidPartError, match=r"Load\.dtsx, line 2: the variable User::V has"):
        _ = found.value


def test_parameters() -> None:
    package = read_text(
        '<DTS:PackageParameters><DTS:PackageParameter DTS:DataType="3" DTS:ObjectName="Rows" DTS:Required="True">'
        '<DTS:Property DTS:Name="ParameterValue">500</DTS:Property></DTS:PackageParameter>'
        '<DTS:PackageParameter DTS:DataType="8" DTS:ObjectName="Key" DTS:Sensitive="True">'
        '<DTS:Property DTS:Name="ParameterValue">AQAAANCMnd8BFdERjHoAwE/Cl+sB</DTS:Property></DTS:PackageParameter>'
        '<DTS:PackageParameter DTS:DataType="8" DTS:ObjectName="Plain" DTS:Sensitive="True">'
        '<DTS:Property DTS:Name="ParameterValue">hunter2</DTS:Property></DTS:PackageParameter>'
        "</DTS:PackageParameters>"
    )
    rows, key, plain = package.parameters
    assert (rows.name, rows.data_type, rows.value, rows.required, rows.sensitive) == ("Rows", "Int32", 500, True, False)
    assert (key.encrypted, key.value) == (True, None)
    assert plain.value == "hunter2"
    assert "hunter2" not in repr(package)


def test_parameters_of_format_5() -> None:
    (found,) = read_text(
        '<DTS:PackageParameters><DTS:PackageParameter DTS:DataType="3" DTS:ObjectName="Rows">'
        '<DTS:Property DTS:Name="DefaultValue">7</DTS:Property></DTS:PackageParameter></DTS:PackageParameters>',
        format_version=5,
    ).parameters
    assert found.value == 7


def manager(inner: str, attributes: str = "") -> str:
    return (
        f'<DTS:ConnectionManagers><DTS:ConnectionManager DTS:refId="Package.ConnectionManagers[C]" DTS:ObjectName="C"'
        f" {attributes}>{inner}</DTS:ConnectionManager></DTS:ConnectionManagers>"
    )


def test_a_connection_manager_has_all_its_properties() -> None:
    (found,) = read_text(
        manager(
            '<DTS:PropertyExpression DTS:Name="ServerName">@[User::Server]</DTS:PropertyExpression>'
            '<DTS:ObjectData><DTS:ConnectionManager DTS:ConnectionString="Data Source=a;" DTS:Retain="True">'
            '<DTS:Password DTS:Name="Password" Sensitive="1">hunter2</DTS:Password>'
            '<DTS:Property DTS:Name="Extra">x</DTS:Property></DTS:ConnectionManager></DTS:ObjectData>',
            'DTS:CreationName="ADO.NET:System.Data.SqlClient.SqlConnection, System.Data" DTS:DelayValidation="True"',
        )
    ).connection_managers
    assert (found.kind, found.delay_validation, found.connection_string) == ("ADO.NET", True, "Data Source=a;")
    assert found.properties == {"ConnectionString": "Data Source=a;", "Retain": "True", "Extra": "x"}
    assert (found.secrets, found.expressions) == (("Password",), {"ServerName": "@[User::Server]"})
    assert "Data Source" not in repr(found)


def test_properties_in_nested_elements_belong_to_the_connection_manager() -> None:
    (found,) = read_text(
        manager(
            '<DTS:ObjectData><DTS:ConnectionManager><FtpConnection ServerName="h" ServerPort="21">'
            '<DTS:Property DTS:Name="ServerPassword" Sensitive="1">x</DTS:Property></FtpConnection>'
            "</DTS:ConnectionManager></DTS:ObjectData>",
            'DTS:CreationName="FTP"',
        )
    ).connection_managers
    assert found.properties == {"ServerName": "h", "ServerPort": "21"}
    assert found.secrets == ("ServerPassword",)


@pytest.mark.parametrize("old", [True, False])
def test_the_columns_of_a_flat_file(old: bool) -> None:
    values = {
        "ColumnType": "Delimited",
        "ColumnDelimiter": "_x000D__x000A_",
        "MaximumWidth": "50",
        "DataType": "129",
        "ObjectName": "Name",
    }
    column = f"<DTS:FlatFileColumn>{old_properties(**values, TextQualified='-1')}</DTS:FlatFileColumn>"
    if not old:
        written = " ".join(f'DTS:{name}="{value}"' for name, value in values.items())
        column = f'<DTS:FlatFileColumns><DTS:FlatFileColumn {written} DTS:TextQualified="True"/></DTS:FlatFileColumns>'
    (found,) = read_text(
        manager(
            f"<DTS:ObjectData><DTS:ConnectionManager>{column}</DTS:ConnectionManager></DTS:ObjectData>",
            'DTS:CreationName="FLATFILE"',
        )
    ).connection_managers
    (read,) = found.columns
    assert (read.name, read.delimiter, read.maximum_width, read.data_type) == ("Name", "\r\n", 50, 129)
    assert read.text_qualified


def test_a_container_has_its_properties() -> None:
    (found,) = read_text(
        '<DTS:Executables><DTS:Executable DTS:refId="Package\\S" DTS:ExecutableType="STOCK:SEQUENCE" DTS:ObjectName="S"'
        ' DTS:Disabled="True" DTS:DelayValidation="True" DTS:TransactionOption="2" DTS:ISOLevel="4096"'
        ' DTS:LocaleID="1033" DTS:DisableEventHandlers="True" DTS:MaxErrorCount="0">'
        '<DTS:PropertyExpression DTS:Name="Disable">true</DTS:PropertyExpression>'
        '<DTS:LoggingOptions DTS:LoggingMode="1" DTS:FilterKind="0">'
        '<DTS:Property DTS:Name="EventFilter">2,7,OnError,12,OnTaskFailed</DTS:Property></DTS:LoggingOptions>'
        "</DTS:Executable></DTS:Executables>"
    ).container.children
    assert (found.kind, found.disabled, found.delay_validation) == (ExecutableKind.SEQUENCE, True, True)
    assert (found.transaction_option, found.isolation_level, found.locale_id) == (2, 4096, 1033)
    assert (found.max_error_count, found.disable_event_handlers) == (0, True)
    assert found.expressions == {"Disable": "true"}
    assert found.logging is not None
    assert (found.logging.mode, found.logging.events) == (1, ("OnError", "OnTaskFailed"))
    assert found.data() is None


def test_the_defaults_of_a_container() -> None:
    found = read_text("").container
    assert (found.transaction_option, found.isolation_level, found.locale_id) == (1, 1048576, None)
    assert (found.max_error_count, found.force_execution_result, found.logging) == (1, None, None)


def test_ends_of_precedence_constraints_are_found_by_ids_in_any_case() -> None:
    first = f"<DTS:Executable DTS:ExecutableType='T'>{old_properties(ObjectName='A', DTSID='{ab}')}</DTS:Executable>"
    second = f"<DTS:Executable DTS:ExecutableType='T'>{old_properties(ObjectName='B', DTSID='{CD}')}</DTS:Executable>"
    constraint = (
        f"<DTS:PrecedenceConstraint>{old_properties(Value='0')}"
        '<DTS:Executable IDREF="{AB}" DTS:IsFrom="-1"/><DTS:Executable IDREF="{cd}" DTS:IsFrom="0"/>'
        "</DTS:PrecedenceConstraint>"
    )
    (found,) = read_text(first + second + constraint, format_version=3).container.constraints
    assert (found.source, found.target) == ("\\Package\\A", "\\Package\\B")


def test_configurations_log_providers_and_checkpoints() -> None:
    package = read_text(
        '<DTS:Configurations><DTS:Configuration DTS:ConfigurationType="1" DTS:ConfigurationString="a.dtsConfig"'
        ' DTS:ObjectName="File"/><DTS:Configuration DTS:ConfigurationString="V" DTS:ConfigurationVariable="\\Package"/>'
        '<DTS:Configuration DTS:ConfigurationType="42"/></DTS:Configurations>'
        '<DTS:LogProviders><DTS:LogProvider DTS:ConfigString="Log.txt" DTS:CreationName="Microsoft.LogProviderTextFile"'
        ' DTS:ObjectName="Text" DTS:DTSID="{1}"/></DTS:LogProviders>',
        'DTS:EnableConfig="True" DTS:SaveCheckpoints="True" DTS:CheckpointUsage="1" DTS:CheckpointFileName="c.xml"'
        ' DTS:MaxConcurrentExecutables="4"',
    )
    assert [one.type for one in package.configurations] == [
        ConfigurationType.XML_FILE,
        ConfigurationType.PARENT_VARIABLE,
        42,
    ]
    assert package.configurations[0].string == "a.dtsConfig"
    (provider,) = package.log_providers
    assert (provider.name, provider.config_string) == ("Text", "Log.txt")
    assert (package.enable_configurations, package.max_concurrent_executables) == (True, 4)
    assert (package.save_checkpoints, package.checkpoint_usage, package.checkpoint_file_name) == (True, 1, "c.xml")


def test_a_package_encrypted_as_a_whole_is_rejected() -> None:
    data = b'<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"/>'
    with pytest.raises(ProtectedError, match=r"Load\.dtsx is encrypted as a whole"):
        read_dts_package(data, "Load.dtsx")


def test_the_element_tree_remains_the_source_of_truth() -> None:
    package = read_dts_package(package_text(variable("3", "1")), "Load.dtsx")
    (found,) = package.container.variables
    assert found.element.getroottree().getroot() is package.element

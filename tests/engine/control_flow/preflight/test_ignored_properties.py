"""Nothing that a package stores is ignored silently: each task, loop and component is changed part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from airflow_provider_ssis.engine import UnsupportedError, check_package, run_package
from airflow_provider_ssis.engine.control_flow.connection_values import (
    property_name,
    stored_connection,
    with_property,
)
from airflow_provider_ssis.engine.control_flow.preflight.connection_refusals import connection_refusals
from airflow_provider_ssis.engine.control_flow.preflight.stored_names import ignored_names
from airflow_provider_ssis.engine.control_flow.properties.property_table import can_set, with_data_property
from airflow_provider_ssis.engine.data_flow.plan import plan_data_flow
from airflow_provider_ssis.engine.loading import load_project
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.namespaces import DTS, XML_ENCRYPTION
from airflow_provider_ssis.project.package.connections import read_dts_connection_manager
from airflow_provider_ssis.project.package.containers import DtsContainer
from airflow_provider_ssis.project.package.data_flow import Pipeline, read_pipeline
from airflow_provider_ssis.project.package.document import read_dts_package
from airflow_provider_ssis.project.package.loops import ForeachLoop, ItemEnumerator, OtherEnumerator, SmoEnumerator
from airflow_provider_ssis.project.package.tasks import FtpTask, OtherTask, ScriptTask
from tests.project.builder.flows import COMPONENTS, new_flow
from tests.project.builder.sample import sales_project

_PARTS = ("component", "input", "output", "inputColumn", "outputColumn", "externalMetadataColumn")
_WHOLE = tuple(f"System.{name}" for name in ("Int16", "Int32", "UInt32", "Int64"))
_BOOLEAN_ATTRIBUTES = ("validateExternalMetadata", "hasSideEffects", "isErrorOut", "isSorted", "dangling")
_DISPOSITIONS = ("errorRowDisposition", "truncationRowDisposition")
_SCRIPTS = ("Script", "Script source", "Script destination")


def _refusals(pipeline: Any) -> set[str]:
    plan = plan_data_flow(read_pipeline(pipeline, "Load.dtsx"), "\\Package\\Load", 1033)
    return {str(one) for one in plan.refusals}


def _pipeline(name: str) -> Any:
    project, flow = new_flow()
    COMPONENTS[name][0](flow)
    package = load_project(project.to_ispac()).package("Load.dtsx")
    found = next(data for one in package.container.walk() if isinstance(data := one.data(), Pipeline))
    return found.element


def _component_changes(pipeline: Any, wanted: str) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """Yield for each part of the components of a class: its name, and functions that change and restore it."""
    seen: set[tuple[str, str]] = set()
    for component in pipeline.iter("component"):
        if component.get("name") != wanted:
            continue
        for part in component.iter(*_PARTS):
            if (part.tag, "") not in seen:
                seen.add((part.tag, ""))
                yield f"{part.tag}: another attribute", *_attribute(part, "surprise", "1")
                yield f"{part.tag}: another property", *_property(part)
            for name in (*_BOOLEAN_ATTRIBUTES, *_DISPOSITIONS, "usageType", "externalMetadataColumnId"):
                if part.get(name) is not None and (part.tag, name) not in seen:
                    seen.add((part.tag, name))
                    yield f"{part.tag}: {name}", *_attribute(part, name, "perhaps")
        for stored in component.iter("property"):
            key = (stored.getparent().getparent().tag, stored.get("name"))
            is_typed = stored.get("dataType") in ("System.Boolean", *_WHOLE) and stored.get("containsID") is None
            if is_typed and stored.text and key not in seen:
                seen.add(key)
                yield f"{key[0]}: {key[1]}", *_text(stored, "perhaps")


def _attribute(element: Any, name: str, value: str) -> tuple[Callable[[], None], Callable[[], None]]:
    old = element.get(name)

    def restore() -> None:
        if old is None:
            del element.attrib[name]
        else:
            element.set(name, old)

    return lambda: element.set(name, value), restore


def _text(element: Any, value: str) -> tuple[Callable[[], None], Callable[[], None]]:
    old = element.text

    def put(text: str) -> Callable[[], None]:
        return lambda: setattr(element, "text", text)

    return put(value), put(old)


def _property(part: Any) -> tuple[Callable[[], None], Callable[[], None]]:
    properties = part.find("properties")
    holder = part if properties is None else properties
    added = etree.Element("property", dataType="System.String", name="Surprise")
    added.text = "1"
    if properties is None:
        added, inner = etree.Element("properties"), added
        added.append(inner)
    return lambda: holder.append(added), lambda: holder.remove(added)


@pytest.mark.parametrize("name", [name for name in COMPONENTS if name not in _SCRIPTS])
def test_each_part_of_a_component_is_known_or_refused(name: str) -> None:
    pipeline = _pipeline(name)
    before = _refusals(pipeline)
    component = _tested(pipeline, name)
    ignored = []
    for what, change, restore in _component_changes(pipeline, component):
        change()
        if _refusals(pipeline) <= before:
            ignored.append(what)
        restore()
    assert not ignored
    assert _refusals(pipeline) == before


def _tested(pipeline: Any, name: str) -> str:
    """The name of the component that a builder of a flow adds: not its plain source or target."""
    names: list[str] = [one.get("name") for one in pipeline.iter("component")]
    others = {"Read", "One", "Two", "Photos", "Months"}
    return next((one for one in names if one not in others and not one.startswith("Write ")), names[0])


# --- tasks and loops


def _stored(container: DtsContainer) -> list[Any]:
    """The elements with the data of a task, or of the enumerator of a loop."""
    path = f"{DTS}ObjectData/*" if container.kind.name == "TASK" else f"{DTS}ForEachEnumerator/{DTS}ObjectData/*"
    return list(container.element.iterfind(path))


def _with_data() -> dict[str, DtsContainer]:
    """The tasks and loops of a package with each of them that stores data, by type."""
    package = load_project(sales_project().to_ispac()).package("Load.dtsx")
    found: dict[str, DtsContainer] = {}
    for one in package.container.walk():
        data = one.data()
        is_skipped = isinstance(data, (OtherTask, ScriptTask, Pipeline)) or (
            isinstance(data, ForeachLoop) and isinstance(data.enumerator, (OtherEnumerator, SmoEnumerator))
        )
        for element in () if is_skipped else _stored(one):
            found.setdefault(str(element.tag).rpartition("}")[2], one)
    return found


STORED = _with_data()
"""By the name of the element: Bulk Insert and the schema rowset check their properties themselves."""


@pytest.mark.parametrize("name", sorted(STORED.keys() - {"BulkInsertTaskData", "FEESchemaRowset"}))
def test_each_part_of_a_task_or_loop_is_known_or_refused(name: str) -> None:
    container = STORED[name]
    data = container.data()
    assert not list(ignored_names(container, data))
    (element,) = _stored(container)
    changes = []
    for part in element.iter("*"):
        if not (part is element and len(part) and name == "FEIEItems"):
            changes.append(_attribute(part, "Surprise", "1"))
        changes += [_attribute(part, key, "perhaps") for key, text in part.attrib.items() if text in ("True", "False")]
        if text := (part.text or "").strip():
            changes += [_text(part, "perhaps")] if text in ("True", "False") else []
    if name == "ExecutePackageTask":  # its properties are elements
        changes = [one for one, part in zip(changes, element.iter("*"), strict=False) if part is element]
        changes += [_text(part, "perhaps") for part in element if part.text in ("True", "False")]
    for change, restore in changes:
        change()
        assert list(ignored_names(container, data)), etree.tostring(element)
        restore()
    added = etree.SubElement(element, "Surprise")
    added.text = "1"
    assert name == "FEENODELIST" or list(ignored_names(container, data))
    element.remove(added)


def test_the_encrypted_password_of_a_child_package_is_known() -> None:
    container = STORED["ExecutePackageTask"]
    (element,) = _stored(container)
    password = etree.SubElement(element, f"{XML_ENCRYPTION}EncryptedData", Id="PackagePassword")
    etree.SubElement(password, f"{XML_ENCRYPTION}CipherData").text = "AAEC"
    try:
        assert not list(ignored_names(container, container.data()))
    finally:
        element.remove(password)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("SQLTask:TypeConversionMode", "Some"), ("SQLTask:BypassPrepare", "perhaps"), ("SQLTask:Surprise", "1")],
)
def test_a_run_is_refused_before_anything_runs(tmp_path: Path, attribute: str, value: str) -> None:
    package = PackageBuilder("P")
    mart = package.connection_managers.add_oledb("Mart", "Provider=SQLNCLI11;Data Source=.;")
    package.add_execute_sql("Load", mart, "SELECT 1")
    text = package.to_bytes().replace(b"<SQLTask:SqlTaskData ", f'<SQLTask:SqlTaskData {attribute}="{value}" '.encode())
    (tmp_path / "P.dtsx").write_bytes(text)
    with pytest.raises(UnsupportedError, match=attribute.partition(":")[2]):
        run_package(tmp_path / "P.dtsx")


@pytest.mark.parametrize(("result", "is_refused"), [("SingleRow", True), ("None", False)])
def test_results_that_must_not_be_converted_are_refused(tmp_path: Path, result: str, is_refused: bool) -> None:
    package = PackageBuilder("P")
    mart = package.connection_managers.add_oledb("Mart", "Provider=SQLNCLI11;Data Source=.;")
    count = package.add_variable("Count", 0)
    results = {"0": count} if is_refused else None
    package.add_execute_sql("Load", mart, "SELECT 1", results=results, result_type=result)
    mode = b'<SQLTask:SqlTaskData SQLTask:TypeConversionMode="None" '
    (tmp_path / "P.dtsx").write_bytes(package.to_bytes().replace(b"<SQLTask:SqlTaskData ", mode))
    assert check_package(tmp_path / "P.dtsx")[0].can_run is not is_refused


@pytest.mark.parametrize(
    ("name", "value"), [("FailPackageOnFailure", "True"), ("ForceExecutionResult", "0"), ("FailParentOnFailure", "-1")]
)
def test_properties_without_effect_on_an_event_handler_are_refused(tmp_path: Path, name: str, value: str) -> None:
    package = PackageBuilder("P")
    handler = package.event_handler("OnError")
    handler.add_sequence("S")
    handler.set_attributes({"LocaleID": "1031"})
    assert check_package(package.save(tmp_path))[0].can_run
    handler.set_attributes({"LocaleID": "German"})
    (refusal,) = check_package(package.save(tmp_path))[0].refusals
    assert refusal.what == "the property LocaleID with the value 'German'"
    handler.set_attributes({"LocaleID": "-1", name: value})
    (refusal,) = check_package(package.save(tmp_path))[0].refusals
    assert name in refusal.what


def test_event_handlers_of_event_handlers_are_refused(tmp_path: Path) -> None:
    package = PackageBuilder("P")
    package.event_handler("OnError").add_sequence("S")
    root = etree.fromstring(package.to_bytes())
    handlers = next(root.iter(f"{DTS}EventHandlers"))
    handlers[0].append(etree.fromstring(etree.tostring(handlers)))
    (tmp_path / "P.dtsx").write_bytes(etree.tostring(root))
    (refusal,) = check_package(tmp_path / "P.dtsx")[0].refusals
    assert refusal.what == "its event handlers"


@pytest.mark.parametrize(("name", "value"), [("runInOptimizedMode", "perhaps"), ("surprise", "1")])
def test_attributes_of_a_data_flow_are_known_or_refused(name: str, value: str) -> None:
    pipeline = _pipeline("Sort")
    pipeline.set(name, value)
    assert any(name in one for one in _refusals(pipeline))


def test_ambiguous_outputs_are_refused() -> None:
    for component, name, value in (
        ("Conditional Split", "EvaluationOrder", "0"),
        ("Conditional Split", "IsDefaultOut", "true"),
        ("Percentage Sampling", "Selected", "true"),
        ("Row Sampling", "Selected", "false"),
    ):
        pipeline = _pipeline(component)
        for output in list(pipeline.iter("output")):
            for stored in output.iter("property"):
                if stored.get("name") == name:
                    stored.text = value
            if name == "IsDefaultOut" and output.get("isErrorOut") is None and "Split" in output.get("refId"):
                output.set("isDefaultOut", "true")
        assert _refusals(pipeline), (component, name)


def test_property_mappings_of_a_loop_are_refused(tmp_path: Path) -> None:
    package = PackageBuilder("P")
    package.add_foreach_loop("Outer", ItemEnumerator((((3, "1"),),))).add_foreach_loop("Loop", ItemEnumerator(()))
    text = package.to_bytes()
    end = text.rindex(b"</DTS:ForEachEnumerator>") + len(b"</DTS:ForEachEnumerator>")
    (tmp_path / "P.dtsx").write_bytes(text[:end] + b"<DTS:ForEachPropertyMapping/>" + text[end:])
    (checked,) = check_package(tmp_path / "P.dtsx")
    assert [(one.where, one.what) for one in checked.refusals] == [
        ("\\Package\\Outer\\Loop", "the property mapping of the loop")
    ]


# --- property expressions and connection managers


@pytest.mark.parametrize(
    "name",
    [
        "[Read].SqlCommand",
        "[Read]",
        "[Read].[Surprise]",
        " [Nothing].[SqlCommand]",
        "[Read].[OLE DB Source Output].[Surprise]",
        "BufferTempStoragePath",
    ],
)
def test_expressions_of_a_data_flow_that_set_nothing_are_refused(name: str) -> None:
    project, flow = new_flow()
    flow.end(flow.source())
    flow.flow.task.set_expression(name, '"x"')
    (checked,) = check_package(load_project(project.to_ispac()))
    assert [name.strip() in one.what for one in checked.refusals] == [True]


@pytest.mark.parametrize(
    ("task", "name", "is_known"),
    [
        ("FtpData", "OverwriteDestination", True),
        ("FtpData", "Surprise", False),
        ("BulkInsertTaskData", "MaximumErrors", True),
        ("BulkInsertTaskData", "FormatFile", False),
        ("FEEADO", "Type", True),
        ("FEENODELIST", "SourceType", True),
        ("FEENODELIST", "Surprise", False),
    ],
)
def test_only_properties_that_the_engine_reads_have_expressions(task: str, name: str, is_known: bool) -> None:
    data = STORED[task].data()
    target = data.enumerator if isinstance(data, ForeachLoop) else data
    assert can_set(target, name) is is_known
    if is_known:
        assert with_data_property(target, name, "1") != target
    else:
        with pytest.raises(ValueError, match=name):
            with_data_property(target, name, "1")


@pytest.mark.parametrize(("stored", "given"), [("True", False), ("False", True)])
def test_an_expression_replaces_the_stored_option_to_overwrite(stored: str, given: bool) -> None:
    data = STORED["FtpData"].data()
    assert isinstance(data, FtpTask)
    data = replace(data, properties={**data.properties, "TaskOverwriteFileAtDest": stored})
    changed = with_data_property(data, "OverwriteFileAtDestination", given)
    assert [text for name, text in changed.properties.items() if "overwrite" in name.lower()] == [str(given)]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("DataRowsToSkip", "many"),
        ("HeaderRowsToSkip", "-1"),
        ("CodePage", "utf-8"),
        ("Unicode", "perhaps"),
        ("ColumnNamesInFirstDataRow", "yes"),
        ("Format", "Free"),
        ("Surprise", "1"),
        ("LocaleID", "English"),
        ("TextQualified", "perhaps"),
    ],
)
def test_wrong_values_of_a_flat_file_are_refused(tmp_path: Path, attribute: str, value: str) -> None:
    package = PackageBuilder("P")
    file = package.connection_managers.add_flat_file("File", "in.csv", [FlatFileColumn("City", length=30)])
    flow = package.add_data_flow("Load")
    source = flow.add_flat_file_source("Read", file)
    flow.add_recordset_destination("Keep", source.output, package.add_variable("Rows"))
    root = etree.fromstring(package.to_bytes())
    stored = next(one for one in root.iter(f"{DTS}ConnectionManager") if one.get(f"{DTS}Format") is not None)
    path = tmp_path / "P.dtsx"
    stored.set(f"{DTS}ConnectByProxy", "False")
    path.write_bytes(etree.tostring(root))
    assert check_package(path)[0].can_run
    owner, whose = stored, ""
    if attribute == "TextQualified":
        owner, whose = next(stored.iter(f"{DTS}FlatFileColumn")), " of the column 'City'"
    owner.set(f"{DTS}{attribute}", value)
    path.write_bytes(etree.tostring(root))
    (refusal,) = check_package(path)[0].refusals
    assert refusal.what == f"the property {attribute}{whose} with the value {value!r}"
    file.set_expression("Surprise" if attribute == "Surprise" else "Name", '"x"')
    (refusal,) = check_package(package.save(tmp_path))[0].refusals
    assert "expression" in refusal.what


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [("oledb", "Retain", "perhaps"), ("file", "FileUsageType", "9"), ("oledb", "Retain", "1")],
)
def test_wrong_values_of_a_connection_manager_are_refused(tmp_path: Path, kind: str, name: str, value: str) -> None:
    package = PackageBuilder("P")
    managers = package.connection_managers
    mart = managers.add_oledb("Mart", "Provider=SQLNCLI11;Data Source=.;")
    file = managers.add_file("File", "load.sql")
    package.add_execute_sql("Load", mart, file, source_type="FileConnection")
    root = etree.fromstring(package.to_bytes())
    stored = {one.get(f"{DTS}CreationName"): one for one in root.iter(f"{DTS}ConnectionManager")}
    next(iter(stored[kind.upper()].iterfind(f"{DTS}ObjectData/{DTS}ConnectionManager"))).set(f"{DTS}{name}", value)
    (tmp_path / "P.dtsx").write_bytes(etree.tostring(root))
    assert [one.what for one in check_package(tmp_path / "P.dtsx")[0].refusals] == (
        [] if value == "1" else [f"the property {name} with the value {value!r}"]
    )


_INNER = {
    "OLEDB": "Data Source=.;Provider=SQLNCLI11;",
    "ADO.NET:SQL": "Data Source=.;",
    "ODBC": "DSN=Mart;",
    "FTP": "files:21",
    "SMTP": "SmtpServer=mail;",
    "FILE": "load.sql",
    "EXCEL": "Provider=Microsoft.ACE.OLEDB.12.0;Data Source=book.xlsx;",
}
_KNOWN_INSIDE = {
    "OLEDB": '<DTS:Password DTS:Name="Password" Sensitive="1">x</DTS:Password>',
    "ADO.NET:SQL": '<DTS:Password DTS:Name="PWD" Sensitive="1">x</DTS:Password>',
    "ODBC": '<DTS:Password DTS:Name="pwd" Sensitive="1">x</DTS:Password>',
    "FTP": '<DTS:FtpConnection DTS:ServerName="files" DTS:ServerUserName="etl" DTS:UsePassiveMode="True"><DTS:Property'
    ' DTS:Name="ServerPassword" Sensitive="1">x</DTS:Property></DTS:FtpConnection>',
}


@pytest.mark.parametrize("kind", _INNER)
@pytest.mark.parametrize("is_old", [False, True])
def test_unknown_stored_properties_of_connection_managers_are_refused(kind: str, is_old: bool) -> None:
    def manager(inner: str, values: dict[str, str]) -> Any:
        written = "".join(f' DTS:{name}="{text}"' for name, text in values.items() if not is_old)
        properties = "".join(
            f'<DTS:Property DTS:Name="{name}">{text}</DTS:Property>' for name, text in values.items() if is_old
        )
        text = (
            f'<DTS:ConnectionManager xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:ObjectName="C"'
            f' DTS:CreationName="{kind}"><DTS:ObjectData><DTS:ConnectionManager{written}>{properties}{inner}'
            "</DTS:ConnectionManager></DTS:ObjectData></DTS:ConnectionManager>"
        )
        return read_dts_connection_manager(etree.fromstring(text), "C.conmgr")

    stored = {"ConnectionString": _INNER[kind], "Retain": "True" if is_old else ""}
    if kind in ("OLEDB", "EXCEL"):
        stored |= {"ConnectRetryCount": "1", "ConnectRetryInterval": "5"}
    known = _KNOWN_INSIDE.get(kind, "")
    assert not list(connection_refusals("C", manager(known, stored)))
    for name in ("RetainSameConnection", "Port", "retain"):
        (refusal,) = connection_refusals("C", manager(known, {**stored, name: "1"}))
        assert refusal.what == f"the stored property {name}"
    (refusal,) = connection_refusals("C", manager(f"{known}<Surprise>1</Surprise>", stored))
    assert refusal.what == "the stored property Surprise"


@pytest.mark.parametrize("name", ["ExcelVersionNumber", "OfflineMode", "ID"])
def test_properties_of_connection_managers_that_cannot_be_set_are_unknown(name: str) -> None:
    package = PackageBuilder("P")
    package.connection_managers.add_excel("Book", "book.xlsx")
    (stored,) = read_dts_package(package.to_bytes(), "P.dtsx").connection_managers
    assert property_name(stored, name) is None


def test_a_description_of_a_connection_manager_changes_nothing() -> None:
    package = PackageBuilder("P")
    package.connection_managers.add_oledb("Mart", "Provider=SQLNCLI11;Data Source=.;")
    (stored,) = read_dts_package(package.to_bytes(), "P.dtsx").connection_managers
    for name in ("Description", "DelayValidation", "ProtectionLevel", "ConnectByProxy"):
        assert property_name(stored, name) == name
        assert with_property(stored_connection(stored), name, "x") == stored_connection(stored)


# --- executables, variables, connection managers and their parts


def _with_all_elements() -> Any:
    package = PackageBuilder("P")
    turn = package.add_variable("Turn", "")
    package.add_parameter("Region", "North")
    file = package.connection_managers.add_flat_file("File", "in.csv", [FlatFileColumn("City", length=30)])
    cache = package.connection_managers.add_cache("Cache", [Column("key", "DT_WSTR", length=30)], ["key"])
    flow = package.add_data_flow("Load")
    flow.add_cache_transform("Fill", flow.add_flat_file_source("Read", file).output, cache, mappings={"City": "key"})
    each = package.add_foreach_loop("Each", ItemEnumerator((((8, "1"),),)), mappings=[turn])
    package.connect(flow.task, each)
    package.add_for_loop("Count", '@Turn == ""')
    package.event_handler("OnError").add_sequence("S")
    return etree.fromstring(package.to_bytes())


_ELEMENTS = (
    "Executable Variable VariableValue PackageParameter PrecedenceConstraint EventHandler ForEachEnumerator"
    " ForEachVariableMapping ConnectionManager FlatFileColumn CacheColumn"
).split()


@pytest.mark.parametrize("form", ["attribute", "property", "element"])
def test_unknown_properties_and_elements_are_refused_by_name(tmp_path: Path, form: str) -> None:
    root = _with_all_elements()
    path = tmp_path / "P.dtsx"
    path.write_bytes(etree.tostring(root))
    assert not check_package(path)[0].refusals
    for name in _ELEMENTS:
        for element in list(root.iter(f"{DTS}{name}")):
            if element.getparent() is not None and element.getparent().tag == f"{DTS}ObjectData":
                continue  # the properties of a type of connection managers
            if form == "attribute":
                element.set(f"{DTS}Surprise", "1")
            elif name == "VariableValue":
                continue
            else:
                tag = "Property" if form == "property" else "Surprise"
                added = etree.SubElement(element, f"{DTS}{tag}", {f"{DTS}Name": "Surprise"})
                added.text = "1"
            path.write_bytes(etree.tostring(root))
            refusals = check_package(path)[0].refusals
            assert ["Surprise" in one.what for one in refusals] == [True], (name, element.attrib, refusals)
            if form == "attribute":
                del element.attrib[f"{DTS}Surprise"]
            else:
                element.remove(added)


def test_properties_that_a_server_would_apply_are_refused_unless_they_are_off(tmp_path: Path) -> None:
    for value, is_refused in (("False", False), ("0", False), ("True", True)):
        package = PackageBuilder("P")
        package.set_attributes({"EncryptCheckpoints": value})
        assert bool(check_package(package.save(tmp_path))[0].refusals) is is_refused


def test_the_option_of_an_ftp_task_to_overwrite_has_the_name_of_the_designer(tmp_path: Path) -> None:
    package = PackageBuilder("P")
    connection = package.connection_managers.add_ftp("Ftp", "example.com")
    local = package.add_variable("Local", "C:\\data", data_type="String")
    package.add_ftp("Get", connection, "Receive", remote_path="/in/a.csv", local_path=local)
    root = etree.fromstring(package.to_bytes())
    for name, is_refused in (("TaskOverwriteDest", False), ("Surprise", True)):
        next(root.iter("FtpData")).set(name, "True")
        path = tmp_path / "P.dtsx"
        path.write_bytes(etree.tostring(root))
        assert [name in one.what for one in check_package(path)[0].refusals] == [True] * is_refused

"""Facts about what exists: the signatures of procedures, the columns of views, functions and types."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from airflow_provider_ssis.verify.facts import Fact, Finding
from airflow_provider_ssis.verify.probe import Probe
from airflow_provider_ssis.verify.signatures import SIGNATURES
from airflow_provider_ssis.verify.view_columns import VIEW_COLUMNS

_FUNCTIONS = {
    "dm_execution_performance_counters": "TF IF",
    "get_operation_log_size": "FN FS",
    "get_version_log_size": "FN FS",
}
_TYPE_COLUMNS = ("name nvarchar(260) not null", "package_data varbinary(max)")
_KIND = "TYPE_NAME(c.user_type_id), c.max_length, c.precision, c.scale"


def shape_facts() -> Iterator[Fact]:
    """A fact for each procedure, view, function and type."""
    for name, parameters in SIGNATURES.items():
        yield Fact(
            f"signatures.{name}",
            f"catalog.{name} has the parameters ({', '.join(parameters)}).",
            partial(_signature, name, parameters),
        )
    for name, columns in VIEW_COLUMNS.items():
        yield Fact(f"views.{name}", f"catalog.{name} has {len(columns)} columns.", partial(_view, name, columns))
    for name, kinds in _FUNCTIONS.items():
        yield Fact(f"functions.{name}", f"catalog.{name} is a function.", partial(_function, name, kinds.split()))
    yield Fact("types.package_table_type", "catalog.Package_Table_Type has two columns.", _package_table_type)


def _signature(name: str, parameters: tuple[str, ...], probe: Probe) -> Finding:
    probe.require_2019()
    found = probe.rows(
        f"SELECT c.name, {_KIND}, c.is_output FROM sys.parameters AS c "
        "JOIN sys.objects AS o ON o.object_id = c.object_id "
        "WHERE SCHEMA_NAME(o.schema_id) = 'catalog' AND o.name = :name ORDER BY c.parameter_id;",
        name=name,
    )
    exists = bool(found) or probe.value("SELECT OBJECT_ID(:name);", name=f"catalog.{name}") is not None
    if not exists:
        return Finding(parameters, "there is no such procedure")
    shown = tuple(f"{each} {kind_text(*kind)}" + (" output" if out else "") for each, *kind, out in found)
    return Finding(_folded(parameters), _folded(shown))


def _view(name: str, columns: tuple[str, ...], probe: Probe) -> Finding:
    probe.require_2019()
    found = probe.rows(
        f"SELECT c.name, {_KIND}, c.is_nullable FROM sys.columns AS c JOIN sys.views AS o ON o.object_id = c.object_id "
        "WHERE SCHEMA_NAME(o.schema_id) = 'catalog' AND o.name = :name ORDER BY c.column_id;",
        name=name,
    )
    if not found:
        return Finding(columns, "there is no such view")
    shown = tuple(f"{each} {kind_text(*kind)}" + ("" if null else " not null") for each, *kind, null in found)
    return _difference(columns, shown)


def _difference(expected: tuple[str, ...], found: tuple[str, ...]) -> Finding:
    """Only what differs, since a view may have thirty columns."""
    wanted, shown = _folded(expected), _folded(found)
    if wanted == shown:
        return Finding(f"{len(wanted)} columns", f"{len(shown)} columns")
    missing = [each for each in wanted if each not in shown]
    further = [each for each in shown if each not in wanted]
    return Finding(missing or "this order", further or shown)


def _function(name: str, kinds: list[str], probe: Probe) -> Finding:
    probe.require_2019()
    found = probe.value(
        "SELECT RTRIM(o.type) FROM sys.objects AS o WHERE SCHEMA_NAME(o.schema_id) = 'catalog' AND o.name = :name;",
        name=name,
    )
    return Finding("a function", "a function" if found in kinds else found or "there is no such function")


def _package_table_type(probe: Probe) -> Finding:
    probe.require_2019()
    found = probe.rows(
        f"SELECT c.name, {_KIND}, c.is_nullable FROM sys.columns AS c "
        "JOIN sys.table_types AS t ON t.type_table_object_id = c.object_id "
        "WHERE SCHEMA_NAME(t.schema_id) = 'catalog' AND t.name = 'Package_Table_Type' ORDER BY c.column_id;"
    )
    shown = tuple(f"{each} {kind_text(*kind)}" + ("" if null else " not null") for each, *kind, null in found)
    return Finding(_TYPE_COLUMNS, shown)


def kind_text(name: str, length: int, precision: int, scale: int) -> str:
    """A type as it is declared, from the columns of ``sys.parameters`` or ``sys.columns``."""
    if name == "sysname":
        return "nvarchar(128)"
    if name in ("nvarchar", "nchar"):
        return f"{name}({'max' if length == -1 else length // 2})"
    if name in ("varchar", "char", "varbinary", "binary"):
        return f"{name}({'max' if length == -1 else length})"
    if name in ("decimal", "numeric"):
        return f"{name}({precision},{scale})"
    if name in ("datetimeoffset", "datetime2", "time"):
        return f"{name}({scale})"
    return name


def _folded(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        text.lower().replace("float(53)", "float").replace("package_table_type readonly", "package_table_type")
        for text in texts
    )

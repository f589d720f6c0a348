"""Code for connection managers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lxml import etree

from airflow_provider_ssis.project.builder.caches import stored_cache_columns
from airflow_provider_ssis.project.builder.connections import SQL_CLIENT, ConnectionManagers
from airflow_provider_ssis.project.builder.flat_files import stored_flat_file
from airflow_provider_ssis.project.builder_code.calls import Code, Ref
from airflow_provider_ssis.project.builder_code.equality import differences, is_secret_element
from airflow_provider_ssis.project.connection_strings import connection_pairs
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.elements import is_true

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.package.connections import DtsConnectionManager

_USAGES = ("existing file", "create file", "existing folder", "create folder")
_FLAT_FILE = {
    "column_delimiter": ",",
    "row_delimiter": "\r\n",
    "file_format": "Delimited",
    "header": True,
    "header_rows_to_skip": 0,
    "data_rows_to_skip": 0,
    "text_qualifier": "<none>",
    "code_page": 65001,
    "unicode": False,
    "locale_id": 1033,
}
"""The arguments of a flat file with their defaults."""


def connection_code(code: Code, owner: Ref, found: DtsConnectionManager) -> Ref:
    """Write the code for a connection manager.

    :param code: the program.
    :param owner: the connection managers of the package or project.
    :param found: the connection manager.
    :returns: the object that the code makes.
    :raises BuildError: it contains a password.
    """
    original = found.element.find(f"{DTS}ObjectData/*")
    made = _typed(code, owner, found, original)
    if made is None:
        data = "" if original is None else _without_secrets(original)
        made = code.call(owner, "add_stored", found.name, found.creation_name, data, into=found.name)
    if found.id:
        code.assign(made, "id", found.id)
    if found.description:
        code.assign(made, "description", found.description)
    if found.delay_validation:
        code.assign(made, "delay_validation", True)
    for name, expression in found.expressions.items():
        code.call(made, "set_expression", name, expression)
    if found.secrets:
        code.comment(f"Not stored: {', '.join(found.secrets)} of {found.name}. Set the value on the server.")
    return made


def _typed(code: Code, owner: Ref, found: DtsConnectionManager, original: _Element | None) -> Ref | None:
    """Write the call of the method for the type; None if no method makes an equal connection manager."""
    start = code.mark()
    text = found.connection_string
    retain = {"retain": True} if is_true(found.properties.get("Retain")) else {}
    try:
        if found.kind == "OLEDB":
            made = code.call(owner, "add_oledb", found.name, text, into=found.name, **retain)
        elif found.kind == "ADO.NET":
            provider = found.creation_name.partition(":")[2]
            given = {} if provider == SQL_CLIENT else {"provider": provider}
            made = code.call(owner, "add_ado_net", found.name, text, into=found.name, **given, **retain)
        elif found.kind == "ODBC":
            made = code.call(owner, "add_odbc", found.name, text, into=found.name, **retain)
        elif found.kind == "FILE":
            usage = found.properties.get("FileUsageType") or "0"
            given = {} if usage == "0" else {"usage": _USAGES[int(usage)]}
            made = code.call(owner, "add_file", found.name, text, into=found.name, **given)
        elif found.kind == "FLATFILE":
            flat = stored_flat_file(found)
            if flat is None:
                return None
            arguments = {
                name: getattr(flat, name) for name, default in _FLAT_FILE.items() if getattr(flat, name) != default
            }
            made = code.call(owner, "add_flat_file", found.name, text, list(flat.columns), into=found.name, **arguments)
        else:
            method, arguments = _ARGUMENTS[found.kind](found)
            made = code.call(owner, method, found.name, into=found.name, **arguments)
    except (BuildError, ValueError, LookupError):
        _undo(code, owner, found, start)
        return None
    if original is None or differences(original, made.value.inner[0], found.part):
        _undo(code, owner, found, start)
        return None
    return made


def _excel(found: DtsConnectionManager) -> tuple[str, dict[str, Any]]:
    pairs = connection_pairs(found.connection_string)
    arguments: dict[str, Any] = {"path": pairs["data source"]}
    if "HDR=NO" in pairs["extended properties"].upper():
        arguments["header"] = False
    if pairs["provider"] != "Microsoft.ACE.OLEDB.12.0":
        arguments["provider"] = pairs["provider"]
    return "add_excel", arguments


def _smtp(found: DtsConnectionManager) -> tuple[str, dict[str, Any]]:
    pairs = connection_pairs(found.connection_string)
    arguments: dict[str, Any] = {"server": pairs["smtpserver"]}
    for name, argument in (("usewindowsauthentication", "use_windows_authentication"), ("enablessl", "enable_ssl")):
        if is_true(pairs.get(name)):
            arguments[argument] = True
    if "timeout" in pairs:
        arguments["timeout"] = int(pairs["timeout"])
    return "add_smtp", arguments


def _ftp(found: DtsConnectionManager) -> tuple[str, dict[str, Any]]:
    stored = found.properties
    server, _, port = found.connection_string.rpartition(":")
    arguments: dict[str, Any] = {"server": server}
    if port != "21":
        arguments["port"] = int(port)
    if "ServerUserName" in stored:
        arguments["user"] = stored["ServerUserName"]
    if is_true(stored.get("UsePassiveMode")):
        arguments["use_passive_mode"] = True
    for name, argument in (("Timeout", "timeout"), ("Retries", "retries"), ("ChunkSize", "chunk_size")):
        if name in stored:
            arguments[argument] = int(stored[name])
    return "add_ftp", arguments


def _cache(found: DtsConnectionManager) -> tuple[str, dict[str, Any]]:
    indexed = sorted(
        (each for each in found.cache_columns if each.index_position), key=lambda each: each.index_position
    )
    arguments: dict[str, Any] = {
        "columns": list(stored_cache_columns(found)),
        "keys": [each.name for each in indexed],
    }
    if found.connection_string:
        arguments["path"] = found.connection_string
    return "add_cache", arguments


_ARGUMENTS: Mapping[str, Callable[[DtsConnectionManager], tuple[str, dict[str, Any]]]] = {
    "EXCEL": _excel,
    "SMTP": _smtp,
    "FTP": _ftp,
    "CACHE": _cache,
}
"""The method and its arguments by type of connection manager."""


def _undo(code: Code, owner: Ref, found: DtsConnectionManager, start: tuple[int, frozenset[str]]) -> None:
    managers = owner.value
    if isinstance(managers, ConnectionManagers):
        managers.discard(found.name)
    code.undo(start)


def _without_secrets(element: _Element) -> str:
    root = etree.fromstring(etree.tostring(element, with_tail=False))
    for each in list(root.iter(etree.Element)):
        parent = each.getparent()
        if parent is not None and is_secret_element(each):
            parent.remove(each)
    return etree.tostring(root, encoding="unicode")

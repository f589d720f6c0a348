"""Code for connection managers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.builder.connections import SQL_CLIENT, ConnectionManagers
from airflow_provider_ssis.project.builder.flat_files import stored_flat_file
from airflow_provider_ssis.project.builder_code.calls import Code, Ref
from airflow_provider_ssis.project.builder_code.equality import differences, is_secret_element
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
            return None
    except (BuildError, ValueError, IndexError):
        _undo(code, owner, found, start)
        return None
    if original is None or differences(original, made.value.inner[0], found.part):
        _undo(code, owner, found, start)
        return None
    return made


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

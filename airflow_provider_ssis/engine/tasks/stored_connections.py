"""The types of connection managers as a package stores them, for checks before anything runs."""

from __future__ import annotations

from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.connections import read_dts_connection_manager
from airflow_provider_ssis.project.package.containers import DtsContainer


def stored_kind(container: DtsContainer, reference: str) -> str:
    """Return the type of a connection manager of the package: ``FILE``, ``OLEDB``, ...; empty if it has none such.

    :param container: a task of the package.
    :param reference: the GUID, refId or name of the manager. Those of the project are not in the package.
    """
    wanted = reference.strip().upper()
    for element in container.element.getroottree().getroot().iter(f"{DTS}ConnectionManager"):
        parent = element.getparent()
        if parent is not None and parent.tag == f"{DTS}ObjectData":
            continue
        found = read_dts_connection_manager(element, container.part)
        if wanted in (found.id.upper(), found.ref_id.upper(), found.name.upper()):
            return found.kind
    return ""

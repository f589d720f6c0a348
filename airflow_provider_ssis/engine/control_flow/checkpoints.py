"""Checkpoints: a package that failed is started again where it failed.

The file lists what has succeeded, with the values of the variables. Tasks and sequences outside of loops and
transactions are listed; a loop is always run again. Source: "Restart Packages by Using Checkpoints".
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from lxml import etree

from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.transactions import REQUIRED
from airflow_provider_ssis.engine.control_flow.values import stored_value
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.datatypes import VARIABLE_TYPES
from airflow_provider_ssis.project.dts import dts_text
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.models import ExecutableKind
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.containers import DtsContainer
from airflow_provider_ssis.project.safe_xml import parse_xml

NEVER, IF_EXISTS, ALWAYS = 0, 1, 2
NOT_SPECIFIED: Final = 0xC001F081
NOT_LOADED: Final = 0xC001F083
MISMATCH: Final = 0xC0016049
EXISTS: Final = 0xC001604A
NOT_CREATED: Final = 0xC001604D
WITH_TRANSACTION: Final = 0xC0014104
RESTARTED: Final = 0x40016046
SAVED: Final = 0x40016047
DELETED: Final = 0x40016048
NOT_RESTARTABLE: Final = 0x80014058
_CODES: Final = {data_type.name: data_type.variant_type for data_type in VARIABLE_TYPES}
_NAMESPACE: Final = DTS.strip("{}")
_UNITS: Final = (ExecutableKind.TASK, ExecutableKind.SEQUENCE)
_LOOPS: Final = (ExecutableKind.FOR_LOOP, ExecutableKind.FOREACH_LOOP)


@dataclass(slots=True)
class Checkpoint:
    """The checkpoint file of a package that runs.

    :param path: the file.
    :param package_id: the id of the package.
    :param done: the ids of the executables that have succeeded, in this run or before.
    :param is_restart: whether the package was started again.
    """

    path: Path
    package_id: str
    done: dict[str, None] = field(default_factory=dict)
    is_restart: bool = False

    def is_done(self, container: DtsContainer) -> bool:
        """Return whether an executable has succeeded before, so that it is skipped."""
        return container.id.upper() in self.done

    def succeeded(self, frame: Frame) -> None:
        """Save that an executable has succeeded; nothing happens for one that is no unit.

        :raises TaskFailure: the file cannot be written.
        """
        container = frame.container
        if container.kind not in _UNITS or not is_unit(frame):
            return
        self.done[container.id.upper()] = None
        self.save(frame.root)

    def save(self, root: Frame) -> None:
        """Write the file, at once or not at all.

        :param root: the frame of the package.
        :raises TaskFailure: the file cannot be written.
        """
        made = etree.Element(f"{DTS}Checkpoint", {f"{DTS}PackageID": self.package_id}, nsmap={"DTS": _NAMESPACE})
        for container in root.container.walk():
            variables = root.package.variables_of(container)
            kept = [one for one in variables.values() if one.type in _CODES and one.type not in ("Object", "Empty")]
            if not kept:
                continue
            group = etree.SubElement(made, f"{DTS}Variables", {f"{DTS}ContID": container.id})
            for one in kept:
                namespace, _, name = one.name.rpartition("::")
                variable = etree.SubElement(group, f"{DTS}Variable")
                for key, text in (("Namespace", namespace), ("ObjectName", name), ("DTSID", one.id)):
                    etree.SubElement(variable, f"{DTS}Property", {f"{DTS}Name": key}).text = text
                value = etree.SubElement(variable, f"{DTS}VariableValue", {f"{DTS}DataType": str(_CODES[one.type])})
                value.text = _text(one.value)
        for id_ in self.done:
            attributes = {f"{DTS}ContID": id_, f"{DTS}Result": "0", f"{DTS}PrecedenceMap": ""}
            etree.SubElement(made, f"{DTS}Container", attributes)
        part = self.path.with_name(f"{self.path.name}.part")
        try:
            # Variables can contain secrets: only this user reads the file.
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(etree.tostring(made, encoding="utf-8", xml_declaration=True))
            part.replace(self.path)
        except OSError as error:
            text = f"The checkpoint file {self.path} cannot be written: {error.strerror or error}"
            raise TaskFailure(text, NOT_CREATED) from None

    def delete(self) -> None:
        """Remove the file, after the package has succeeded."""
        self.path.unlink(missing_ok=True)


def open_checkpoint(root: Frame, name: str, usage: int) -> Checkpoint:
    """Return the checkpoint of a package; a file of a run that failed sets the variables.

    :param root: the frame of the package.
    :param name: the path of the file, as the package has it.
    :param usage: 0 never, 1 if the file exists, 2 always.
    :raises TaskFailure: the package cannot run with this file.
    """
    container = root.container
    if not name:
        raise TaskFailure("The package saves checkpoints, but has no CheckpointFileName.", NOT_SPECIFIED)
    if container.transaction_option == REQUIRED:
        text = "A package with checkpoints cannot have a transaction. Set its TransactionOption to Supported."
        raise TaskFailure(text, WITH_TRANSACTION)
    if root.package.connections is None:
        raise ValueError("checkpoints need the connections of the package, which map paths")
    path = root.package.connections.path(name)
    exists = path.exists()
    if usage == NEVER and exists:
        text = (
            f"The checkpoint file {path} exists, and CheckpointUsage is Never. Remove the file, or change the property."
        )
        raise TaskFailure(text, EXISTS)
    if usage == ALWAYS and not exists:
        text = f"The checkpoint file {path} does not exist, and CheckpointUsage is Always."
        raise TaskFailure(text, NOT_LOADED)
    made = Checkpoint(path, container.id)
    if exists:
        _load(made, root)
    return made


def _load(checkpoint: Checkpoint, root: Frame) -> None:
    path = checkpoint.path
    try:
        found = parse_xml(path.read_bytes(), path.name)
    except (OSError, ProjectError) as error:
        raise TaskFailure(f"The checkpoint file {path} cannot be read: {error}", NOT_LOADED) from None
    if found.get(f"{DTS}PackageID", "").upper() != root.container.id.upper():
        raise TaskFailure(f"The checkpoint file {path} is that of another package. Remove it.", MISMATCH)
    containers = {container.id.upper(): container for container in root.container.walk()}
    for group in found.iterfind(f"{DTS}Variables"):
        container = containers.get(group.get(f"{DTS}ContID", "").upper())
        known = {} if container is None else root.package.variables_of(container)
        for element in group.iterfind(f"{DTS}Variable"):
            variable = known.get(f"{dts_text(element, 'Namespace')}::{dts_text(element, 'ObjectName')}")
            if variable is not None:
                try:
                    variable.value = stored_value(element.findtext(f"{DTS}VariableValue") or "", variable.type)
                except ValueError:
                    text = f"The checkpoint file {path} has a wrong value for the variable {variable.name}."
                    raise TaskFailure(text, NOT_LOADED) from None
    checkpoint.done = dict.fromkeys(one.get(f"{DTS}ContID", "").upper() for one in found.iterfind(f"{DTS}Container"))
    checkpoint.is_restart = True


def is_unit(frame: Frame) -> bool:
    """Return whether an executable is listed in the file: outside of loops, transactions and event handlers."""
    for outer in frame.outwards():
        if outer.handler is not None:
            return False
        is_around = outer is not frame and outer.package is frame.package
        if is_around and (outer.container.kind in _LOOPS or outer.container.transaction_option == REQUIRED):
            return False
    return True


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "-1" if value else "0"
    return value.isoformat() if isinstance(value, datetime) else str(value)

"""Checkpoints: a package that failed is started again where it failed.

The file lists what has succeeded, with the values of the variables. Tasks and sequences outside of loops and
transactions are listed; a loop is always run again. Source: "Restart Packages by Using Checkpoints".
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from lxml import etree

from airflow_provider_ssis.engine.control_flow.file_lock import FileLock
from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.transactions import REQUIRED
from airflow_provider_ssis.engine.control_flow.variables.run_variables import RunVariable
from airflow_provider_ssis.engine.control_flow.variables.values import stored_value
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
DELETED: Final = 0x40016048
NOT_RESTARTABLE: Final = 0x80014058
LOCKED: Final = 0xC001604B
_ESCAPE: Final = re.compile("_x([0-9A-F]{4})_")
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|_(?=x[0-9A-F]{4}_)")
_ANY: Final = re.compile(".", re.DOTALL)
_CODES: Final = {data_type.name: data_type.variant_type for data_type in VARIABLE_TYPES}
_NAMESPACE: Final = DTS.strip("{}")
_UNITS: Final = (ExecutableKind.TASK, ExecutableKind.SEQUENCE)
_LOOPS: Final = (ExecutableKind.FOR_LOOP, ExecutableKind.FOREACH_LOOP)


@dataclass(slots=True)
class Checkpoint:
    """The checkpoint file of a package that runs.

    :param path: the file.
    :param package_id: the id of the package.
    :param lock: keeps other runs from using the file.
    :param done: the ids of the executables that have succeeded, in this run or before.
    :param restart_points: the paths of the executables that failed and where a restart begins.
    :param is_restart: whether the package was started again.
    """

    path: Path
    package_id: str
    lock: FileLock
    done: dict[str, None] = field(default_factory=dict)
    restart_points: list[str] = field(default_factory=list)
    is_restart: bool = False

    def is_done(self, container: DtsContainer) -> bool:
        """Return whether an executable has succeeded before, so that it is skipped."""
        return container.id.upper() in self.done

    def succeeded(self, frame: Frame) -> None:
        """Save that an executable has succeeded; nothing happens for one that is not a unit.

        :raises TaskFailure: the file cannot be written.
        """
        container = frame.container
        if container.kind not in _UNITS or not is_unit(frame) or frame.is_incomplete:
            return
        self.done[container.id.upper()] = None
        self.save(frame.root)

    def failed(self, frame: Frame) -> bool:
        """Save that an executable has failed.

        A sequence with FailPackageOnFailure is run again as a whole, unless an executable in it has that property too.

        :returns: whether a restart begins at the executable, or at one in it.
        :raises TaskFailure: the file cannot be written.
        """
        container = frame.container
        inside = f"{container.path}\\"
        if any(path.startswith(inside) for path in self.restart_points):
            return True
        if not container.fail_package_on_failure:
            return False
        self.restart_points.append(container.path)
        for one in container.walk():
            self.done.pop(one.id.upper(), None)
        self.save(frame.root)
        return True

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
                value.text = _escaped(_text(one.value))
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
            with suppress(OSError):
                part.unlink(missing_ok=True)
            text = f"The checkpoint file {self.path} cannot be written: {error.strerror or error}"
            raise TaskFailure(text, NOT_CREATED) from None

    def delete(self) -> bool:
        """Remove the file, after the package has ended; returns whether there was one.

        :raises TaskFailure: it cannot be removed, so that the next run would skip what this one has done.
        """
        try:
            exists = self.path.exists()
            self.path.unlink(missing_ok=True)
        except OSError as error:
            text = (
                f"The checkpoint file {self.path} cannot be removed: {error.strerror}. Remove it before the next run."
            )
            raise TaskFailure(text) from None
        return exists

    def close(self) -> None:
        """Let other runs use the file."""
        self.lock.release()


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
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        is_free = lock.acquire()
    except OSError as error:
        text = f"The checkpoint file {path} cannot be created: {error.strerror or error}"
        raise TaskFailure(text, NOT_CREATED) from None
    if not is_free:
        raise TaskFailure(f"Another run uses the checkpoint file {path}. Wait for its end.", LOCKED)
    try:
        return _opened(root, path, usage, lock)
    except BaseException:
        lock.release()
        raise


def _opened(root: Frame, path: Path, usage: int, lock: FileLock) -> Checkpoint:
    exists = path.exists()
    if usage == NEVER and exists:
        text = (
            f"The checkpoint file {path} exists, and CheckpointUsage is Never. Remove the file, or change the property."
        )
        raise TaskFailure(text, EXISTS)
    if usage == ALWAYS and not exists:
        text = f"The checkpoint file {path} does not exist, and CheckpointUsage is Always."
        raise TaskFailure(text, NOT_LOADED)
    made = Checkpoint(path, root.container.id, lock)
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
                    variable.value = _stored(element.findtext(f"{DTS}VariableValue") or "", variable)
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


def is_in_restart_point(frame: Frame) -> bool:
    """Return whether a container around an executable, but not the package, has FailPackageOnFailure."""
    for outer in frame.outwards():
        if outer.container.kind is ExecutableKind.PACKAGE:
            return False
        if outer is not frame and outer.container.fail_package_on_failure:
            return True
    return False


def _stored(text: str, variable: RunVariable) -> Any:
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    return stored_value(plain, variable.type)


def _escaped(text: str) -> str:
    """Return a text with the characters that XML does not keep as ``_xHHHH_``, as .NET writes them."""
    changed = _NOT_IN_XML if text.strip() else _ANY  # blanks alone do not count in XML
    return changed.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "-1" if value else "0"
    return value.isoformat() if isinstance(value, datetime) else str(value)

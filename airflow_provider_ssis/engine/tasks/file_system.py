"""The File System task."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.paths import hint_of_case
from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.project.package.tasks import FileSystemTask

_NOT_FOUND = 0xC002F30C
_FILE_NOT_FOUND = 0xC0029163
_BAD_DESTINATION = 0xC002F306
_FAILED = 0xC002F304
_NOT_CREATED = 0xC002F307
_FAILURE_WARNING = 0x80029164
_FILE_DELETED = 0x40029162
_FOLDER_DELETED = 0x40029161
_EXISTING, _CREATE, _EXISTING_FOLDER, _CREATE_FOLDER = "0", "1", "2", "3"
_ANY = frozenset({_EXISTING, _CREATE, _EXISTING_FOLDER, _CREATE_FOLDER})
_FILES = frozenset({_EXISTING, _CREATE})
_FOLDERS = frozenset({_EXISTING_FOLDER, _CREATE_FOLDER})
_KINDS = ("FILE", "FLATFILE")
"""The types of connection managers. Packages that Visual Studio saved have flat files, too."""
_READ_ONLY = "readonly"
_BITS = ("archive", "hidden", _READ_ONLY, "system")
"""The attributes by their bits, from 1. Source: "Enumerated Constants in Property Expressions"."""


@dataclass(frozen=True, slots=True)
class _Operation:
    """An operation.

    :param run: performs it.
    :param source: the usages of a FILE connection manager that the source may have.
    :param destination: those of the destination; None for an operation on one path.
    """

    run: Callable[[_Work], None]
    source: frozenset[str]
    destination: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class _Work:
    context: TaskContext
    source: Path
    destination: Path
    overwrite: bool
    attributes: frozenset[str]

    def need_file(self) -> None:
        if self.source.is_dir():
            raise TaskFailure(f"The source {self.source} is a folder. This operation needs a file.", _FILE_NOT_FOUND)
        if not self.source.is_file():
            raise TaskFailure(f"The file {self.source} does not exist.{hint_of_case(self.source)}", _FILE_NOT_FOUND)

    def need_folder(self) -> None:
        if self.source.is_file():
            raise TaskFailure(f"The source {self.source} is a file. This operation needs a folder.", _NOT_FOUND)
        if not self.source.is_dir():
            raise TaskFailure(f"The folder {self.source} does not exist.{hint_of_case(self.source)}", _NOT_FOUND)

    def need_destination_folder(self) -> None:
        if not self.destination.is_dir():
            raise TaskFailure(f"The destination {self.destination} is not an existing folder.", _BAD_DESTINATION)


class FileSystem(Task):
    """Copies, moves, renames, deletes and creates files and folders."""

    data: FileSystemTask

    def refusals(self, options: RunOptions) -> Iterator[Refusal]:
        """Yield unknown operations, and attributes that files of this machine do not have."""
        if self.data.operation not in _OPERATIONS:
            what = f"the operation {self.data.operation!r}"
            yield Refusal(self.container.path, what, f"the operations are {', '.join(_OPERATIONS)}")
        elif self.data.operation == "SetAttributes":
            for name in sorted(_attributes(self.data.file_attributes) - {_READ_ONLY, "normal"}):
                yield Refusal(
                    self.container.path,
                    f"the attribute {name}",
                    "files of this machine have only the attribute ReadOnly",
                    "Remove the attribute, or disable the task.",
                )

    def validate(self, context: TaskContext) -> None:
        """Check the paths: that they are set, and that a connection manager for an existing path names one."""
        operation = _OPERATIONS[self.data.operation]
        self._path(context, operation.source, is_source=True, checks=True)
        if operation.destination is not None:
            self._path(context, operation.destination, is_source=False, checks=True)

    def run(self, context: TaskContext) -> int:
        """Perform the operation.

        :returns: 1, the number of operations.
        """
        operation = _OPERATIONS[self.data.operation]
        source = self._path(context, operation.source, is_source=True)
        destination = source
        if operation.destination is not None:
            destination = self._path(context, operation.destination, is_source=False)
            self._create_destination(context, destination)
        attributes = _attributes(self.data.file_attributes)
        work = _Work(context, source, destination, self.data.overwrite, attributes)
        context.cancel.check()
        try:
            operation.run(work)
        except TaskFailure:
            self._warn(context)
            raise
        except OSError as error:
            self._warn(context)
            where = error.filename or source
            raise TaskFailure(
                f"{self.data.operation} failed for {where}: {error.strerror or error}.", _FAILED
            ) from None
        except shutil.Error as error:
            self._warn(context)
            reasons = "; ".join(str(reason) for _, _, reason in error.args[0][:3])
            raise TaskFailure(f"{self.data.operation} failed for {source}: {reasons}.", _FAILED) from None
        return 1

    def _create_destination(self, context: TaskContext, folder: Path) -> None:
        """Create the folder of a connection manager whose usage type is to create one.

        Source: Microsoft Learn, "File Connection Manager".
        """
        if self.data.destination_is_variable or folder.is_dir():
            return
        if _usage(context.connections.get(self.data.destination)) == _CREATE_FOLDER:
            try:
                folder.mkdir(parents=True)
            except OSError as error:
                self._warn(context)
                raise TaskFailure(f"The folder {folder} cannot be created: {error.strerror}.", _NOT_CREATED) from None

    def _warn(self, context: TaskContext) -> None:
        context.warning(f"The operation {self.data.operation} did not complete.", _FAILURE_WARNING)

    def _path(self, context: TaskContext, usages: frozenset[str], *, is_source: bool, checks: bool = False) -> Path:
        name = self.data.source if is_source else self.data.destination
        if not name:
            end, code = ("source", 0xC002915D) if is_source else ("destination", 0xC002915C)
            raise TaskFailure(f"The task has no {end}. Choose one.", code)
        if self.data.source_is_variable if is_source else self.data.destination_is_variable:
            return _path_in_variable(context, name)
        manager = context.connections.get(name)
        if manager.kind not in _KINDS:
            text = f'The connection manager "{manager.name}" is not a FILE or FLATFILE connection.'
            raise TaskFailure(text, 0xC002915E)
        _check_usage(manager, usages, is_source=is_source)
        path = context.connections.path(manager.connection_string)
        if checks and is_source and _usage(manager) in (_EXISTING, _EXISTING_FOLDER) and not path.exists():
            raise TaskFailure(
                f'The path {path} of the connection manager "{manager.name}" does not exist. If another task creates'
                f" it, set DelayValidation of this task to True.{hint_of_case(path)}",
                _NOT_FOUND,
            )
        return path


def _path_in_variable(context: TaskContext, name: str) -> Path:
    try:
        value = context.read(name)
    except TaskFailure as error:
        raise TaskFailure(f"The variable {name} with the path cannot be read.", 0xC002915F, causes=[error]) from None
    if not isinstance(value, str):
        raise TaskFailure(f"The variable {name} with the path is not a text.", 0xC0029160)
    if not value.strip():
        raise TaskFailure(
            f"The variable {name} with the path is empty. If another task sets it, set DelayValidation of this task to"
            " True.",
            0xC002F30D,
        )
    return context.connections.path(value)


def _usage(manager: RunConnection) -> str:
    return manager.properties.get("FileUsageType", "").strip() or _EXISTING


def _check_usage(manager: RunConnection, usages: frozenset[str], *, is_source: bool) -> None:
    if _usage(manager) not in usages:
        end, code = ("source", 0xC0029166) if is_source else ("destination", 0xC0029165)
        raise TaskFailure(
            f'The connection manager "{manager.name}" cannot be the {end} of this operation: its usage type (existing'
            " file, create file, existing folder, create folder) is another one.",
            code,
        )


def _attributes(text: str) -> frozenset[str]:
    """Return the names of attributes; a number, as a property expression gives it, has a bit for each."""
    if text.strip().isdecimal():
        number = int(text)
        rest = {str(number)} if number >= 1 << len(_BITS) else set()
        return frozenset({name for bit, name in enumerate(_BITS) if number >> bit & 1} | rest)
    return frozenset(name.strip().lower() for name in text.replace("|", ",").split(",") if name.strip())


def _target_file(work: _Work) -> Path:
    """The destination of a file: a path, or its name in a folder."""
    target = work.destination / work.source.name if work.destination.is_dir() else work.destination
    if target.exists() and not work.overwrite:
        raise TaskFailure(
            f"The file {target} exists already. Set OverwriteDestination of the task to True, or remove the file.",
            _FAILED,
        )
    if not target.parent.is_dir():
        raise TaskFailure(f"The destination folder {target.parent} does not exist. Create it.", _BAD_DESTINATION)
    if target.exists() and target.samefile(work.source):
        raise TaskFailure(f"The source and the destination are the same file, {target}. Change one.", _BAD_DESTINATION)
    return target


def _copy_file(work: _Work) -> None:
    work.need_file()
    target = _target_file(work)
    # The copy gets its name when it is complete.
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    try:
        shutil.copy2(work.source, name)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _move_file(work: _Work) -> None:
    work.need_file()
    work.need_destination_folder()
    shutil.move(work.source, _target_file(work))


def _rename_file(work: _Work) -> None:
    work.need_file()
    if work.destination.is_dir():
        raise TaskFailure(
            f"The destination {work.destination} is a folder. The new name of a file needs its path with the name.",
            _BAD_DESTINATION,
        )
    shutil.move(work.source, _target_file(work))


def _delete_file(work: _Work) -> None:
    work.need_file()
    work.source.unlink()
    work.context.information(f"The file {work.source} was deleted.", _FILE_DELETED)


def _set_attributes(work: _Work) -> None:
    work.need_file()
    mode = stat.S_IMODE(work.source.stat().st_mode)
    writable = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    work.source.chmod(mode & ~writable if _READ_ONLY in work.attributes else mode | stat.S_IWUSR)


def _create_folder(work: _Work) -> None:
    if work.source.exists() and not (work.overwrite and work.source.is_dir()):
        raise TaskFailure(
            f"The folder {work.source} exists already. Set UseDirectoryIfExists of the task to True to use it.",
            0xC002915A,
        )
    try:
        work.source.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TaskFailure(f"The folder {work.source} cannot be created: {error.strerror}.", _NOT_CREATED) from None


def _target_folder(work: _Work) -> Path:
    """Return the path of the folder in the destination."""
    work.need_folder()
    work.need_destination_folder()
    target = work.destination / work.source.name
    if work.source.resolve() in (target.resolve(), *target.resolve().parents):
        text = f"The destination {target} is the source folder or inside of it. Choose another destination."
        raise TaskFailure(text, _BAD_DESTINATION)
    if target.exists() and not work.overwrite:
        raise TaskFailure(
            f"The folder {target} exists already. Set OverwriteDestination of the task to True to add to it.", _FAILED
        )
    return target


def _copy_folder(work: _Work) -> None:
    shutil.copytree(work.source, _target_folder(work), dirs_exist_ok=True, symlinks=True)


def _move_folder(work: _Work) -> None:
    target = _target_folder(work)
    if not target.exists():
        shutil.move(work.source, target)
        return
    shutil.copytree(work.source, target, dirs_exist_ok=True, symlinks=True)
    shutil.rmtree(work.source)


def _delete_folder(work: _Work) -> None:
    work.need_folder()
    shutil.rmtree(work.source)
    work.context.information(f"The folder {work.source} was deleted.", _FOLDER_DELETED)


def _delete_content(work: _Work) -> None:
    work.need_folder()
    for child in work.source.iterdir():
        work.context.cancel.check()
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()


_OPERATIONS: Mapping[str, _Operation] = {
    "CopyFile": _Operation(_copy_file, _FILES, _ANY),
    "MoveFile": _Operation(_move_file, _FILES, _FOLDERS),
    "RenameFile": _Operation(_rename_file, _FILES, _FILES),
    "DeleteFile": _Operation(_delete_file, _FILES),
    "SetAttributes": _Operation(_set_attributes, _FILES),
    "CreateDirectory": _Operation(_create_folder, _FOLDERS),
    "CopyDirectory": _Operation(_copy_folder, _FOLDERS, _FOLDERS),
    "MoveDirectory": _Operation(_move_folder, _FOLDERS, _FOLDERS),
    "DeleteDirectory": _Operation(_delete_folder, _FOLDERS),
    "DeleteDirectoryContent": _Operation(_delete_content, _FOLDERS),
}

"""The FTP task.

Sources: Microsoft Learn, "FTP Task" and "FTP connection manager".
"""

from __future__ import annotations

import fnmatch
import ftplib
import posixpath
import re
import shutil
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import IO

from airflow_provider_ssis.engine.connections.address import flag, seconds
from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.provider_string import compact
from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.tasks.sockets import breaks_on_cancel
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.project.package.elements import is_true
from airflow_provider_ssis.project.package.tasks import FtpTask as Stored

_CANNOT_CONNECT = 0xC002918F
_NO_FILES = 0xC0029185
_NO_LOCAL_FILES = 0xC0029183
_OVERWRITE = "Set OverwriteFileAtDestination of the task to True, or remove the file."
_BAD_REMOTE_PATH = 0xC0029191
_BLOCK = 64 * 1024
_PAUSE = 1.0
"""Seconds between attempts without a limit."""


@dataclass(frozen=True, slots=True)
class FtpServer:
    """A server of files.

    :param timeout: seconds to wait for each answer; None waits without a limit.
    :param attempts: how often to try to connect; 0 tries without a limit.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    is_passive: bool
    timeout: int | None
    attempts: int


def ftp_server(connection: RunConnection) -> FtpServer:
    """Return the server of an FTP connection manager.

    :param connection: the connection manager.
    :raises TaskFailure: it names no server.
    """
    values = {compact(name): text.strip() for name, text in connection.properties.items()}
    host, _, port = connection.connection_string.strip().rpartition(":")
    if not port.isdecimal():
        host, port = connection.connection_string.strip(), ""
    host = host or values.get("servername", "")
    if not host:
        raise TaskFailure(f'The connection manager "{connection.name}" names no FTP server.', _CANNOT_CONNECT)

    def number(name: str, default: int) -> int:
        return seconds(connection.name, name, values.get(compact(name), ""), default)

    return FtpServer(
        host,
        int(port) if port else number("ServerPort", 21),
        values.get("serverusername") or "anonymous",
        values.get("serverpassword") or values.get("password", ""),
        flag(connection.name, "UsePassiveMode", values.get("usepassivemode", "")),
        number("Timeout", 60) or None,
        number("Retries", 5),
    )


@dataclass(frozen=True, slots=True)
class _Operation:
    """An operation.

    :param run: performs it.
    :param code: the code of its failure.
    :param is_remote: whether it needs the server and a remote path.
    :param is_local: whether it needs a local path.
    """

    run: Callable[[_Work], None]
    code: int
    is_remote: bool
    is_local: bool


@dataclass(frozen=True, slots=True)
class _Work:
    context: TaskContext
    client: ftplib.FTP
    remote: str
    local: Path
    ascii: bool
    overwrite: bool

    def local_files(self) -> list[Path]:
        """The files that the local path names, in which the name can have wildcards."""
        if not set(self.local.name) & set("*?"):
            found = [self.local] if self.local.is_file() else []
        else:
            pattern = _pattern(self.local.name)
            folder = self.local.parent
            found = sorted(each for each in folder.glob("*") if each.is_file() and pattern.fullmatch(each.name))
        if not found:
            raise TaskFailure(f"No file {self.local} exists on this machine.", _NO_LOCAL_FILES)
        return found

    def remote_files(self) -> list[str]:
        """The paths of the files that the remote path names, in which the name can have wildcards."""
        folder, name = posixpath.split(self.remote)
        names = self.remote_names(folder)
        pattern = _pattern(name)
        wanted = [each for each in names if (pattern.fullmatch(each) if set(name) & set("*?") else each == name)]
        if not wanted:
            raise TaskFailure(f"No file {self.remote} exists on the server.", _NO_FILES)
        return [posixpath.join(folder, each) for each in sorted(wanted)]

    def remote_names(self, folder: str) -> list[str]:
        """The names in a folder of the server."""
        try:
            return [posixpath.basename(each) for each in self.client.nlst(folder)]
        except ftplib.error_perm as error:
            if str(error).startswith("550"):  # many servers answer so for an empty folder
                return []
            raise


class FtpTask(Task):
    """Sends, receives and deletes files, and creates and removes folders, on an FTP server or on this machine."""

    data: Stored

    def refusals(self, options: RunOptions) -> Iterator[Refusal]:
        """Yield unknown operations, and the option to continue after a failure."""
        if self._name not in _OPERATIONS:
            what = f"the operation {self.data.operation!r}"
            yield Refusal(self.container.path, what, f"the operations are {', '.join(_OPERATIONS)}")
        for name, text in self.data.properties.items():
            if "stop" in name.lower() and not is_true(text):
                why = "the engine stops at the first file that fails"
                yield Refusal(self.container.path, f"the property {name} with the value {text}", why, "Set it to True.")

    @property
    def _name(self) -> str:
        return _OTHER_NAMES.get(self.data.operation, self.data.operation)

    def validate(self, context: TaskContext) -> None:
        """Check the connection manager and that paths are set."""
        operation = _OPERATIONS[self._name]
        if operation.is_remote:
            self._server(context)
            self._remote(context)
        if operation.is_local:
            self._local(context)

    def run(self, context: TaskContext) -> None:
        """Perform the operation."""
        operation = _OPERATIONS[self._name]
        remote = self._remote(context) if operation.is_remote else ""
        local = self._local(context) if operation.is_local else Path()
        overwrite = any(is_true(text) for name, text in self.data.properties.items() if "overwrite" in name.lower())
        client = ftplib.FTP(encoding="utf-8")  # noqa: S321 the package asks for FTP
        try:
            with breaks_on_cancel(context.cancel, lambda: client.sock), closing(client):
                if operation.is_remote:
                    self._connect(context, client)
                operation.run(_Work(context, client, remote, local, self.data.ascii, overwrite))
                if operation.is_remote:
                    with suppress(OSError, ftplib.Error, EOFError):
                        client.quit()
        except (OSError, EOFError, ftplib.Error) as error:
            context.cancel.check()
            reason = str(error) or type(error).__name__
            raise TaskFailure(f"The operation {self.data.operation} failed: {reason}.", operation.code) from None

    def _connect(self, context: TaskContext, client: ftplib.FTP) -> None:
        server = self._server(context)
        client.timeout = server.timeout
        for attempt in count(1):
            context.cancel.check()
            try:
                client.connect(server.host, server.port)
                break
            except (OSError, EOFError) as error:
                if attempt == server.attempts:
                    raise TaskFailure(
                        f"The FTP server {server.host}, port {server.port}, cannot be reached: {error}.",
                        _CANNOT_CONNECT,
                    ) from None
            if not server.attempts:
                context.cancel.wait(_PAUSE)
        try:
            client.login(server.user, server.password or ("anonymous@" if server.user == "anonymous" else ""))
        except ftplib.Error as error:
            text = f"The FTP server {server.host} refused the login {server.user}: {error}."
            raise TaskFailure(text, _CANNOT_CONNECT) from None
        client.set_pasv(server.is_passive)

    def _server(self, context: TaskContext) -> FtpServer:
        if not self.data.connection:
            raise TaskFailure("The task has no FTP connection manager. Choose one.", 0xC0029172)
        manager = context.connections.get(self.data.connection)
        if manager.kind != "FTP":
            raise TaskFailure(f'The connection manager "{manager.name}" is not an FTP connection.', 0xC0029173)
        return ftp_server(manager)

    def _remote(self, context: TaskContext) -> str:
        text = self.data.remote_path
        if self.data.remote_path_is_variable:
            text = _text_in(context, self.data.remote_path)
            if not text.strip():
                raise TaskFailure(
                    f"The variable {self.data.remote_path} with the remote path is empty. Set it.", 0xC002917A
                )
        if not text.strip():
            raise TaskFailure("The task has no remote path. Set the property RemotePath.", 0xC002916E)
        text = text.strip()
        if not text.startswith("/"):
            raise TaskFailure(
                f"The remote path {text!r} does not begin with '/'. Write the whole path.", _BAD_REMOTE_PATH
            )
        if set(posixpath.dirname(text)) & set("*?"):
            raise TaskFailure(f"The remote path {text!r} has a wildcard in a folder name.", _BAD_REMOTE_PATH)
        return text

    def _local(self, context: TaskContext) -> Path:
        if not self.data.local_path:
            raise TaskFailure("The task has no local path. Set the property LocalPath.", 0xC002916D)
        if self.data.local_path_is_variable:
            text = _text_in(context, self.data.local_path)
            if not text.strip():
                raise TaskFailure(
                    f"The variable {self.data.local_path} with the local path is empty. Set it.", 0xC0029179
                )
            return context.connections.path(text)
        manager = context.connections.get(self.data.local_path)
        if manager.kind != "FILE":
            raise TaskFailure(f'The connection manager "{manager.name}" is not a FILE connection.', 0xC0029182)
        return context.connections.path(manager.connection_string)


def _text_in(context: TaskContext, name: str) -> str:
    value = context.read(name)
    if not isinstance(value, str):
        raise TaskFailure(f"The variable {name} with a path is not a text.", 0xC002917D)
    return value


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(name.replace("[", "[[]")), re.IGNORECASE)


def _itself(connection: socket.socket) -> socket.socket:
    return connection


def _send(work: _Work) -> None:
    folder = work.remote.rstrip("/") or "/"
    there = set(work.remote_names(folder))
    for path in work.local_files():
        if path.name in there and not work.overwrite:
            text = f"The file {path.name} exists already in {folder} on the server. {_OVERWRITE}"
            raise TaskFailure(text, 0xC002918B)
        work.client.voidcmd("TYPE A" if work.ascii else "TYPE I")
        with (
            path.open("rb") as source,
            closing(work.client.transfercmd(f"STOR {posixpath.join(folder, path.name)}")) as connection,
            breaks_on_cancel(work.context.cancel, partial(_itself, connection)),
        ):
            while block := source.readline() if work.ascii else source.read(_BLOCK):
                connection.sendall(_to_network(block) if work.ascii else block)
        work.client.voidresp()


def _to_network(line: bytes) -> bytes:
    return line[:-1].removesuffix(b"\r") + b"\r\n" if line.endswith(b"\n") else line


def _receive(work: _Work) -> None:
    if not work.local.is_dir():
        raise TaskFailure(f"The local path {work.local} is not an existing folder.", 0xC0029184)
    for remote in work.remote_files():
        target = work.local / posixpath.basename(remote)
        if target.exists() and not work.overwrite:
            raise TaskFailure(f"The file {target} exists already. {_OVERWRITE}", 0xC002918A)
        # The file gets its name when it is complete. It is created with the usual permissions of new files.
        part = target.with_name(f".{uuid.uuid4().hex}.part")
        try:
            with part.open("xb") as copy:
                _download(work, remote, copy)
            if target.exists():
                shutil.copymode(target, part)
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def _download(work: _Work, remote: str, copy: IO[bytes]) -> None:
    work.client.voidcmd("TYPE A" if work.ascii else "TYPE I")
    with (
        closing(work.client.transfercmd(f"RETR {remote}")) as connection,
        breaks_on_cancel(work.context.cancel, partial(_itself, connection)),
    ):
        while block := connection.recv(_BLOCK):
            copy.write(block)
    work.client.voidresp()


def _delete_remote(work: _Work) -> None:
    for remote in work.remote_files():
        work.client.delete(remote)


def _delete_local(work: _Work) -> None:
    for path in work.local_files():
        path.unlink()


def _make_local(work: _Work) -> None:
    work.local.mkdir(parents=True, exist_ok=work.overwrite)


def _make_remote(work: _Work) -> None:
    work.client.mkd(work.remote.rstrip("/"))


def _remove_local(work: _Work) -> None:
    shutil.rmtree(work.local)


def _remove_remote(work: _Work) -> None:
    work.client.rmd(work.remote.rstrip("/"))


_OPERATIONS: Mapping[str, _Operation] = {
    "Send": _Operation(_send, 0xC002918B, is_remote=True, is_local=True),
    "Receive": _Operation(_receive, 0xC002918A, is_remote=True, is_local=True),
    "DeleteLocal": _Operation(_delete_local, 0xC0029187, is_remote=False, is_local=True),
    "DeleteRemote": _Operation(_delete_remote, 0xC002918E, is_remote=True, is_local=False),
    "MakeDirLocal": _Operation(_make_local, 0xC0029189, is_remote=False, is_local=True),
    "MakeDirRemote": _Operation(_make_remote, 0xC002918C, is_remote=True, is_local=False),
    "RemoveDirLocal": _Operation(_remove_local, 0xC0029188, is_remote=False, is_local=True),
    "RemoveDirRemote": _Operation(_remove_remote, 0xC002918D, is_remote=True, is_local=False),
}
_OTHER_NAMES: Mapping[str, str] = {
    "CreateLocalDirectory": "MakeDirLocal",
    "CreateRemoteDirectory": "MakeDirRemote",
    "RemoveLocalDirectory": "RemoveDirLocal",
    "RemoveRemoteDirectory": "RemoveDirRemote",
}
"""The names in the form of Visual Studio."""

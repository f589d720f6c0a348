"""Texts that a task takes from its own property, a variable, or a file."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.tasks.files import read_text

SOURCE_TYPES = ("DirectInput", "Variable", "FileConnection")


@dataclass(frozen=True, slots=True)
class SourceCodes:
    """The codes of the failures.

    :param no_text: the variable holds no text.
    :param no_file_connection: the connection manager is not a FILE connection.
    :param no_file: the file does not exist.
    """

    no_text: int
    no_file_connection: int
    no_file: int


def source_text(context: TaskContext, kind: str, source: str, code_page: int, codes: SourceCodes) -> str:
    """Return the text.

    :param context: the context of the task.
    :param kind: one of :data:`SOURCE_TYPES`.
    :param source: the text, the name of the variable, or the connection manager of the file.
    :param code_page: the code page of the file; 0 for UTF-8.
    :param codes: the codes of the failures.
    :raises TaskFailure: there is no text.
    """
    if kind == "Variable":
        value = context.read(source)
        if not isinstance(value, str):
            raise TaskFailure(f"The variable {source} contains no text.", codes.no_text)
        return value
    if kind == "FileConnection":
        manager = context.connections.get(source)
        if manager.kind != "FILE":
            raise TaskFailure(
                f'The connection manager "{manager.name}" is not a FILE connection.', codes.no_file_connection
            )
        return read_text(context.connections.path(manager.connection_string), code_page, codes.no_file)
    return source

"""Checks of options that several commands share."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click.core import ParameterSource

from airflow_provider_ssis.cli.failures import CommandFailed


def not_empty(text: str) -> str:
    """The value of an option that an empty text would switch off.

    :raises click.BadParameter: the text is empty.
    """
    if not text.strip():
        raise click.BadParameter("it is empty: give a value, or leave the option out")
    return text


def file_path(text: str) -> Path:
    """The path of a file or folder.

    :raises click.BadParameter: the text is empty, which would be the current folder.
    """
    return Path(not_empty(text))


def read_password(path: Path) -> str:
    """Return the password in a file, without the line end after it.

    :param path: the file.
    :raises CommandFailed: the file cannot be read, or the password is empty.
    """
    try:
        password = path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeError) as error:
        raise CommandFailed(f"cannot read the password in {path}: {type(error).__name__}") from None
    if not password:
        raise CommandFailed(f"the password in {path} is empty. Write the password into the file")
    return password


def confirm(question: str) -> bool:
    """Ask a question that Yes or No answers. Only Yes is True.

    :param question: the question.
    :raises CommandFailed: no one can answer, because the standard input is not a terminal and has ended.
    """
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin is not None and sys.stdin.isatty():
            raise
        click.echo(err=True)
        raise CommandFailed(
            "the question was not answered. Nothing was changed. Use --yes to start without it"
        ) from None


def package_name(text: str) -> str:
    """The name of a package, with its ``.dtsx``.

    :raises click.BadParameter: the text is empty.
    """
    name = not_empty(text)
    return name if name.lower().endswith(".dtsx") else f"{name}.dtsx"


def pair(text: str) -> tuple[str, str]:
    """A name and a value, from ``NAME=VALUE``.

    :raises click.BadParameter: the text is not such a pair. The message has only the part before a possible secret.
    """
    name, equals, value = text.partition("=")
    if not name.strip() or not equals:
        raise click.BadParameter("write it as NAME=VALUE")
    return name.strip(), value


def reject_together(*names: str) -> None:
    """Refuse options of the current command that exclude each other.

    :param names: the parameters' names in Python. Only values from the command line count.
    :raises click.UsageError: more than one is given.
    """
    context = click.get_current_context()
    given = [
        param.opts[0]
        for param in context.command.params
        if param.name in names and context.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
    ]
    if len(given) > 1:
        raise click.UsageError(f"Give only one of {', '.join(given[:-1])} and {given[-1]}.", context)

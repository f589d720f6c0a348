"""Checks of options that several commands share."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from airflow_provider_ssis.cli.failures import CommandFailed

_LARGEST_ID = 2**63 - 1
Pairs = tuple[tuple[str, str], ...]
"""The value of an option of the type :class:`Pair` that can be repeated."""
Function = TypeVar("Function", bound=Callable[..., Any])


def not_empty(text: str) -> str:
    """The value of an option that an empty text would switch off.

    :raises click.BadParameter: the text is empty.
    """
    if not text.strip():
        raise click.BadParameter("it is empty: give a value, or leave the option out")
    return text


class FilePath(click.Path):
    """The path of a file or folder.

    :param exists: whether the file must exist. Default: False.
    :param dir_okay: whether it may be a folder. Default: True.
    :param allow_dash: whether ``-`` is the standard input. Default: False.
    """

    def __init__(self, *, exists: bool = False, dir_okay: bool = True, allow_dash: bool = False) -> None:
        super().__init__(exists=exists, dir_okay=dir_okay, allow_dash=allow_dash, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a path.

        :raises click.BadParameter: the text is empty, which would be the current folder, or ``-`` where that is not the
            standard input, or there is no such file.
        """
        if not str(value).strip():
            self.fail("it is empty: give a path", param, ctx)
        if str(value) == "-" and not self.allow_dash:
            self.fail("- is not supported here: give a path; ./- is a file of that name", param, ctx)
        return super().convert(value, param, ctx)


def read_password(path: Path) -> str:
    """Return the password in the first line of a file.

    :param path: the file; ``-`` is the standard input.
    :raises click.UsageError: the file cannot be read, or the password is empty.
    """
    try:
        # As bytes: the locale does not say how another program writes to this one.
        content = sys.stdin.buffer.readline() if str(path) == "-" else path.read_bytes()
        text = content.decode("utf-8-sig")  # editors on Windows write a byte order mark
    except OSError as error:
        raise click.UsageError(f"The password cannot be read from {path}: {error.strerror or error}.") from None
    except UnicodeError:
        raise click.UsageError(f"The password cannot be read: {path} is not text in UTF-8.") from None
    password = text.partition("\n")[0].removesuffix("\r")
    if not password:
        raise click.UsageError(f"There is no password: the first line of {path} is empty. Write the password there.")
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


class Pair(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """A name and a value, as ``(name, value)``.

    :param form: how users write it: ``NAME=VALUE``. Default: that.
    """

    def __init__(self, form: str = "NAME=VALUE") -> None:
        self.name = form

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Split a text at its first equals sign.

        :raises click.BadParameter: the text is not such a pair. The message has nothing of it: it may be a secret.
        """
        if isinstance(value, tuple):
            return value
        name, equals, rest = value.partition("=")
        if not name.strip() or not equals:
            self.fail(f"write it as {self.name}", param, ctx)
        return name.strip(), rest


def unique(pairs: Iterable[tuple[str, str]], option: str) -> dict[str, str]:
    """The pairs of an option that can be repeated.

    :raises click.UsageError: a name is given twice.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise click.UsageError(f"{option} {name} is given twice.")
        found[name] = value
    return found


class Number(click.IntRange):
    """A whole number."""

    name = "number"


class CatalogId(click.IntRange):
    """The id of an object of the catalog.

    :param smallest: the smallest id. Default: 1.
    """

    name = "id"

    def __init__(self, smallest: int = 1) -> None:
        super().__init__(smallest)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read an id, at most a bigint.

        :raises click.BadParameter: the text is not an id.
        """
        number: int = super().convert(value, param, ctx)
        if number > _LARGEST_ID:
            self.fail(f"{number} is not a valid {self.name}.", param, ctx)
        return number


class _Seconds(click.FloatRange):
    name = "number of seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):  # which is in every range
            self.fail(f"{value!r} is not a valid {self.name}.", param, ctx)
        return seconds


def poll_interval_option(default: float = 2.0) -> Callable[[Function], Function]:
    """The option ``--poll-interval``.

    :param default: in seconds. Default: 2.
    """
    return click.option(
        "--poll-interval",
        type=_Seconds(0.05, 3600),
        default=default,
        metavar="SECONDS",
        help="Seconds between two polls.",
    )


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

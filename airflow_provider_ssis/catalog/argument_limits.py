"""Lengths of the text arguments of the catalog's procedures.

SQL Server cuts an argument that is longer than the procedure's parameter, without an error: deleting the folder
``"y" * 129`` deletes the folder ``"y" * 128``. So the client rejects such arguments before it sends anything. The
lengths are those of the procedures and tables of SQL Server 2019, in UTF-16 code units as SQL Server counts them.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.catalog.errors import InvalidArgument, InvalidName

LONGEST_NAME: Final = 128
LONGEST_PACKAGE_NAME: Final = 260
LONGEST_DESCRIPTION: Final = 1024
LONGEST_PROPERTY_PATH: Final = 4000
LONGEST_PROPERTY_NAME: Final = 255
"""Characters of a catalog property's name, and of its value."""
LONGEST_WORKER_PROPERTY: Final = 256
LONGEST_STRING: Final = 4000
"""Characters of a text value: ``sql_variant`` holds at most 8,000 bytes."""

_LONGEST: Final = {
    "folder": LONGEST_NAME,
    "project": LONGEST_NAME,
    "package": LONGEST_PACKAGE_NAME,
    "environment": LONGEST_NAME,
    "environment folder": LONGEST_NAME,
    "variable": LONGEST_NAME,
    "parameter": LONGEST_NAME,
    "customized logging level": LONGEST_NAME,
    "principal": LONGEST_NAME,
    "property": LONGEST_PROPERTY_NAME,
    "property value": LONGEST_PROPERTY_NAME,
    "worker property": LONGEST_WORKER_PROPERTY,
    "data flow path": LONGEST_PROPERTY_PATH,
    "data tap file": LONGEST_PROPERTY_PATH,
    "description": LONGEST_DESCRIPTION,
    "property path": LONGEST_PROPERTY_PATH,
    "CALLER_INFO": LONGEST_STRING,
    "lock": 255,
}


def check_argument(what: str, value: str | None) -> None:
    """Reject an argument that the catalog would cut, or that is not text.

    :param what: the kind of argument, one of those that this module lists: ``folder``, ``description``, ...
    :param value: the argument; None is accepted.
    :raises InvalidName: a name is too long.
    :raises InvalidArgument: another argument is too long, or the text contains half a surrogate pair.
    """
    if value is None:
        return
    length, longest = utf16_length(what, value), _LONGEST[what]
    if length > longest:
        error = InvalidName if longest in (LONGEST_NAME, LONGEST_PACKAGE_NAME) else InvalidArgument
        raise error(
            f"The argument for the {what} has {length} characters; the catalog accepts at most {longest}",
            advice="Shorten it.",
        )


def check_arguments(**arguments: str | None) -> None:
    """Reject arguments that the catalog would cut.

    :param arguments: the arguments by kind, with ``_`` for a blank.
    :raises InvalidName: a name is too long.
    :raises InvalidArgument: another argument is too long, or a text contains half a surrogate pair.
    """
    for what, value in arguments.items():
        check_argument(what.replace("_", " "), value)


def check_place(folder: str, project: str, package: str | None = None) -> None:
    """Reject names of a folder, a project and a package that the catalog would cut.

    :param folder: the folder.
    :param project: the project.
    :param package: the package. Default: none.
    :raises InvalidName: a name is too long.
    :raises InvalidArgument: a name contains half a surrogate pair.
    """
    check_arguments(folder=folder, project=project, package=package)


def utf16_length(what: str, value: str) -> int:
    """The length of a text as SQL Server counts it.

    :param what: the kind of argument, for the message.
    :param value: the text.
    :raises InvalidArgument: it is not text, or the text contains half a surrogate pair.
    """
    if not isinstance(value, str):
        raise InvalidArgument(f"The argument for the {what} is of type {type(value).__name__}", advice="Pass a text.")
    try:
        return len(value.encode("utf-16-le")) // 2
    except UnicodeEncodeError as error:
        raise InvalidArgument(
            f"The argument for the {what} contains half a surrogate pair at position {error.start + 1}, which is not a "
            "character",
            advice="Remove it.",
        ) from None

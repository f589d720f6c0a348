"""How the procedures of schema ``emulator`` are declared: a function with the signature of its procedure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, TypeVar

from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.metadata.signatures import parse_signature
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

SCHEMA: Final = "emulator"
PERMISSION_DENIED: Final = 229
BAD_ARGUMENT: Final = 50000
"""The number of errors of these procedures that SQL Server does not have."""


class Arguments:
    """The arguments of one call.

    :param given: by name without ``@``.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def __getitem__(self, name: str) -> Any:
        return self._given[name]

    @property
    def run(self) -> dict[str, Any]:
        """The arguments that select the runs of a script, and how often it applies."""
        names = {each: self[f"{each}_name"] for each in ("package", "project", "folder")}
        return {**names, "times": self["times"]}

    @property
    def executable(self) -> dict[str, Any]:
        """The arguments that select the executables of a script, and how often it applies."""
        return {"executable": self["executable"], **self.run}


Book = TypeVar("Book")
Declared = tuple[Callable[[Book, Arguments], None], str]
"""A procedure that writes an instruction into a book, and its parameters as T-SQL declares them."""


def declared_procedures(
    database: str, book: Book, declared: Sequence[Declared[Book]], *, may_be_null: Collection[str] = ()
) -> list[Procedure]:
    """Procedures of schema ``emulator``.

    :param database: the database of the procedures.
    :param book: gets the instructions.
    :param declared: the procedures.
    :param may_be_null: parameters that take NULL although they have another default.
    """
    return [_procedure(database, book, body, signature, may_be_null) for body, signature in declared]


def _procedure(
    database: str,
    book: Book,
    body: Callable[[Book, Arguments], None],
    signature: str,
    may_be_null: Collection[str],
) -> Procedure:
    name = body.__name__
    parameters = parse_signature(signature)

    async def run(call: ProcedureCall) -> None:
        if not call.session.principal.is_sysadmin:
            text = f"The EXECUTE permission was denied on '{name}': only members of sysadmin have it."
            raise SqlError(PERMISSION_DENIED, text, severity=14, ends_batch=True)
        for parameter in parameters:
            is_null = call.arguments[parameter.key] is None
            if parameter.default is not None and is_null and parameter.key not in may_be_null:
                raise SqlError(BAD_ARGUMENT, f"{SCHEMA}.{name}: {parameter.name} is NULL. Give it a value.")
        try:
            body(book, Arguments(dict(call.arguments)))
        except ValueError as error:
            raise SqlError(BAD_ARGUMENT, f"{SCHEMA}.{name}: {error}.") from error

    return Procedure(database, SCHEMA, name, parameters, run)

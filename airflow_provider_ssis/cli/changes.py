"""The changes that a command made before it failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import click

from airflow_provider_ssis.cli.output import printable


@contextmanager
def reporting_changes(
    changes: Mapping[str, Sequence[str]], *, verb: str = "Done", otherwise: str = ""
) -> Iterator[None]:
    """Let an error of the catalog, or Ctrl+C, say what the command changed before it.

    :param changes: the changes by what was done; the block adds to them. Those under an empty text need no words.
    :param verb: what was done, in one word. Default: ``Done``.
    :param otherwise: the sentence if nothing was done. Default: none.
    """
    from airflow_provider_ssis.catalog.errors import CatalogError

    try:
        yield
    except CatalogError as error:
        error.advice = f"{error.advice} {_sentence(changes, verb) or otherwise}".strip()
        raise
    except KeyboardInterrupt:
        if done := _sentence(changes, verb):
            click.echo(printable(done), err=True)
        raise


def _sentence(changes: Mapping[str, Sequence[str]], verb: str) -> str:
    done = [f"{what}: {', '.join(names)}".removeprefix(": ") for what, names in changes.items() if names]
    return f"{verb} before: {'; '.join(done)}." if done else ""

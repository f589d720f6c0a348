"""Values from JSON files, which keep secrets out of the process list."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from airflow_provider_ssis.catalog.requests import Sensitive, Value


class _Repeated(Exception):
    """An object of a JSON file has a key twice."""


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Repeated(key)
        found[key] = value
    return found


def read_json(file: Path, *, keys: Collection[str] | None = None) -> Mapping[str, Any]:
    """A JSON object from a file.

    :param file: the file; ``-`` is the standard input. Numbers with a point become ``Decimal``.
    :param keys: the keys that it may have. Default: any.
    :raises click.UsageError: it cannot be read, is not such an object, or has another key or the same key twice.
    """
    try:
        # As bytes: the locale does not say how another program writes to this one.
        text = (sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()).decode("utf-8-sig")
        content = json.loads(text, parse_float=Decimal, object_pairs_hook=_without_repeats)
    except _Repeated as error:
        raise click.UsageError(f"The file {file} has the key {error.args[0]!r} twice.") from None
    except OSError as error:
        raise click.UsageError(f"The values cannot be read from {file}: {error.strerror}.") from None
    except json.JSONDecodeError as error:
        # The parser's message may quote a secret.
        raise click.UsageError(f"The file {file} is not JSON: see line {error.lineno}, column {error.colno}.") from None
    except (ValueError, RecursionError):
        raise click.UsageError(f"The file {file} is not JSON in UTF-8.") from None
    expected = f" with the keys {', '.join(keys)}" if keys else ""
    if not isinstance(content, Mapping):
        raise click.UsageError(f"The file {file} is not a JSON object{expected}.")
    unknown = sorted(set(content) - set(keys)) if keys else []
    if unknown:
        raise click.UsageError(f"The file {file} has the unknown key {unknown[0]!r}. It is an object{expected}.")
    return content


def value_in(file: Path, where: str, value: Any) -> Value:
    """A value of a file; ``{"sensitive": VALUE}`` is one that is never shown.

    :param file: the file, for messages.
    :param where: the place in it, for messages.
    :param value: what the JSON has there.
    :raises click.UsageError: it is neither a text, a number, true nor false.
    """
    if isinstance(value, Mapping) and set(value) == {"sensitive"}:
        inner = value_in(file, where, value["sensitive"])
        return inner if isinstance(inner, Sensitive) else Sensitive(inner)
    if not isinstance(value, bool | int | Decimal | str):
        raise click.UsageError(f"The file {file}: {where} is neither a text, a number, true nor false.")
    return value

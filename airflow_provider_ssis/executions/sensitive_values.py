"""Values that are marked sensitive in the arguments of a task, as ``{"value": …, "sensitive": true}``."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from airflow_provider_ssis.catalog.requests import Sensitive
from airflow_provider_ssis.exceptions import InvalidTaskArgument

SHORTEST_MASKED = 5
"""Airflow's log masker ignores shorter texts."""

SCALARS = (bool, int, float, Decimal, str, date, UUID)
"""The Python types of values."""

NOTHING = "None"
"""The text of a template that rendered to Python's None."""

FALSE_WORDS = frozenset({"false", "0", "no", ""})
"""Texts that mean False."""

_WRAPPER_KEYS = frozenset({"value", "sensitive"})
_MARK = re.compile(r"""\{.*["']sensitive["']\s*:""", re.IGNORECASE | re.DOTALL)


def protect(name: str, value: Any, *, names: int) -> Any:
    """An argument that holds values, with each sensitive value in a form that nothing shows.

    A value is sensitive if it is in a mapping with the keys ``value`` and ``sensitive``, in upper or lower case, or in
    the JSON text of such a mapping. Numbers, and texts that Airflow's masker ignores, become :class:`Sensitive`.

    :param name: the argument's name, for messages.
    :param value: the argument after templating.
    :param names: how many levels of names are above each value: 1 for parameters, 2 for connection managers.
    :raises InvalidTaskArgument: a mapping with the key ``sensitive`` is not of that form. The message shows no value.
    """
    if isinstance(value, str):
        decoded = marked_object(name, value, is_whole=names > 0)
        return value if decoded is None else protect(name, decoded, names=names)
    if isinstance(value, list | tuple):
        return [protect(name, item, names=0) for item in value]
    if not isinstance(value, Mapping):
        return value
    if names > 0:
        if _folded(value) == _WRAPPER_KEYS:
            raise InvalidTaskArgument(
                f"The argument {name} is a value with the mark 'sensitive', but a mapping of names to values is needed "
                'here: {"Name": {"value": …, "sensitive": true}}.'
            )
        return {key: protect(f"{name}[{key!r}]", item, names=names - 1) for key, item in value.items()}
    wrapper = wrapper_of(name, value)
    if wrapper is None:
        return {key: protect(f"{name}[{key!r}]", item, names=0) for key, item in value.items()}
    inner, is_sensitive = wrapper
    is_maskable = isinstance(inner, str) and (len(inner) >= SHORTEST_MASKED or inner.strip() == NOTHING)
    if is_sensitive and inner is not None and not is_maskable and not isinstance(inner, Sensitive):
        inner = Sensitive(inner)
    return {"value": inner, "sensitive": is_sensitive}


def secrets_in(value: Any) -> Iterator[str]:
    """The sensitive texts in an argument, at any depth, as Airflow's masker takes them.

    :param value: the argument before or after templating.
    """
    if isinstance(value, Mapping):
        if _is_sensitive(value):
            yield from _texts_in(value)
        else:
            for item in value.values():
                yield from secrets_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secrets_in(item)
    elif isinstance(value, str) and value.lstrip().startswith("{"):
        for secret in secrets_in(_object_in(value)):
            # Encoded as in the text, and decoded.
            yield from {
                secret,
                json.dumps(secret)[1:-1],
                json.dumps(secret, ensure_ascii=False)[1:-1],
                repr(secret)[1:-1],
            }


def has_mark(text: str) -> bool:
    """Whether a text has a value with the mark ``sensitive`` in it, as JSON or as Python writes a mapping."""
    return _MARK.match(text.lstrip()) is not None


def _object_in(text: str) -> Any:
    """The mapping that a text is, as JSON or as Python writes it; None if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        if not has_mark(text):
            return None
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _texts_in(value: Any) -> Iterator[str]:
    """All texts and numbers in a mapping that is marked sensitive, but its mark."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if str(key).strip().casefold() != "sensitive":
                yield from _texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts_in(item)
    elif isinstance(value, Sensitive):
        yield str(value.value)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _folded(value: Mapping[Any, Any]) -> set[str]:
    return {str(key).strip().casefold() for key in value}


def _is_sensitive(value: Mapping[Any, Any]) -> bool:
    marks = [item for key, item in value.items() if str(key).strip().casefold() == "sensitive"]
    # At the level of names, "sensitive" may be a parameter's name. Masking its value is harmless.
    return any(str(mark).strip().casefold() not in FALSE_WORDS for mark in marks)


def wrapper_of(name: str, value: Mapping[Any, Any]) -> tuple[Any, bool] | None:
    """The value in a wrapper and whether it is sensitive; None if the mapping has not the form of a wrapper.

    :raises InvalidTaskArgument: it has the key ``sensitive`` and is not a wrapper.
    """
    keys = _folded(value)
    if "sensitive" in keys and (keys != _WRAPPER_KEYS or len(keys) != len(value)):
        raise InvalidTaskArgument(
            f'The value of {name} has the key "sensitive" and is not of the form {{"value": …, "sensitive": true}}. '
            f"Its keys are: {', '.join(sorted(map(str, value)))}."
        )
    if not keys or not keys <= _WRAPPER_KEYS or "value" not in keys:
        return None
    inner = next(item for key, item in value.items() if str(key).strip().casefold() == "value")
    is_sensitive = _is_sensitive(value)
    if is_sensitive and not isinstance(inner, (*SCALARS, Sensitive)) and inner is not None:
        raise InvalidTaskArgument(
            f"The value of {name} is marked sensitive and is of the Python type {type(inner).__name__}: give true or "
            "false, a number, text or a date."
        )
    return inner, is_sensitive


def marked_object(name: str, text: str, *, is_whole: bool) -> Any:
    """The JSON object in a text, if a value in it is marked sensitive; None for any other text.

    :param is_whole: whether the text should be a whole mapping of names to values.
    :raises InvalidTaskArgument: the text is not JSON and mentions the mark. The message shows nothing of it.
    """
    looks_like_object = text.lstrip().startswith("{")
    if "sensitive" not in text.casefold() or not (is_whole or looks_like_object):
        return None
    try:
        decoded = json.loads(text)
    except ValueError:
        raise InvalidTaskArgument(
            f"The argument {name} has the mark 'sensitive' in a text that is not JSON. It is not shown, because it may "
            "contain a secret. Add | tojson to the template, or give a dict."
        ) from None
    if not isinstance(decoded, Mapping):
        return None
    # A text that is a value is text for the package, unless it is a wrapper itself.
    return decoded if is_whole or _folded(decoded) == _WRAPPER_KEYS else None

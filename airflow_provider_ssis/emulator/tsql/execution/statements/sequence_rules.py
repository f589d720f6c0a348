"""The definitions of sequences: defaults, limits and changes."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.language.named_object_syntax import NO, SequenceOptions
from airflow_provider_ssis.emulator.tsql.metadata.objects import DEFAULT_CACHE, SequenceObject
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_LIMITS: Final = {
    "tinyint": (0, 2**8 - 1),
    "smallint": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}


def new_sequence(database: str, schema: str, name: str, kind: SqlType, options: SequenceOptions) -> SequenceObject:
    """The sequence of a CREATE SEQUENCE.

    :raises SqlError: 11702 and others, as :func:`_checked`.
    """
    least, most = _limits(name, kind)
    increment = 1 if options.increment is None else options.increment
    minimum = options.minimum if isinstance(options.minimum, int) else least
    maximum = options.maximum if isinstance(options.maximum, int) else most
    start = options.start if options.start is not None else minimum if increment > 0 else maximum
    sequence = SequenceObject(
        *(database, schema, name, kind, start, increment, minimum, maximum, bool(options.cycles)),
        *(options.cache or DEFAULT_CACHE, secrets.token_hex(16)),
    )
    return _checked(sequence)


def altered_sequence(
    old: SequenceObject, options: SequenceOptions, last: int | None, *, restarts: bool
) -> SequenceObject:
    """The sequence after an ALTER SEQUENCE.

    :param last: its last value; None while there is none.
    :raises SqlError: 11702 and others, as :func:`_checked`; 11704, the last value is outside of the new limits.
    """
    least, most = _limits(old.name, old.type)
    limits = {NO: least, None: old.minimum}, {NO: most, None: old.maximum}
    minimum = options.minimum if isinstance(options.minimum, int) else limits[0][options.minimum]
    maximum = options.maximum if isinstance(options.maximum, int) else limits[1][options.maximum]
    new = replace(
        old,
        increment=old.increment if options.increment is None else options.increment,
        minimum=minimum,
        maximum=maximum,
        start=old.start if options.start is None else options.start,
        cycles=old.cycles if options.cycles is None else options.cycles,
        cache=options.cache or old.cache,
        key=secrets.token_hex(16) if restarts else old.key,
    )
    if not restarts and last is not None and not minimum <= last <= maximum:
        text = f"The current value '{last}' for sequence object '{old.name}' must be between the minimum and maximum."
        raise SqlError(11704, text)
    return _checked(new)


def _limits(name: str, kind: SqlType) -> tuple[int, int]:
    if kind.name in ("decimal", "numeric") and not kind.scale:
        most = 10 ** (kind.precision or 0) - 1
        return -most, most
    if kind.name not in _LIMITS:
        text = (
            f"The sequence object '{name}' must be of data type int, bigint, smallint, tinyint, or decimal or numeric "
            "with a scale of 0."
        )
        raise SqlError(11702, text)
    return _LIMITS[kind.name]


def _checked(sequence: SequenceObject) -> SequenceObject:
    """The sequence itself.

    :raises SqlError: 11700, 11701, 11703, 11705, 11708: its numbers do not fit.
    """
    name = sequence.name
    least, most = _limits(name, sequence.type)
    for word, value in (("MINVALUE", sequence.minimum), ("MAXVALUE", sequence.maximum), ("START WITH", sequence.start)):
        if not least <= value <= most:
            raise SqlError(11708, f"An invalid value was specified for argument '{word}' for the given data type.")
    if not sequence.increment:
        raise SqlError(11700, f"The increment for sequence object '{name}' cannot be zero.")
    if sequence.minimum >= sequence.maximum:
        raise SqlError(11705, f"The minimum value for sequence object '{name}' must be less than its maximum value.")
    if abs(sequence.increment) > sequence.maximum - sequence.minimum:
        text = f"The increment of sequence object '{name}' must not exceed its maximum minus its minimum."
        raise SqlError(11701, text)
    if not sequence.minimum <= sequence.start <= sequence.maximum:
        text = f"The start value for sequence object '{name}' must be between its minimum and maximum value."
        raise SqlError(11703, text)
    return sequence

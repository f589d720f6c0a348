"""``sp_sequence_get_range``."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified, split_name
from airflow_provider_ssis.emulator.tsql.metadata.sequence_views import as_variant
from airflow_provider_ssis.emulator.tsql.metadata.signatures import parse_signature
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError


async def _get_range(call: ProcedureCall) -> None:
    """208, 11726: there is no such sequence; 229 without the UPDATE right; 11728, 11732: it has less values left."""
    session, name, size = call.session, call.arguments["sequence_name"], call.arguments["range_size"]
    sequence = session.metadata.sequence(*qualified(split_name(name or ""), session.database))
    if not session.may("UPDATE", sequence.database, sequence.schema, sequence.name):
        text = f"The UPDATE permission was denied on the object '{sequence.name}', database '{sequence.database}'."
        raise SqlError(229, text, severity=14, state=5)
    if size is None or size < 1:
        raise SqlError(11735, f"The range size '{size}' is not valid. It must be greater than 0.")
    taken = session.engine.sequences.take(sequence, size)
    outputs = {
        "range_first_value": taken.first,
        "range_last_value": taken.last,
        "sequence_increment": sequence.increment,
        "sequence_min_value": sequence.minimum,
        "sequence_max_value": sequence.maximum,
    }
    for key, value in outputs.items():
        call.set_output(key, as_variant(sequence, value))
    call.set_output("range_cycle_count", taken.cycles)


PROCEDURES: Final = (
    Procedure(
        "master",
        "sys",
        "sp_sequence_get_range",
        parse_signature(
            "@sequence_name nvarchar(776), @range_size bigint, @range_first_value sql_variant OUTPUT, "
            "@range_last_value sql_variant = NULL OUTPUT, @range_cycle_count int = NULL OUTPUT, @sequence_increment "
            "sql_variant = NULL OUTPUT, @sequence_min_value sql_variant = NULL OUTPUT, @sequence_max_value sql_variant "
            "= NULL OUTPUT"
        ),
        _get_range,
    ),
)

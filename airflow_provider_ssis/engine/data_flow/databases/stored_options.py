"""Options that several database components store: code pages, ODBC bindings and the options of a fast load."""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import flag_of, number_of
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import other_values
from airflow_provider_ssis.engine.refusals import Refusal

CODE_PAGES = frozenset(("DefaultCodePage", "AlwaysUseDefaultCodePage"))
"""DefaultCodePage has no effect: drivers return text as Unicode, and each column declares its code page."""

ODBC = frozenset(
    ("BatchSize", "LobChunkSize", "StatementTimeout", "DefaultCodePage", "BindNumericAs", "BindCharColumnsAs")
)
"""Properties of both ODBC components.

The sizes and bindings decide how a driver passes values, not which; a size of a destination's batch is used.
"""

_OPTION = re.compile(
    r"\s*(?:(TABLOCK|CHECK_CONSTRAINTS|FIRE_TRIGGERS|ORDER(?=\s*\())|(?:ROWS|KILOBYTES)_PER_BATCH\s*=\s*\d+)"
    r"(?:\s*\([^()]*\))?\s*(?:,|$)",
    re.IGNORECASE,
)
_SAME_PAGES = "Choose columns with the same code page, or set AlwaysUseDefaultCodePage to false."


def fast_load_words(text: str) -> frozenset[str]:
    """Return the options of a fast load, in upper case.

    ROWS_PER_BATCH and KILOBYTES_PER_BATCH are left out: they are estimates for the server's optimizer.

    :param text: the property FastLoadOptions: ``TABLOCK,CHECK_CONSTRAINTS,ROWS_PER_BATCH = 50000``.
    :raises ValueError: it contains something else; the exception has the text.
    """
    found = set()
    position, text = 0, text.strip()
    while position < len(text):
        match = _OPTION.match(text, position)
        if match is None:
            raise ValueError(text[position:].strip())
        if match[1]:
            found.add(match[1].upper())
        position = match.end()
    return frozenset(found)


def fast_load_refusals(plan: ComponentPlan) -> Iterator[Refusal]:
    """Yield the options of a fast load that the engine does not support."""
    try:
        words = fast_load_words(plan.text("FastLoadOptions"))
    except ValueError as error:
        options = "TABLOCK, CHECK_CONSTRAINTS, FIRE_TRIGGERS, ROWS_PER_BATCH = n, KILOBYTES_PER_BATCH = n"
        yield Refusal(
            plan.path, f"the fast load option {error}", "the engine does not know it", f"The options are: {options}."
        )
        return
    if "ORDER" in words:
        why = "the server rejects rows that are not in this order, and the engine does not pass the order on"
        yield Refusal(plan.path, "the fast load option ORDER", why, "Remove it.")


def code_page_refusals(plan: ComponentPlan) -> Iterator[Refusal]:
    """Yield the columns with another code page than the one that the component always uses."""
    properties = plan.stored.properties
    if not flag_of(properties, "AlwaysUseDefaultCodePage"):
        return
    page = number_of(properties, "DefaultCodePage")
    columns = [column for each in plan.stored.inputs for column in each.external_columns]
    columns += [column for each in plan.stored.outputs for column in each.external_columns]
    for column in columns:
        stored = column.data_type.code_page
        if stored and stored != page:
            why = f"the column {column.name} has the code page {stored}, and the default is {page}"
            yield Refusal(plan.path, "the property AlwaysUseDefaultCodePage", why, _SAME_PAGES)


def odbc_binding_refusals(plan: ComponentPlan) -> Iterator[Refusal]:
    """Yield bindings of an ODBC component that do not exist."""
    for name in ("BindNumericAs", "BindCharColumnsAs"):
        yield from other_values(plan, name, ("0", "1"), "the engine does not know this value", "Set it to 0 or 1.")

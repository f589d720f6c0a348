"""The locale of numbers and dates in a flat file."""

from __future__ import annotations

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.errors import TaskFailure

_OTHER_LOCALE = 0xC02020D2
"""DTS_E_MISMATCHCOMPONENTCONNECTIONMANAGERLOCALEID."""


def file_locale(plan: ComponentPlan, locale_id: int) -> int:
    """Return the locale of a file: that of the connection manager, or else of the component or task.

    :param plan: the source or destination.
    :param locale_id: the locale of the connection manager; 0 for none.
    :raises TaskFailure: 0xC02020D2, the component has another locale than its connection manager.
    """
    own = plan.stored.locale_id
    if own and locale_id and own != locale_id:
        raise TaskFailure(
            f"{plan.stored.name} has the locale {own}, and its connection manager {locale_id}: numbers and dates would "
            "have two meanings. Give both the same locale.",
            _OTHER_LOCALE,
        )
    return locale_id or plan.locale_id

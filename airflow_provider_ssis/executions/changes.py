"""Changes of the catalog's values, one after the other: only different values are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.catalog.codes import ValueType
from airflow_provider_ssis.catalog.errors import CatalogError
from airflow_provider_ssis.catalog.parameter_types import is_same_value
from airflow_provider_ssis.catalog.requests import Sensitive, VariableReference

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ssis.catalog.models import ObjectParameter
    from airflow_provider_ssis.catalog.requests import Value
    from airflow_provider_ssis.catalog.sql.variants import VariantValue


@dataclass(slots=True)
class Changes:
    """The changes of a task.

    :param done: what was changed, in order.
    :param unchanged: what had its value already.
    """

    done: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)

    def apply(self, name: str, change: Callable[[], object] | None) -> None:
        """Make one change.

        :param name: what is changed.
        :param change: changes it; None if it has its value already.
        :raises CatalogError: the change failed. The error says what was changed before.
        """
        if change is None:
            self.unchanged.append(name)
            return
        try:
            change()
        except CatalogError as error:
            done = (
                f"Changed before: {', '.join(self.done)}. The rest was not changed."
                if self.done
                else "Nothing was changed."
            )
            error.advice = f"{error.advice} {done} The task can be repeated.".strip()
            raise
        self.done.append(name)

    @property
    def result(self) -> dict[str, Any]:
        """What a task returns: ``changed`` and ``unchanged``, the names."""
        return {"changed": self.done, "unchanged": self.unchanged}


def has_value(parameter: ObjectParameter, wanted: Value | VariableReference) -> bool:
    """Whether a parameter has a value or a binding already. A sensitive value cannot be read, so it never counts.

    :param parameter: the parameter as it is.
    :param wanted: the value, or the variable that gives it.
    """
    if isinstance(wanted, VariableReference):
        return parameter.value_type is ValueType.REFERENCE and parameter.referenced_variable_name == wanted.name
    if not parameter.value_set or parameter.value_type is not ValueType.VALUE:
        return False
    return is_unchanged(parameter.default_value, wanted, parameter.data_type, sensitive=parameter.sensitive)


def is_unchanged(current: VariantValue, wanted: Value, data_type: str, *, sensitive: bool) -> bool:
    """Whether a value in the catalog equals a given one.

    :param current: the catalog's value.
    :param wanted: the given value.
    :param data_type: the SSIS type of the parameter or variable.
    :param sensitive: the catalog does not show its value.
    """
    if sensitive or isinstance(wanted, Sensitive) or current is None or isinstance(current, bytes):
        return False
    return is_same_value(current, wanted, data_type)

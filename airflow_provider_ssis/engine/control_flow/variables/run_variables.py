"""A variable in a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ssis.engine.control_flow.variables.values import default_of, stored_value
from airflow_provider_ssis.project.package.variables import DtsVariable


@dataclass(slots=True, eq=False)
class RunVariable:
    """A variable in a run.

    :param name: with its namespace.
    :param owner: the path of the container that declares it.
    :param stored_expression: its expression; empty for none.
    :param is_evaluated: whether each read evaluates the expression (EvaluateAsExpression).
    """

    name: str
    owner: str
    type: str
    value: Any = field(repr=False)
    stored_expression: str = ""
    read_only: bool = False
    raise_changed_event: bool = False
    id: str = ""
    description: str = ""
    is_evaluated: bool = True

    @property
    def expression(self) -> str:
        """The expression that each read evaluates; empty for none."""
        return self.stored_expression if self.is_evaluated else ""

    @classmethod
    def of(cls, stored: DtsVariable, owner: str) -> RunVariable:
        """Return a variable with the value that the package stores.

        :raises ValueError: the type is unknown, or the stored text is not a value of it.
        """
        return cls(
            stored.qualified_name,
            owner,
            stored.data_type,
            stored_value(stored.text, stored.data_type) if stored.text else default_of(stored.data_type),
            stored.expression,
            stored.read_only,
            stored.raise_changed_event,
            stored.id,
            stored.description,
            # An expression that a property path sets is evaluated, unless another one is stored that is not.
            stored.evaluate_as_expression or not stored.expression,
        )

"""The names that an expression can use: variables, parameters and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from airflow_provider_ssis.datatypes import ColumnType
from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.conversion import Value
from airflow_provider_ssis.expressions.errors import Fault


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable or parameter.

    :param type: its type; None for a type that expressions cannot use, such as Object.
    :param value: its value, as :func:`~airflow_provider_ssis.expressions.values.from_python` returns it.
    """

    type: ColumnType | None
    value: Value | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a data flow.

    :param name: the name.
    :param type: the type.
    :param source: the name of the input or component that it can be qualified with. Default: an empty text, none.
    :param lineage: the lineage ids, as expressions write them: ``#123`` or ``#{refId}``. Default: none.
    """

    name: str
    type: ColumnType
    source: str = ""
    lineage: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that an expression can use.

    :param variables: variables by ``Namespace::Name``, and parameters by ``$Project::Name`` and ``$Package::Name``.
    :param columns: the columns of the row; None where there are none, as in property expressions, variables and
        precedence constraints. Default: None.
    """

    variables: Mapping[str, Variable] = field(default_factory=dict)
    columns: Sequence[Column] | None = None

    def variable(self, name: str) -> tuple[str, Variable]:
        """Return a variable with its full name. Names are case-sensitive.

        :param name: ``Namespace::Name``, or ``Name`` if only one namespace has it.
        :raises Fault: there is no such variable, or more than one.
        """
        if name in self.variables:
            return name, self.variables[name]
        found = [] if "::" in name else [full for full in self.variables if full.rpartition("::")[2] == name]
        if len(found) > 1:
            reason = (
                f"The variable {name!r} exists in several namespaces: write one of @[{'], @['.join(sorted(found))}]"
            )
            raise Fault(Code.DTS_E_EXPREVALAMBIGUOUSVARIABLENNAME, reason)
        if not found:
            similar = [full for full in self.variables if full.lower() == name.lower()]
            hint = f"; names are case-sensitive, and there is {similar[0]!r}" if similar else ""
            raise Fault(Code.DTS_E_EXPREVALVARIABLENOTFOUND, f"There is no variable {name!r}{hint}")
        return found[0], self.variables[found[0]]

    def column(self, name: str, source: str) -> int:
        """Return the index of a column.

        :param name: the column's name.
        :param source: the input's name; an empty text if the expression has none.
        :raises Fault: there is no such column, more than one, or no columns at all.
        """
        if self.columns is None:
            reason = f"{name!r} is not a variable: write a variable as @[User::{name}]; only data flows have columns"
            raise Fault(Code.DTS_E_EXPREVALNOINPUTCOLUMNCOLLECTIONFORCOLUMNNAME, reason)
        found = [
            index
            for index, column in enumerate(self.columns)
            if column.name == name and (not source or column.source == source)
        ]
        if len(found) > 1 and not source:
            reason = f"Several inputs have the column {name!r}: write [Input].[{name}]"
            raise Fault(Code.DTS_E_EXPREVALAMBIGUOUSINPUTCOLUMNNAME, reason)
        if not found:
            if source:
                reason = f"There is no input column [{source}].[{name}]"
                raise Fault(Code.DTS_E_EXPREVALDOTTEDINPUTCOLUMNNAMENOTFOUND, reason)
            reason = f"There is no input column {name!r}"
            raise Fault(Code.DTS_E_EXPREVALINPUTCOLUMNNAMENOTFOUND, reason)
        return found[0]

    def lineage(self, reference: str) -> int:
        """Return the index of the column with a lineage id.

        :param reference: ``#123`` or ``#{refId}``.
        :raises Fault: there is no such column, or no columns at all.
        """
        if self.columns is None:
            reason = f"{reference} names a column, and only data flows have columns"
            raise Fault(Code.DTS_E_EXPREVALNOINPUTCOLUMNCOLLECTIONFORCOLUMNID, reason)
        for index, column in enumerate(self.columns):
            if reference in column.lineage:
                return index
        raise Fault(
            Code.DTS_E_EXPREVALINPUTCOLUMNIDNOTFOUND, f"There is no input column with the lineage id {reference}"
        )

"""A connection manager, as the builder writes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.flat_files import FlatFile
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.xml import element, expressions

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.models import ParameterValue

_NOT_IN_FILES = re.compile(r'[\\/:*?"<>|]')

CatalogParameter = tuple[str, "ParameterValue", bool]
"""A connection parameter: its name, its value (None: none is stored), and whether it is sensitive."""


@dataclass(slots=True)
class ConnectionManagerBuilder:
    """A connection manager. Give it to tasks, which store its id.

    :param creation_name: its type: ``OLEDB``, ``ADO.NET:…``, ...
    :param part: the file that contains it.
    :param project_level: whether it is a connection manager of the project.
    :param inner: the elements inside ``DTS:ObjectData``.
    :param parameters: its connection parameters in the catalog.
    :param flat_file: the format of a flat file.
    :param cache_columns: the columns of a cache.
    """

    name: str
    id: str
    creation_name: str
    part: str
    project_level: bool
    inner: Sequence[_Element] = field(repr=False)
    parameters: tuple[CatalogParameter, ...] = field(repr=False)
    description: str = ""
    delay_validation: bool = False
    flat_file: FlatFile | None = field(default=None, repr=False)
    cache_columns: tuple[Column, ...] = field(default=(), repr=False)
    expressions: dict[str, str] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """The file of a connection manager of the project. What no file name contains is replaced by ``_``."""
        return f"{_NOT_IN_FILES.sub('_', self.name)}.conmgr"

    @property
    def kind(self) -> str:
        """The type without details: ``ADO.NET``."""
        return self.creation_name.partition(":")[0]

    @property
    def ref_id(self) -> str:
        """The reference that data flows use."""
        return f"{'Project' if self.project_level else 'Package'}.ConnectionManagers[{self.name}]"

    def set_expression(self, name: str, expression: str) -> None:
        """Set a property by an expression.

        :param name: the property: ``ConnectionString``, ``ServerName``, ...
        :param expression: the expression.
        """
        self.expressions[name] = expression

    def element(self) -> _Element:
        """Return ``DTS:ConnectionManager``."""
        made = element(
            "ConnectionManager",
            {
                "refId": None if self.project_level else self.ref_id,
                "CreationName": self.creation_name,
                "DelayValidation": self.delay_validation,
                "Description": self.description or None,
                "DTSID": self.id,
                "ObjectName": self.name,
            },
        )
        made.extend(expressions(self.expressions))
        data = element("ObjectData")
        data.extend(list(self.inner))
        made.append(data)
        return made

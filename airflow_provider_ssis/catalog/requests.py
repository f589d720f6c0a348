"""Arguments of the catalog client that have many parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.codes import LoggingLevel


@dataclass(frozen=True, slots=True)
class Sensitive:
    """A value that must not appear in logs or messages. SSISDB encrypts a sensitive property override."""

    value: ParameterValue = field(repr=False)

    def __str__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True)
class VariableReference:
    """A parameter's value that comes from an environment variable, if the execution uses an environment."""

    name: str


@dataclass(frozen=True, slots=True)
class PackageWatch:
    """A package of which an execution is waited for.

    :param since: only executions that were created at or after this time count. It must have a time zone.
    """

    folder: str
    project: str
    package: str
    since: datetime


class EnvironmentScope(StrEnum):
    """Which environment references a validation uses; the values are the catalog's letters."""

    ALL = "A"
    """Each of the project's references in turn."""
    SINGLE = "S"
    """One reference."""
    NONE = "D"
    """No reference: parameters have the values that are set on the project."""


ParameterValue = bool | int | float | Decimal | str | date | UUID
"""A value for a parameter, property or variable. ``datetime`` is a ``date``."""

Value = ParameterValue | Sensitive


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRequest:
    """One execution of a package: what to run, with which values and options.

    Values are sent with the type that the parameter has in the catalog. Text is converted if it can be read as that
    type (``"5"`` for Int32, ``"2024-02-29"`` for DateTime, ``"true"`` for Boolean). A date with a UTC offset is
    refused, because SSIS has no time zones.

    :param folder: the folder of the project.
    :param project: the project's name.
    :param package: the package's name, with its ``.dtsx``.
    :param environment: name of the environment whose variables the run uses: ``"Env"`` (in whichever folder the project
        refers to), ``"Folder/Env"``, or ``"./Env"`` for the project's own folder. Default: none.
    :param environment_folder: folder of the environment; ``environment`` is then its bare name, slashes included.
    :param reference_id: id of the environment reference, instead of ``environment``.
    :param parameters: values of package parameters, by name.
    :param project_parameters: values of project parameters, by name.
    :param connection_managers: values of connection managers' properties:
        ``{"Warehouse": {"ServerName": "dw01", "InitialCatalog": "DW"}}``. A connection manager's property that the
        catalog knows as a parameter (``CM.Warehouse.ServerName``) is set as one, any other by a property override.
    :param property_overrides: values of any property, by its path:
        ``{r"\\Package\\Load.Properties[Disable]": "true"}``. A wrong path fails the execution.
    :param logging_level: a :class:`~airflow_provider_ssis.catalog.codes.LoggingLevel`, its number or name
        (``"basic"``), or the name of a customized logging level. Default: the server's.
    :param use32bit: run with the 32-bit runtime. Default: False.
    :param run_in_scale_out: run on a Scale Out worker. Default: what is set on the server.
    :param use_any_worker: with Scale Out, run on any worker. Default: the server's, which is True.
    :param synchronized: let ``start_execution`` return only when the package has ended, without a time limit.
        Default: False.
    :param caller_info: text for the server option CALLER_INFO, which identifies the execution. Default: none.
    """

    folder: str
    project: str
    package: str
    environment: str | None = None
    environment_folder: str | None = None
    reference_id: int | None = None
    parameters: Mapping[str, Value] = field(default_factory=dict, repr=False)
    project_parameters: Mapping[str, Value] = field(default_factory=dict, repr=False)
    connection_managers: Mapping[str, Mapping[str, Value]] = field(default_factory=dict, repr=False)
    property_overrides: Mapping[str, Value] = field(default_factory=dict, repr=False)
    logging_level: LoggingLevel | int | str | None = None
    use32bit: bool = False
    run_in_scale_out: bool | None = None
    use_any_worker: bool | None = None
    synchronized: bool = False
    caller_info: str | None = None

    @property
    def path(self) -> str:
        """``folder/project/package``."""
        return f"{self.folder}/{self.project}/{self.package}"

    @property
    def sensitive_parameters(self) -> frozenset[str]:
        """The names of the parameters whose values are given as :class:`Sensitive`, with those of connections."""
        given = {
            **self.project_parameters,
            **self.parameters,
            **{
                f"CM.{manager}.{name}": value
                for manager, properties in self.connection_managers.items()
                for name, value in properties.items()
            },
        }
        return frozenset(name for name, value in given.items() if isinstance(value, Sensitive))


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """Identifies the execution of one caller, so that repeated and concurrent calls get the same execution.

    :param key: text in the server option CALLER_INFO by which the execution is found again. None leaves the option
        alone; the execution is then found by ``known_id`` only.
    :param attempt: the number of the caller's attempt; later ones have higher numbers. It follows the key in
        CALLER_INFO, with a ``}`` after it. A call is refused if an execution of a later attempt exists. Default: no
        number.
    :param key_prefix: prefix of all keys whose executions must not be active at the same time, such as earlier
        executions of the same task. Default: none.
    :param known_id: id of the execution that the caller saved earlier. Default: none.
    :param previous_id: id of an earlier execution of the caller that must have ended before a new one starts.
        Default: none.
    :param lock: name of the application lock that each call holds, at most 255 characters.
    :param exclusive: no other execution of the same package may be active, regardless of its key. Default: False.
    :param lookback: maximum age of the execution to find, in seconds by the server's clock. Default: a week.
    """

    key: str | None
    attempt: int | None = None
    key_prefix: str | None = None
    known_id: int | None = None
    previous_id: int | None = None
    lock: str
    exclusive: bool = False
    lookback: int = 7 * 24 * 3600

    @property
    def caller_info(self) -> str | None:
        """The text for CALLER_INFO; None if the option is left alone."""
        return self.key if self.key is None or self.attempt is None else f"{self.key}{self.attempt}}}"

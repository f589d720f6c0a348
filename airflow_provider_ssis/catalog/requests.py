"""What a client asks of the catalog, where it takes more than a few arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.codes import LoggingLevel


@dataclass(frozen=True, slots=True)
class Sensitive:
    """A value that must show in no log, message or representation. SSISDB encrypts a sensitive property override."""

    value: ParameterValue = field(repr=False)

    def __str__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True)
class VariableReference:
    """A parameter's value that comes from the environment variable of this name when a run uses an environment."""

    name: str


ParameterValue = bool | int | float | Decimal | str | date | UUID
"""A value for a parameter, property or variable. ``datetime`` is a ``date``."""

Value = ParameterValue | Sensitive


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRequest:
    """Everything that makes up one run of a package.

    Values are sent with the type that the parameter has in the catalog; text is converted where it can be read as that
    type (``"5"`` for Int32, ``"2024-02-29"`` for DateTime, ``"true"`` for Boolean).

    :param folder: the folder of the project.
    :param project: the project's name.
    :param package: the package's name, with its ``.dtsx``.
    :param environment: name of the environment whose variables the run uses: ``"Env"`` (in whichever folder the project
        refers to), ``"Folder/Env"``, or ``"./Env"`` for the project's own folder. Default: none.
    :param environment_folder: folder of the environment, where its name is not to be split at a slash.
    :param reference_id: id of the environment reference, instead of ``environment``.
    :param parameters: values of package parameters, by name.
    :param project_parameters: values of project parameters, by name.
    :param connection_managers: values of connection managers' properties:
        ``{"Warehouse": {"ServerName": "dw01", "InitialCatalog": "DW"}}``. A connection manager's property that the
        catalog knows as a parameter (``CM.Warehouse.ServerName``) is set as one, any other by a property override.
    :param property_overrides: values of any property, by its path:
        ``{r"\\Package\\Load.Properties[Disable]": "true"}``. The catalog takes any path; a wrong one fails in the run.
    :param logging_level: a :class:`~airflow_provider_ssis.catalog.codes.LoggingLevel`, its number or name
        (``"basic"``), or the name of a customized logging level. Default: the server's.
    :param use32bit: run with the 32-bit runtime. Default: False.
    :param run_in_scale_out: run on a Scale Out worker. Default: what is set on the server.
    :param use_any_worker: with Scale Out, run on any worker. Default: the server's, which is True.
    :param synchronized: let ``start_execution`` return when the package has ended, without any limit of time.
        Default: False.
    :param caller_info: text for the server option CALLER_INFO, by which a run can be recognised later. Default: none.
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
    def sensitive_parameters(self) -> frozenset[str]:
        """The names of the parameters whose values are marked sensitive, also those of connection managers."""
        named = [*self.parameters.items(), *self.project_parameters.items()]
        for manager, properties in self.connection_managers.items():
            named += [(f"CM.{manager}.{name}", value) for name, value in properties.items()]
        return frozenset(name for name, value in named if isinstance(value, Sensitive))

    @property
    def path(self) -> str:
        """``folder/project/package``."""
        return f"{self.folder}/{self.project}/{self.package}"


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
    :param exclusive: no other execution of the same package may be active, whoever started it. Default: False.
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

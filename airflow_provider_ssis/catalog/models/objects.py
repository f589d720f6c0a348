"""Rows about folders, projects and environments."""

from dataclasses import dataclass, field
from datetime import datetime

from airflow_provider_ssis.catalog.codes import ObjectType, ReferenceType, ValidationStatus, ValueType
from airflow_provider_ssis.catalog.sql.variants import VariantValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A row of ``catalog.folders``."""

    folder_id: int
    name: str
    description: str | None
    created_by_name: str
    created_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A row of ``catalog.projects``; ``folder_name`` comes from ``catalog.folders``.

    ``object_version_lsn`` is the version now in use: it changes with every deployment.
    """

    project_id: int
    folder_id: int
    folder_name: str
    name: str
    description: str | None
    project_format_version: int | None
    deployed_by_name: str
    last_deployed_time: datetime
    created_time: datetime
    object_version_lsn: int
    validation_status: ValidationStatus
    last_validation_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A finished deployment of a project."""

    folder: str
    project: str
    project_id: int
    object_version_lsn: int
    operation_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A row of ``catalog.packages``; the name ends in ``.dtsx``."""

    package_id: int
    project_id: int
    name: str
    package_guid: str
    description: str | None
    package_format_version: int
    version_major: int
    version_minor: int
    version_build: int
    version_comments: str | None
    version_guid: str
    entry_point: bool
    validation_status: ValidationStatus
    last_validation_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectParameter:
    """A row of ``catalog.object_parameters``: a parameter of a project or of a package.

    ``object_type`` is PROJECT or PACKAGE and ``object_name`` the name of that project or package. A ``value_type`` of
    VALUE means that ``default_value`` is the value, REFERENCE that the environment variable
    ``referenced_variable_name`` gives it. Values marked sensitive are None.
    """

    parameter_id: int
    project_id: int
    object_type: ObjectType
    object_name: str
    parameter_name: str
    data_type: str
    required: bool
    sensitive: bool
    description: str | None
    design_default_value: VariantValue = field(repr=False)
    default_value: VariantValue = field(repr=False)
    value_type: ValueType
    value_set: bool
    referenced_variable_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A row of ``catalog.environments``; ``folder_name`` comes from ``catalog.folders``."""

    environment_id: int
    folder_id: int
    folder_name: str
    name: str
    description: str | None
    created_by_name: str
    created_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentVariable:
    """A row of ``catalog.environment_variables``. The value of a sensitive variable is None."""

    variable_id: int
    environment_id: int
    name: str
    description: str | None
    type: str
    sensitive: bool
    value: VariantValue = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentReference:
    """A row of ``catalog.environment_references``.

    A reference of type RELATIVE means the environment in the project's own folder and has no
    ``environment_folder_name``; type ABSOLUTE names the folder.
    """

    reference_id: int
    project_id: int
    reference_type: ReferenceType
    environment_folder_name: str | None
    environment_name: str
    validation_status: ValidationStatus
    last_validation_time: datetime | None

    def __str__(self) -> str:
        folder = "." if self.environment_folder_name is None else self.environment_folder_name
        return f"{folder}/{self.environment_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectVersion:
    """A row of ``catalog.object_versions``: a version of a project that the catalog keeps.

    :param is_current: it is the version in use.
    """

    object_version_lsn: int
    object_id: int
    object_name: str
    description: str | None
    created_by: str
    created_time: datetime
    restored_by: str | None
    last_restored_time: datetime | None
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterValue:
    """A row of ``catalog.get_parameter_values``: the value that an execution of a package would have.

    The value is None where it is sensitive, or where ``value_set`` is False.
    """

    parameter_id: int
    object_type: ObjectType
    parameter_data_type: str
    parameter_name: str
    parameter_value: VariantValue = field(repr=False)
    sensitive: bool
    required: bool
    value_set: bool

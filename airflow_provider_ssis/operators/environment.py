"""Environments with their variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ssis.catalog.errors import FolderNotFound
from airflow_provider_ssis.catalog.parameter_types import SSIS_TYPES
from airflow_provider_ssis.catalog.project_references import missing_reference, split_project
from airflow_provider_ssis.catalog.requests import Sensitive
from airflow_provider_ssis.exceptions import InvalidTaskArgument
from airflow_provider_ssis.executions.arguments import list_of_names, names_of, optional_text, required_text, values_of
from airflow_provider_ssis.executions.changes import Changes, is_unchanged
from airflow_provider_ssis.operators.base import SsisTask
from airflow_provider_ssis.operators.dag_checks import (
    check_name,
    check_optional_text,
    check_switches,
    check_values,
    is_known,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import Environment, EnvironmentVariable
    from airflow_provider_ssis.catalog.requests import Value

_NAME_ARGUMENTS: dict[str, Callable[[str, Any], object]] = {
    "types": names_of,
    "descriptions": names_of,
    "projects": list_of_names,
}


class SsisEnvironmentOperator(SsisTask, BaseOperator):
    """Bring an environment with its variables into a state: create what is missing, update what differs.

    A variable that has its value already is not written. The catalog does not show sensitive values, so those are
    always written. A variable that is sensitive in the catalog stays so, also if its value is given without the mark.
    If the catalog refuses a value, the error says what was changed before; a retry does no harm.

    Take secrets from Airflow's connections, variables or secrets backend by template:
    ``{"value": "{{ conn.warehouse.password }}", "sensitive": True}``.

    :param folder: the catalog's folder. (templated)
    :param environment: the environment's name. (templated)
    :param variables: values by the names of variables. A sensitive value is
        ``{"value": …, "sensitive": True}``. (templated)
    :param types: SSIS types by the names of variables, ``{"Port": "Int32"}``. A variable of another type is replaced.
        Default: the variable's type; for a new one the type of the Python value (Boolean, Int32 or Int64, Double,
        Decimal, DateTime, String). (templated)
    :param descriptions: descriptions by the names of variables. (templated)
    :param description: what the environment is for. Default: as it is. (templated)
    :param projects: projects that must have a reference to the environment: ``Mart`` for one in the same folder,
        ``Folder/Mart`` for any other. Further references stay. (templated)
    :param delete_other_variables: delete variables that are not in ``variables``, which must then be given; ``{}``
        deletes all. Default: False.
    :param create_folder: create the catalog's folder if it does not exist. Default: False.
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :return: ``environment_id``, ``created``, ``changed`` and ``unchanged``: the names of variables and references.
    :raises InvalidTaskArgument: when the DAG is parsed: an argument cannot be used.
    :raises RenderedToNothing: the template of an argument rendered to ``None``.
    :raises WrongParameterType: a value does not fit its variable's type.
    :raises FolderNotFound: there is no such folder.
    :raises ProjectNotFound: there is no such project.
    :raises PermissionDenied: the login may not change the environment, or not create it.
    :raises CatalogError: another error of the catalog; see :mod:`airflow_provider_ssis.catalog.errors`.
    """

    template_fields: Sequence[str] = (
        "folder",
        "environment",
        "variables",
        "types",
        "descriptions",
        "description",
        "projects",
        "ssis_conn_id",
    )
    template_fields_renderers = dict.fromkeys(("variables",), "json")
    ui_color = "#e4f1e1"

    def __init__(
        self,
        *,
        folder: str,
        environment: str,
        variables: Mapping[str, Any] | str | None = None,
        types: Mapping[str, str] | str | None = None,
        descriptions: Mapping[str, str] | str | None = None,
        description: str | None = None,
        projects: Sequence[str] | str = (),
        delete_other_variables: bool = False,
        create_folder: bool = False,
        ssis_conn_id: str = "ssis_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.folder = folder
        self.environment = environment
        self.variables = variables
        self.types = types
        self.descriptions = descriptions
        self.description = description
        self.projects = projects
        self.delete_other_variables = delete_other_variables
        self.create_folder = create_folder
        self.ssis_conn_id = ssis_conn_id
        check_name("ssis_conn_id", ssis_conn_id)
        check_switches(self, "delete_other_variables", "create_folder")
        check_name("folder", folder)
        check_name("environment", environment)
        check_optional_text(self, "description")
        check_values(self)
        for name, read in _NAME_ARGUMENTS.items():
            if is_known(value := getattr(self, name)):
                read(name, value)
        if is_known(types):
            _check_types(names_of("types", types))
        if variables is None:
            self._check_deletion()
        if is_known(variables) and isinstance(variables, Mapping):
            _check_different("variables", variables)
            for name in ("types", "descriptions"):
                if is_known(value := getattr(self, name)):
                    _check_names(name, names_of(name, value), variables)

    def _check_deletion(self) -> None:
        """Check that no template that rendered to nothing deletes all variables.

        :raises InvalidTaskArgument: it would.
        """
        if self.delete_other_variables and (self.variables is None or self.variables == ""):
            raise InvalidTaskArgument(
                f"variables is {self.variables!r}, so delete_other_variables=True would delete all variables of the "
                "environment. If that is meant, give {}. If a template rendered to nothing: did the task that it pulls "
                "from push a value?"
            )

    def execute(self, context: Context) -> dict[str, Any]:
        """Create or update the environment.

        :param context: the task's context.
        :return: see the class.
        """
        folder, name = required_text("folder", self.folder), required_text("environment", self.environment)
        description = optional_text("description", self.description)
        self._check_deletion()
        wanted = values_of("variables", self.variables)
        _check_different("variables", wanted)
        types, descriptions = names_of("types", self.types), names_of("descriptions", self.descriptions)
        _check_names("types", types, wanted)
        _check_names("descriptions", descriptions, wanted)
        projects = [split_project(folder, each) for each in list_of_names("projects", self.projects)]
        changes = Changes()
        with self.hook.open_catalog() as catalog:
            environment = catalog.environment(folder, name)
            created = environment is None
            current = _current(catalog, folder, name)
            for key, value in wanted.items():
                _Variable(folder, name, key, value, types.get(key), None).check(current.get(key.casefold()))
            if environment is None:
                if self.create_folder and catalog.folder(folder) is None:
                    catalog.create_folder(folder, exist_ok=True)
                    self.log.info("Created the folder %s.", folder)
                environment = self._create(catalog, folder, name, description)
                self.log.info("Created the environment %s/%s.", folder, name)
                current = _current(catalog, folder, name)
            elif description is not None and environment.description != description:
                changes.apply("description", lambda: catalog.set_environment_description(folder, name, description))
            for key, value in wanted.items():
                variable = _Variable(folder, name, key, value, types.get(key), descriptions.get(key))
                for change in variable.changes(catalog, current.get(key.casefold())):
                    changes.apply(key, change)
            if self.delete_other_variables:
                for other in current.values():
                    if other.name.casefold() not in {each.casefold() for each in wanted}:
                        changes.apply(other.name, _deletion(catalog, folder, name, other.name))
            for project_folder, project in projects:
                title = f"reference of {project_folder}/{project}"
                changes.apply(title, missing_reference(catalog, folder, name, project_folder, project))
        changed = list(dict.fromkeys(changes.done))
        if changed:
            self.log.info("Changed %s/%s: %s.", folder, name, ", ".join(changed))
        else:
            self.log.info("%s/%s has all values already.", folder, name)
        return {
            "environment_id": environment.environment_id,
            "created": created,
            "changed": changed,
            "unchanged": [each for each in dict.fromkeys(changes.unchanged) if each not in changed],
        }

    def _create(self, catalog: Catalog, folder: str, name: str, description: str | None) -> Environment:
        try:
            return catalog.create_environment(folder, name, description, exist_ok=True)
        except FolderNotFound as error:
            error.advice += " With create_folder=True the task creates the folder."
            raise


@dataclass(frozen=True, slots=True)
class _Variable:
    """What a variable is to be.

    :param data_type: its SSIS type; None for the one that it has.
    :param description: None for the one that it has.
    """

    folder: str
    environment: str
    name: str
    value: Value = field(repr=False)
    data_type: str | None
    description: str | None

    def check(self, current: EnvironmentVariable | None) -> None:
        """Check the value before anything is changed.

        :raises CatalogError: there is no such type, or the value does not fit it.
        """
        from airflow_provider_ssis.catalog.sections.environment_variables import check_variable

        data_type = self.data_type or (None if current is None else current.type)
        sensitive = isinstance(self.value, Sensitive) or (current is not None and current.sensitive)
        check_variable(self.folder, self.environment, self.name, self.value, data_type, is_sensitive=sensitive)

    def changes(self, catalog: Catalog, current: EnvironmentVariable | None) -> list[Callable[[], None] | None]:
        """The calls that make it so; one None if it is so already."""
        place = (self.folder, self.environment, self.name)
        is_other_type = (
            current is not None and self.data_type is not None and current.type.casefold() != self.data_type.casefold()
        )
        sensitive = isinstance(self.value, Sensitive) or (current is not None and current.sensitive)

        def create() -> None:
            description = self.description
            if current is not None:
                description = current.description if description is None else description
            catalog.create_environment_variable(
                *place, self.value, data_type=self.data_type, sensitive=sensitive, description=description
            )

        if current is None:
            return [create]
        if is_other_type:
            return [lambda: catalog.delete_environment_variable(*place), create]
        calls: list[Callable[[], None] | None] = []
        if sensitive and not current.sensitive:
            # First, so that the secret is never stored as plain text.
            calls.append(lambda: catalog.set_environment_variable_protection(*place, sensitive=True))
        if not is_unchanged(current.value, self.value, current.type, sensitive=current.sensitive):
            calls.append(lambda: catalog.set_environment_variable_value(*place, self.value))
        description = self.description
        if description is not None and description != current.description:
            calls.append(lambda: catalog.set_environment_variable_description(*place, description))
        return calls or [None]


def _current(catalog: Catalog, folder: str, environment: str) -> dict[str, EnvironmentVariable]:
    """The variables of an environment by their names without case; none if it does not exist."""
    return {each.name.casefold(): each for each in catalog.environment_variables(folder, environment)}


def _deletion(catalog: Catalog, folder: str, environment: str, name: str) -> Callable[[], None]:
    return lambda: catalog.delete_environment_variable(folder, environment, name)


def _check_different(argument: str, names: Iterable[str]) -> None:
    found: dict[str, str] = {}
    for name in names:
        other = found.setdefault(name.casefold(), name)
        if other != name:
            raise InvalidTaskArgument(
                f"{argument} has {other!r} and {name!r}, which are one variable for the catalog. Leave one out."
            )


def _check_types(types: Mapping[str, str]) -> None:
    known = {each.casefold() for each in SSIS_TYPES}
    for name, data_type in types.items():
        if data_type.casefold() not in known:
            raise InvalidTaskArgument(f"types[{name!r}] is {data_type!r}. Give one of {', '.join(SSIS_TYPES)}.")


def _check_names(argument: str, given: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
    unknown = sorted(set(given) - set(variables))
    if unknown:
        raise InvalidTaskArgument(
            f"{argument} has the variable {unknown[0]!r}, which is not in variables. Add it there, or leave it out."
        )

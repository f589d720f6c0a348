"""Setting the parameters of a project and its packages, for every later execution."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ssis.catalog.codes import ObjectType, ValueType
from airflow_provider_ssis.catalog.requests import VariableReference
from airflow_provider_ssis.exceptions import InvalidTaskArgument
from airflow_provider_ssis.executions.arguments import list_of_names, names_of, optional_text, required_text, values_of
from airflow_provider_ssis.executions.changes import Changes, has_value
from airflow_provider_ssis.operators.base import SsisTask
from airflow_provider_ssis.operators.dag_checks import check_name, check_package, check_values, is_known

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import ObjectParameter
    from airflow_provider_ssis.catalog.requests import Value

_NAME_ARGUMENTS: dict[str, Callable[[str, Any], Iterable[str]]] = {
    "bindings": names_of,
    "project_bindings": names_of,
    "clear_parameters": list_of_names,
    "clear_project_parameters": list_of_names,
}

_CHANGES = (
    "parameters",
    "project_parameters",
    "bindings",
    "project_bindings",
    "clear_parameters",
    "clear_project_parameters",
)
"""The arguments that change something."""

_NO_PACKAGE = (
    "parameters, bindings and clear_parameters belong to a package: give its name in package, or use "
    "project_parameters, project_bindings and clear_project_parameters."
)


class SsisSetParametersOperator(SsisTask, BaseOperator):
    """Set parameters of a project and of one of its packages in the catalog, for every later execution.

    What SSMS shows under "Configure": values, and bindings to environment variables. A parameter that has its value
    already is not written. The catalog does not show sensitive values, so those are always written. If the catalog
    refuses a value, the error says which parameters were changed before; a retry does no harm.

    To give values to one run only, use the arguments of the run operator instead.

    :param folder: the catalog's folder. (templated)
    :param project: the project. (templated)
    :param package: the package, with ``.dtsx``, whose ``parameters`` and ``bindings`` are set. Default: none.
        (templated)
    :param parameters: values of the package's parameters by name, as for the run operator. (templated)
    :param project_parameters: values of the project's parameters by name. A property of a connection manager is a
        parameter too: ``CM.Warehouse.ServerName``. (templated)
    :param bindings: names of environment variables by the package's parameters that they give values to. (templated)
    :param project_bindings: names of environment variables by the project's parameters. (templated)
    :param clear_parameters: names of the package's parameters that lose their value or binding, so that the value in
        the project's file counts again. (templated)
    :param clear_project_parameters: names of the project's parameters that lose their value or binding. (templated)
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :return: ``changed`` and ``unchanged``: the names of parameters, those of the package with its name:
        ``Load.dtsx/BatchSize``.
    :raises InvalidTaskArgument: when the DAG is parsed: an argument cannot be used.
    :raises RenderedToNothing: the template of an argument rendered to ``None``.
    :raises ParameterNotFound: there is no such parameter; the message shows the existing ones. Nothing was changed.
    :raises WrongParameterType: a value does not fit its parameter's type.
    :raises PermissionDenied: the login may not change the project.
    :raises CatalogError: another error of the catalog; see :mod:`airflow_provider_ssis.catalog.errors`.
    """

    template_fields: Sequence[str] = (
        "folder",
        "project",
        "package",
        *_CHANGES,
        "ssis_conn_id",
    )
    template_fields_renderers = dict.fromkeys(("parameters", "project_parameters"), "json")
    ui_color = "#e4f1e1"

    def __init__(
        self,
        *,
        folder: str,
        project: str,
        package: str | None = None,
        parameters: Mapping[str, Any] | str | None = None,
        project_parameters: Mapping[str, Any] | str | None = None,
        bindings: Mapping[str, str] | str | None = None,
        project_bindings: Mapping[str, str] | str | None = None,
        clear_parameters: Sequence[str] | None = None,
        clear_project_parameters: Sequence[str] | None = None,
        ssis_conn_id: str = "ssis_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.folder = folder
        self.project = project
        self.package = package
        self.parameters = parameters
        self.project_parameters = project_parameters
        self.bindings = bindings
        self.project_bindings = project_bindings
        self.clear_parameters = clear_parameters
        self.clear_project_parameters = clear_project_parameters
        self.ssis_conn_id = ssis_conn_id
        check_name("ssis_conn_id", ssis_conn_id)
        check_name("folder", folder)
        check_name("project", project)
        if package is not None:
            check_package(package)
        elif parameters or bindings or clear_parameters:
            raise InvalidTaskArgument(_NO_PACKAGE)
        # One that is given and empty is accepted, as from a template: DAGs made from data may have nothing to set.
        if all(getattr(self, name) is None for name in _CHANGES):
            raise InvalidTaskArgument(f"There is nothing to set. Give one of {', '.join(_CHANGES)}.")
        check_values(self)
        for name, read in _NAME_ARGUMENTS.items():
            if is_known(value := getattr(self, name)):
                read(name, value)
        for prefix in ("project_", ""):
            # A value may be a template, but its parameter's name is known.
            values = getattr(self, f"{prefix}parameters")
            names = [*values] if isinstance(values, Mapping) else []
            names += self._known_names(f"{prefix}bindings") + self._known_names(f"clear_{prefix}parameters")
            _reject_repeated(prefix, names)

    def _known_names(self, argument: str) -> list[str]:
        """The names of parameters in an argument, if it contains no template."""
        value = getattr(self, argument)
        return [*_NAME_ARGUMENTS[argument](argument, value)] if is_known(value) else []

    def execute(self, context: Context) -> dict[str, Any]:
        """Set what differs.

        :param context: the task's context.
        :return: see the class.
        """
        folder, project = required_text("folder", self.folder), required_text("project", self.project)
        package = optional_text("package", self.package)
        of_package = _settings(package, self.parameters, self.bindings, self.clear_parameters)
        if of_package and package is None:
            # Without this check, they would be parameters of the project.
            raise InvalidTaskArgument(f"package is {self.package!r}. {_NO_PACKAGE}")
        settings = [
            *_settings(None, self.project_parameters, self.project_bindings, self.clear_project_parameters),
            *of_package,
        ]
        changes = Changes()
        with self.hook.open_catalog() as catalog:
            known = {_key(each): each for each in catalog.object_parameters(folder, project)}
            # The catalog rejects unknown parameters, so they come first: then nothing was changed.
            for setting in sorted(settings, key=lambda each: each.key(project) in known):
                changes.apply(setting.title, setting.change(catalog, folder, project, known.get(setting.key(project))))
        if changes.done:
            self.log.info("Changed the parameters of %s/%s: %s.", folder, project, ", ".join(changes.done))
        else:
            self.log.info("All parameters of %s/%s have their values already.", folder, project)
        return changes.result


@dataclass(frozen=True, slots=True)
class _Setting:
    """What a parameter is to have.

    :param package: the package; None for a parameter of the project.
    :param wanted: its value or binding; None for neither.
    """

    package: str | None
    name: str
    wanted: Value | VariableReference | None = field(repr=False)

    @property
    def title(self) -> str:
        """The parameter, with its package."""
        return self.name if self.package is None else f"{self.package}/{self.name}"

    def key(self, project: str) -> tuple[ObjectType, str, str]:
        """Identifies the parameter among all of the project."""
        kind = ObjectType.PROJECT if self.package is None else ObjectType.PACKAGE
        return kind, (self.package or project).casefold(), self.name

    def change(
        self, catalog: Catalog, folder: str, project: str, current: ObjectParameter | None
    ) -> Callable[[], None] | None:
        """The call that changes it; None if it is as wanted."""
        if self.wanted is None:
            if current is not None and not current.value_set and current.value_type is ValueType.VALUE:
                return None
            return lambda: catalog.clear_object_parameter_value(folder, project, self.name, package=self.package)
        value = self.wanted
        if current is not None and has_value(current, value):
            return None
        return lambda: catalog.set_object_parameter_value(folder, project, self.name, value, package=self.package)


def _settings(package: str | None, values: Any, bindings: Any, clear: Any) -> list[_Setting]:
    """What the parameters of a package or of the project are to have.

    :raises InvalidTaskArgument: an argument has another form, or a parameter is named twice.
    """
    prefix = "project_" if package is None else ""
    wanted: list[tuple[str, Value | VariableReference | None]] = [
        *values_of(f"{prefix}parameters", values).items(),
        *((name, VariableReference(variable)) for name, variable in names_of(f"{prefix}bindings", bindings).items()),
        *((name, None) for name in list_of_names(f"clear_{prefix}parameters", clear)),
    ]
    _reject_repeated(prefix, [name for name, _ in wanted])
    return [_Setting(package, name, value) for name, value in wanted]


def _reject_repeated(prefix: str, names: Sequence[str]) -> None:
    """Check that no parameter is named in more than one argument.

    :param prefix: the arguments' prefix.
    :param names: the names in all of them.
    :raises InvalidTaskArgument: a parameter is named twice.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidTaskArgument(
            f"The parameter {twice[0]!r} is given twice: in {prefix}parameters, {prefix}bindings or "
            f"clear_{prefix}parameters. "
            "Leave one out."
        )


def _key(parameter: ObjectParameter) -> tuple[ObjectType, str, str]:
    return parameter.object_type, parameter.object_name.casefold(), parameter.parameter_name

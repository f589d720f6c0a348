"""Write the Python code that builds a package."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.project.builder import task_types
from airflow_provider_ssis.project.builder.containers import ForeachLoopBuilder, ForLoopBuilder, SequenceBuilder
from airflow_provider_ssis.project.builder.executables import Options
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.builder_code.calls import Code, Ref
from airflow_provider_ssis.project.builder_code.connection_code import connection_code
from airflow_provider_ssis.project.builder_code.equality import differences
from airflow_provider_ssis.project.builder_code.task_code import TaskCode
from airflow_provider_ssis.project.editing.property_paths import places
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.models import EvalOp, ProtectionLevel
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.containers import SERIALIZABLE, DtsContainer, DtsEventHandler
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.loops import ForeachLoop, ForLoop
from airflow_provider_ssis.project.package.tasks import ExecuteSqlTask

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.package.document import DtsPackage
    from airflow_provider_ssis.project.package.options import DtsLogging
    from airflow_provider_ssis.project.package.variables import DtsVariable

_SHOWN = 10
_REFERENCED = re.compile(r'",(\{[0-9A-Fa-f-]{36}\});')
"""A variable in the parameters of a source: its id."""
_PROJECT_PARAMETER = re.compile(r"\$Project::(\w+)")
_PROJECT_MANAGER = re.compile(r"Project\.ConnectionManagers\[(.+)\]")
_KINDS = {
    "FlatFileConnection": "FLATFILE",
    "IDbConnection": "ADO.NET",
    "ODBCConnection": "ODBC",
    "CacheConnection": "CACHE",
}
"""The type of a connection manager by what a component uses it for. Default: OLEDB."""
_MODES = ("parent", "enabled", "disabled")


def python_code(package: DtsPackage) -> str:
    """Return the Python code that builds a package with equal meaning.

    The code is run while it is written, and its package is compared with the original. A task for which the builder has
    no method of its type is added with its data as XML. The package that it builds has the protection level
    DontSaveSensitive, and no sensitive values. Descriptions inside data flows are left out.

    :param package: the package, of format 6 or 8.
    :raises BuildError: parts of the package are outside of the builder's range; the error names them.
    :raises ProjectError: a part of the package is invalid.
    """
    code = Code()
    package_code(code, package)
    return code.program()


def package_code(
    code: Code, package: DtsPackage, project: Ref | None = None, managers: Mapping[str, Ref] | None = None
) -> None:
    """Write the code for a package; see :func:`python_code`.

    :param code: the program.
    :param package: the package.
    :param project: the project to which it is added. Default: None, a project with the names that the package uses.
    :param managers: the connection managers of the project, by id and reference. Default: none.
    :raises BuildError: as for :func:`python_code`.
    """
    built = _Writer(code, package, project, dict(managers or {})).write()
    found = differences(package.element, built.element(), package.part)
    if found:
        listed = "; ".join(f"{each.kind} {each.path}" for each in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise BuildError(
            f"has parts that the builder does not write: {listed}{more}",
            part=package.part,
            advice="Change the package with PackageEditor, which keeps all other parts",
        )


class _Writer:
    def __init__(self, code: Code, package: DtsPackage, project: Ref | None, managers: dict[str, Ref]) -> None:
        self.package = package
        self.code = code
        self._owner = project
        self._managers = managers
        self._providers: dict[str, Ref] = {}
        self._ids = {id_.upper() for text in self._texts() for id_ in _REFERENCED.findall(text)}
        self._variable_names = {
            variable.id.upper(): variable.qualified_name
            for place in places(package).values()
            for variable in place.variables
        } | {each.id.upper(): f"$Package::{each.name}" for each in package.parameters}

    def write(self) -> PackageBuilder:
        """Write the code, and return the package that it has built."""
        found = self.package
        if found.format_version not in (6, 8):
            raise BuildError(
                f"has the format {found.format_version}, which the builder does not write",
                part=found.part,
                advice="Open the package in Visual Studio 2019 or later and save it, which upgrades it",
            )
        given: dict[str, Any] = {
            "version": (found.version_major, found.version_minor, found.version_build),
            "version_comments": found.version_comments or None,
            "locale_id": found.container.locale_id if found.container.locale_id not in (None, 1033) else None,
            "max_concurrent_executables": found.max_concurrent_executables
            if found.max_concurrent_executables != -1
            else None,
            "options": _options(found.container),
        }
        name = found.part.rpartition(".")[0] or found.part
        arguments = _given(**given)
        if self._owner is not None:
            package = self.code.call(self._owner, "add_package", name, into=name, **arguments)
        else:
            arguments |= _given(
                project=self._project(), format_version=found.format_version if found.format_version != 8 else None
            )
            package = self.code.call(PackageBuilder, "", name, into="package", **arguments)
        self._package = package
        for manager in found.connection_managers:
            made = connection_code(self.code, package.connection_managers, manager)
            for key in (manager.id, f"Package.ConnectionManagers[{manager.name}]", manager.name):
                self._managers.setdefault(key.casefold(), made)
        for parameter in found.parameters:
            self.code.call(
                package,
                "add_parameter",
                parameter.name,
                None if parameter.sensitive else parameter.value,
                **_given(
                    data_type=parameter.data_type,
                    required=parameter.required or None,
                    sensitive=parameter.sensitive or None,
                    description=parameter.description or None,
                ),
            )
        self._configurations(package)
        self._contents(package, found.container)
        self._adjust(package, found.container)
        if found.container.name != name:
            self.code.call(package, "set_attributes", {"ObjectName": found.container.name})
        if found.protection_level is not ProtectionLevel.DONT_SAVE_SENSITIVE:
            self.code.comment(f"The protection level {found.protection_level.label} becomes DontSaveSensitive.")
        builder = package.value
        assert isinstance(builder, PackageBuilder)  # noqa: S101 - for the type checker
        return builder

    def _project(self) -> Ref | None:
        """Write a project with the names that the package uses of it; None if it uses none."""
        parameters = sorted({name for text in self._texts() for name in _PROJECT_PARAMETER.findall(text)})
        managers = self._external_managers()
        if not parameters and not managers:
            return None
        self.code.comment("What the package uses of its project.")
        project = self.code.call(ProjectBuilder, "", "Project", into="project")
        for name in parameters:
            self.code.call(project, "add_parameter", name)
        for id_, (name, kind) in managers.items():
            made = self.code.call(project.connection_managers, "adopt", name, kind, id_, into=name)
            for key in (id_, f"Project.ConnectionManagers[{name}]"):
                self._managers[key.casefold()] = made
        return project

    def _texts(self) -> Iterator[str]:
        for element in self.package.element.iter("*"):
            yield from map(str, element.attrib.values())
            if element.text:
                yield element.text

    def _external_managers(self) -> dict[str, tuple[str, str]]:
        """Return the name and type of the connection managers of the project by their id."""
        own = {each.id.casefold() for each in self.package.connection_managers}
        found: dict[str, tuple[str, str]] = {}
        for container in self.package.container.walk():
            data = container.data()
            if isinstance(data, Pipeline):
                for each in (one for component in data.components for one in component.connections):
                    match = _PROJECT_MANAGER.fullmatch(each.manager_ref_id)
                    if match is not None:
                        id_ = each.manager_id.removesuffix(":external")
                        found[id_] = (match[1], _KINDS.get(each.name, "OLEDB"))
        for container in self.package.container.walk():
            data = container.data()
            if isinstance(data, ExecuteSqlTask) and data.connection and data.connection.casefold() not in own:
                found.setdefault(data.connection, (f"Connection {len(found) + 1}", "OLEDB"))
        return found

    def _configurations(self, package: Ref) -> None:
        managers = {each.name: self._managers[each.id.casefold()] for each in self.package.connection_managers}
        for each in self.package.configurations:
            self.code.call(
                package,
                "add_configuration",
                each.name,
                int(each.type),
                each.string,
                **_given(variable=each.variable or None, enable=None if self.package.enable_configurations else False),
            )
        for provider in self.package.log_providers:
            kind = re.sub(r"^(?:Microsoft|DTS)\.LogProvider|\.\d+$", "", provider.creation_name)
            made = self.code.call(
                package,
                "add_log_provider",
                provider.name,
                kind,
                managers.get(provider.config_string),
                into=provider.name,
                **_given(description=provider.description or None),
            )
            self._providers[provider.id.casefold()] = made

    def _contents(self, owner: Ref, found: DtsContainer | DtsEventHandler) -> None:
        """Write the variables, executables and constraints of a container or event handler."""
        self._variables(owner, found.variables)
        own: dict[str, Ref] = {}
        for child in found.children:
            own[child.path] = self._executable(owner, child)
        for each in found.constraints:
            expression_only = each.eval_op is EvalOp.CONSTRAINT
            default = EvalOp.EXPRESSION_AND_CONSTRAINT if each.expression else EvalOp.CONSTRAINT
            self.code.call(
                owner,
                "add_constraint",
                own[each.source],
                own[each.target],
                **_given(
                    value=Ref(f"ConstraintValue.{each.value.name}", each.value) if each.value else None,
                    expression=each.expression if not expression_only and each.expression else None,
                    eval_op=None
                    if each.eval_op is default or expression_only
                    else Ref(f"EvalOp.{each.eval_op.name}", each.eval_op),
                    logical_and=None if each.logical_and else False,
                    name=each.name or None,
                ),
            )
            if each.value:
                self.code.use(type(each.value))
            if not (each.eval_op is default or expression_only):
                self.code.use(type(each.eval_op))

    def _variables(self, owner: Ref, variables: Sequence[DtsVariable]) -> None:
        for each in variables:
            if each.namespace == "System":
                continue
            is_object = each.data_type in ("Object", "Empty", "DBNull")
            self.code.call(
                owner,
                "add_variable",
                each.name,
                None if is_object else each.value,
                **_given(
                    data_type=each.data_type,
                    namespace=each.namespace if each.namespace != "User" else None,
                    expression=each.expression or None,
                    read_only=each.read_only or None,
                    raise_changed_event=each.raise_changed_event or None,
                    description=each.description or None,
                    id_=each.id if each.id.upper() in self._ids else None,
                ),
            )

    def _executable(self, owner: Ref, found: DtsContainer) -> Ref:
        options = _options(found, titles=_TITLES)
        given = {} if options is None else {"options": options}
        data = found.data()
        if isinstance(data, ForLoop):
            made = self.code.call(
                owner,
                "add_for_loop",
                found.name,
                data.eval_expression,
                into=found.name,
                **_given(init=data.init_expression or None, assign=data.assign_expression or None),
                **given,
            )
        elif isinstance(data, ForeachLoop):
            made = self.code.call(
                owner,
                "add_foreach_loop",
                found.name,
                data.enumerator,
                into=found.name,
                **_given(
                    mappings={each.index: each.variable for each in data.mappings} or None,
                    enumerator_expressions=dict(data.expressions) or None,
                ),
                **given,
            )
        elif data is None:
            made = self.code.call(owner, "add_sequence", found.name, into=found.name, **given)
        else:
            made = TaskCode(
                self.code, owner, self._managers, self._variable_names, found, options, _options(found)
            ).write()
            self._variables(made, found.variables)
            self._adjust(made, found)
            return made
        self._contents(made, found)
        self._adjust(made, found)
        return made

    def _adjust(self, made: Ref, found: DtsContainer) -> None:
        """Write what belongs to all executables: expressions, logging, event handlers, other attributes."""
        for name, expression in found.expressions.items():
            self.code.call(made, "set_expression", name, expression)
        if found.logging is not None:
            self._logging(made, found.logging)
        for handler in found.event_handlers:
            self._handler(made, found, handler)
        self._set_attributes(made, found.element)

    def _set_attributes(self, made: Ref, original: _Element) -> None:
        """Write the call that sets the attributes that no argument has set."""
        element = made.value.element()
        names = {*_attributes(original), *_attributes(element)} - _MADE
        changed = {
            name: original.get(f"{DTS}{name}")
            for name in sorted(names)
            if original.get(f"{DTS}{name}") != element.get(f"{DTS}{name}")
        }
        if changed:
            self.code.call(made, "set_attributes", changed)

    def _logging(self, made: Ref, found: DtsLogging) -> None:
        providers = [self._providers[each.casefold()] for each in found.providers if each.casefold() in self._providers]
        self.code.call(
            made,
            "set_logging",
            list(found.events),
            providers,
            **_given(
                mode=None if found.mode == 1 else _MODES[found.mode] if found.mode < len(_MODES) else "parent",
                exclude=found.filter_kind == 1 or None,
            ),
        )

    def _handler(self, made: Ref, owner: DtsContainer, found: DtsEventHandler) -> None:
        handler = self.code.call(
            self._package,
            "event_handler",
            found.event,
            into=f"{owner.name} {found.event}",
            **_given(
                of=None if made.value is self._package.value else made, propagate=None if found.propagate else False
            ),
        )
        if found.disabled:
            self.code.assign(handler, "disabled", True)
        self._contents(handler, found)
        for name, expression in found.expressions.items():
            self.code.call(handler, "set_expression", name, expression)
        self._set_attributes(handler, found.element)


_TITLES = frozenset(
    {each.title for each in vars(task_types).values() if isinstance(each, task_types.TaskType)}
    | {each.title for each in (SequenceBuilder, ForLoopBuilder, ForeachLoopBuilder)}
)
"""The descriptions that the builder writes."""
_MADE = {
    "refId", "DTSID", "ObjectName", "CreationDate", "CreatorComputerName", "CreatorName", "LastModifiedProductVersion",
    "TaskContact", "VersionGUID", "VersionBuild", "ProtectionLevel", "EnableConfig",
}  # fmt: skip
"""Attributes that the builder makes, and those that make no difference."""


def _attributes(element: _Element) -> Iterator[str]:
    for name in map(str, element.attrib):
        if name.startswith(DTS):
            yield name.removeprefix(DTS)


def _given(**arguments: object) -> dict[str, Any]:
    """Return the arguments that are not None."""
    return {name: value for name, value in arguments.items() if value is not None}


def _options(found: DtsContainer, *, titles: frozenset[str] = frozenset()) -> Options | None:
    """Return the options of an executable; None for the defaults.

    :param titles: descriptions that need no argument. Default: none.
    """
    made = Options(
        description=None if found.description in titles else found.description or None,
        disabled=found.disabled,
        delay_validation=found.delay_validation,
        max_error_count=found.max_error_count,
        fail_package_on_failure=found.fail_package_on_failure,
        fail_parent_on_failure=found.fail_parent_on_failure,
        force_execution_result=found.force_execution_result,
        transaction_option=found.transaction_option,
        isolation_level=found.isolation_level or SERIALIZABLE,
        disable_event_handlers=found.disable_event_handlers,
    )
    return None if made == Options() else made

"""The connection managers of a run, with the values that they have at each moment."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.control_flow.connection_values import (
    property_name,
    secrets_of,
    stored_connection,
    with_property,
)
from airflow_provider_ssis.engine.control_flow.evaluation import (
    PROPERTY_NOT_EVALUATED,
    PROPERTY_NOT_SET,
    Evaluation,
    failure,
)
from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.package_runs import PackageRun
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.secrets import Secrets
from airflow_provider_ssis.expressions import ExpressionError
from airflow_provider_ssis.project.package.connections import DtsConnectionManager

NOT_FOUND: Final = 0xC001000E
"""DTS_E_CONNECTIONNOTFOUND."""
_OF_STRINGS: Final = frozenset({"connectionstring", "servername", "initialcatalog", "username", "password"})
"""Properties that a whole connection string replaces."""
_OF_PROJECT = re.compile(r"Project\.ConnectionManagers\[(?P<name>.+)\]")


def find_manager(run: PackageRun, reference: str) -> DtsConnectionManager | None:
    """Return the connection manager of a package or its project; None if there is none.

    :param reference: its GUID with or without braces, ``{GUID}:external``, its refId, or its name.
    """
    wanted = reference.strip()
    by_id = wanted.removesuffix(":external").strip("{}").upper()
    managers = (*run.package.connection_managers, *run.project.connection_managers)
    for manager in managers:
        if manager.id.strip("{}").upper() == by_id and by_id:
            return manager
    for manager in managers:
        refs = (manager.ref_id, f"Project.ConnectionManagers[{manager.name}]", manager.name)
        if wanted and wanted in refs:
            return manager
    return None


def resolver(
    root: Frame, evaluation: Evaluation, secrets: Secrets, *, replaced: Collection[str] = ()
) -> Callable[[str], RunConnection]:
    """Return a function that returns a connection manager with the values of this moment.

    Its property expressions are evaluated at each call, and take precedence over configurations, parameters and
    settings.

    :param root: the frame of the package, whose variables the expressions can use.
    :param secrets: gets the passwords.
    :param replaced: the connection managers whose whole connection string the user replaces, by name or GUID in lower
        case. Expressions of what the string contains are not evaluated: they may need parameters of a project that is
        not here. Default: none.
    """

    def resolve(reference: str) -> RunConnection:
        run = root.package
        manager = find_manager(run, reference)
        if manager is None:
            in_project = _OF_PROJECT.fullmatch(reference.strip())
            advice = "Choose another one in the task."
            if in_project is not None:
                name = in_project["name"]
                advice = f"Add the file {name}.conmgr of the project to the folder, or run the folder of the project."
            raise TaskFailure(
                f"The package {run.file} and its project contain no connection manager {reference or '(none)'}. "
                f"{advice}",
                NOT_FOUND,
            )
        found = stored_connection(manager)
        for name, value in run.settings.connections.get(manager.id.upper(), {}).items():
            found = with_property(found, name, value)
        has_other_string = manager.name.lower() in replaced or manager.id.lower() in replaced
        for name, expression in manager.expressions.items():
            if has_other_string and name.lower() in _OF_STRINGS:
                continue
            known = property_name(manager, name)
            if known is None:
                text = f"The connection manager {manager.name} has no property {name} that the engine can set."
                raise TaskFailure(f"{text} Remove its expression.", PROPERTY_NOT_SET)
            try:
                found = with_property(found, known, evaluation.value(root, expression))
            except ExpressionError as error:
                where = f"The expression of the property {name} of the connection manager {manager.name}"
                raise failure(where, error, PROPERTY_NOT_EVALUATED) from None
        for secret in secrets_of(found):
            secrets.add(secret)
        return found

    return resolve

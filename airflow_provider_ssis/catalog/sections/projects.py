"""Projects, their packages and the parameters of both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_ssis.catalog.argument_limits import check_arguments, check_place
from airflow_provider_ssis.catalog.codes import ObjectType, OperationType
from airflow_provider_ssis.catalog.errors import CatalogError, DeploymentFailed, ParameterNotFound, ProjectNotFound
from airflow_provider_ssis.catalog.models import Deployment, ObjectParameter, Package, Project
from airflow_provider_ssis.catalog.requests import Value, VariableReference
from airflow_provider_ssis.catalog.sections.operation_messages import operation_messages
from airflow_provider_ssis.catalog.session import CatalogPart, Repeat
from airflow_provider_ssis.catalog.sql.parameter_values import (
    TEXT_VARIABLES,
    parameter_not_found,
    value_expression,
    wrong_type,
)
from airflow_provider_ssis.catalog.sql.statements import MarkerValue, OwnError, guarded, guarded_command, select

_PROJECTS = "catalog.projects AS v JOIN catalog.folders AS f ON f.folder_id = v.folder_id"
_OF_PROJECT = (
    "JOIN catalog.projects AS p ON p.project_id = v.project_id JOIN catalog.folders AS f ON f.folder_id = p.folder_id"
)
_PROJECT_IS = ("f.name = ?", "p.name = ?")


class Projects(CatalogPart):
    """The part of the catalog client for projects."""

    def projects(self, folder: str | None = None) -> list[Project]:
        """The projects that the login may see, by folder and name.

        :param folder: only those of this folder. Default: all.
        """
        check_arguments(folder=folder)
        batch = select(
            Project,
            _PROJECTS,
            where=[] if folder is None else ["f.name = ?"],
            values=[] if folder is None else [folder],
            order_by="f.name, v.name",
            joined={"folder_name": "f.name"},
        )
        return self._session.fetch(Project, batch, doing="Reading the projects")

    def project(self, folder: str, name: str) -> Project | None:
        """The project of that name, or None if the login can see no such project."""
        check_place(folder, name)
        batch = select(
            Project,
            _PROJECTS,
            where=["f.name = ?", "v.name = ?"],
            values=[folder, name],
            joined={"folder_name": "f.name"},
        )
        return next(iter(self._session.fetch(Project, batch, doing=f"Looking for the project {folder}/{name}")), None)

    def deploy_project(self, folder: str, name: str, ispac: bytes) -> Deployment:
        """Deploy a project, or a new version of it, and wait until that is done.

        :param folder: an existing folder.
        :param name: the project's name, which must be the one in the file's manifest.
        :param ispac: the content of the project deployment file (.ispac).
        :return: what was deployed.
        :raises DeploymentFailed: the catalog refused the file; ``messages`` says why.
        :raises DeploymentBusy: another deployment of the project is under way.
        :raises FolderNotFound: there is no such folder.
        :raises PermissionDenied: the login may not create projects there, or not change this one.
        """
        check_place(folder, name)
        body = (
            "EXEC catalog.deploy_project @folder_name = ?, @project_name = ?, @project_stream = ?, "
            "@operation_id = @operation_id OUTPUT;\n"
            "SELECT v.project_id, v.object_version_lsn, @operation_id AS operation_id\n"
            f"FROM {_PROJECTS} WHERE f.name = ? AND v.name = ?;"
        )
        doing = f"Deploying the project {folder}/{name}"
        batch = guarded(body, [folder, name, ispac, folder, name], declare="@operation_id bigint")
        rows = self._session.run(batch, doing=doing, explain=self._explain_deployment)[-1].as_dicts()
        if not rows:
            raise ProjectNotFound(f"{doing} succeeded, but the project cannot be read")
        return Deployment(folder=folder, project=name, **rows[0])

    def get_project(self, folder: str, name: str) -> bytes:
        """The project's deployment file (.ispac) as the catalog holds it.

        :raises ProjectNotFound: there is no such project.
        """
        check_place(folder, name)
        results = self._session.run(
            guarded("EXEC catalog.get_project @folder_name = ?, @project_name = ?;", [folder, name]),
            doing=f"Reading the project {folder}/{name}",
        )
        rows = results[0].rows if results else ()
        if not rows or rows[0][0] is None:
            raise ProjectNotFound(f"Reading the project {folder}/{name} gave nothing")
        return bytes(rows[0][0])

    def delete_project(self, folder: str, name: str) -> None:
        """Delete a project with all its versions. Its executions stay in the catalog.

        :raises ProjectNotFound: there is no such project, or the login may not change it.
        """
        check_place(folder, name)
        self._session.run(
            guarded_command("EXEC catalog.delete_project @folder_name = ?, @project_name = ?;", [folder, name]),
            doing=f"Deleting the project {folder}/{name}",
            repeat=Repeat.IF_REFUSED,
        )

    def packages(self, folder: str, project: str) -> list[Package]:
        """The packages of a project, by name; none if the login sees no such project."""
        check_place(folder, project)
        batch = select(
            Package,
            f"catalog.packages AS v {_OF_PROJECT}",
            where=_PROJECT_IS,
            values=[folder, project],
            order_by="v.name",
        )
        return self._session.fetch(Package, batch, doing=f"Reading the packages of {folder}/{project}")

    def object_parameters(self, folder: str, project: str) -> list[ObjectParameter]:
        """The parameters of a project and of its packages: the project's first, then package by package."""
        check_place(folder, project)
        batch = select(
            ObjectParameter,
            f"catalog.object_parameters AS v {_OF_PROJECT}",
            where=_PROJECT_IS,
            values=[folder, project],
            order_by="v.object_type, v.object_name, v.parameter_name",
        )
        return self._session.fetch(ObjectParameter, batch, doing=f"Reading the parameters of {folder}/{project}")

    def set_object_parameter_value(
        self, folder: str, project: str, parameter: str, value: Value | VariableReference, *, package: str | None = None
    ) -> None:
        """Set the value that a parameter has for every later execution.

        :param parameter: the parameter's name, case-sensitive.
        :param value: the value, or the environment variable that gives it.
        :param package: the package (with its .dtsx) whose parameter it is. Default: None, a parameter of the project.
        :raises ParameterNotFound: there is no such parameter; the message lists those that there are.
        :raises WrongParameterType: the value is no value of the parameter's type.
        :raises ProjectNotFound: there is no such project, or the login may not change it.
        """
        check_place(folder, project, package)
        check_arguments(parameter=parameter)
        object_type = ObjectType.PROJECT if package is None else ObjectType.PACKAGE
        object_name = project if package is None else package
        owner = f"{folder}/{project}" if package is None else f"{folder}/{project}/{package}"
        doing = f"Setting the parameter {parameter!r} of {owner}"
        values: list[MarkerValue] = [object_type.value, parameter, folder, project, object_name]
        if isinstance(value, VariableReference):
            check_arguments(variable=value.name)
            body = "SET @value = CAST(? AS nvarchar(128));\n"
            values.append(value.name)
        else:
            expression = value_expression(value)
            assign = "" if expression.is_constant else f"SELECT {expression.text_assignments};\n"
            body = (
                f"IF CHARINDEX(N'|' + @data_type + N'|', ?) = 0 {OwnError.UNFIT_VALUE.raised};\n"
                f"{assign}SET @value = {expression.sql};\n"
            )
            values += [expression.type_list, *expression.texts]
        body = (
            f"{_FIND_PARAMETER}IF @data_type IS NULL {OwnError.UNKNOWN_PARAMETER.raised};\n{body}"
            "EXEC catalog.set_object_parameter_value @object_type = @object_type, @folder_name = ?, "
            "@project_name = ?, @parameter_name = @name, @parameter_value = @value, @object_name = ?, "
            "@value_type = ?;\nSELECT 1 AS done;"
        )
        value_type = "R" if isinstance(value, VariableReference) else "V"
        values += [folder, project, object_name, value_type]

        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            if OwnError.UNKNOWN_PARAMETER.is_reported_by(error) or isinstance(error, ParameterNotFound):
                if self.project(folder, project) is None:
                    return ProjectNotFound(
                        f"{doing} failed: the login {self._session.login()} sees no project {folder}/{project}"
                    )
                known = [
                    each.parameter_name
                    for each in self.object_parameters(folder, project)
                    if each.object_type is object_type and each.object_name.lower() == object_name.lower()
                ]
                return parameter_not_found(doing, owner, parameter, known)
            if isinstance(value, VariableReference) or not OwnError.UNFIT_VALUE.is_reported_by(error):
                return error
            return wrong_type(
                doing, f"the parameter {parameter!r}", row["data_type"], value, is_sensitive=bool(row["sensitive"])
            )

        batch = guarded(body, values, declare=_VARIABLES, on_error=("data_type", "sensitive"))
        self._session.run(batch, doing=doing, explain=explain)

    def _explain_deployment(self, error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
        """Add the operation's messages: the error itself contains only the operation's id, in its text."""
        if not isinstance(error, DeploymentFailed):
            return error
        for number in reversed(re.findall(r"\d+", row.get("error_message", "") or error.message)):
            messages = operation_messages(self._session, int(number), operation_type=OperationType.DEPLOY_PROJECT)
            if messages:
                error.operation_id = int(number)
                error.messages = tuple(messages)
                return error
        error.advice = "The view catalog.operation_messages has the reason."
        return error


_FIND_PARAMETER = (
    "SELECT @object_type = ?, @name = ?;\n"
    "SELECT @data_type = v.data_type, @sensitive = v.sensitive\n"
    f"FROM catalog.object_parameters AS v {_OF_PROJECT}\n"  # constants of this module only
    "WHERE v.object_type = @object_type AND v.parameter_name = @name AND f.name = ? AND p.name = ? "
    "AND v.object_name = ?;\n"
)
_VARIABLES = (
    "@object_type smallint, @name nvarchar(128), @data_type nvarchar(128), @sensitive bit, @value sql_variant, "
    f"{TEXT_VARIABLES}"
)

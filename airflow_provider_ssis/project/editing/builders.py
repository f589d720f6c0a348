"""Make tasks for a package that exists."""

from __future__ import annotations

from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.package.document import DtsPackage


def builder_of(package: DtsPackage) -> PackageBuilder:
    """Return a builder that knows the connection managers, variables and parameters of a package.

    The elements of its tasks can be added to the package:
    ``editor.add(tools.add_execute_sql("Refresh", tools.connection_managers["Mart"], "EXEC dbo.Refresh").element())``.

    :param package: the package, of format 6 or 8.
    :raises BuildError: the package has another format, or a name that the builder does not write.
    """
    made = PackageBuilder(package.part.rpartition(".")[0] or package.part, format_version=package.format_version)
    for manager in package.connection_managers:
        made.connection_managers.adopt(manager.name, manager.creation_name, manager.id)
    for parameter in package.parameters:
        value = None if parameter.sensitive else parameter.value
        made.add_parameter(parameter.name, value, data_type=parameter.data_type, sensitive=parameter.sensitive)
    for variable in package.container.variables:
        if variable.namespace != "System":
            made.add_variable(variable.name, variable.value, data_type=variable.data_type, namespace=variable.namespace)
    return made

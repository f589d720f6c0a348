"""The Execute Package task."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_ssis.engine.connections.paths import hint_of_case
from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.tasks.stored_connections import stored_kind
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.project.package.tasks import ExecutePackageTask

_ON_A_SERVER = "the package is stored in a SQL Server (msdb), which the engine cannot read"
_ADVICE = "Export the package to a file, and use a FILE connection manager or a package of the project."


class PackageTask(Task):
    """Runs a package of the same project, or of a file."""

    data: ExecutePackageTask

    def refusals(self, options: RunOptions) -> Iterator[Refusal]:
        """Yield packages that are stored in a server."""
        if not self.data.use_project_reference and self.data.connection:
            kind = stored_kind(self.container, self.data.connection)
            if kind not in ("", "FILE"):
                yield Refusal(self.container.path, f"the package {self.data.package_name}", _ON_A_SERVER, _ADVICE)

    def validate(self, context: TaskContext) -> None:
        """Check the reference, and the variables of the parameter assignments."""
        self._reference(context)
        for each in self.data.assignments:
            context.type_of(each.source)

    def run(self, context: TaskContext) -> None:
        """Run the package to its end. Its failure is the failure of the task."""
        reference = self._reference(context)
        values = {each.parameter: context.read(each.source) for each in self.data.assignments}
        context.run_child(reference, values)

    def _reference(self, context: TaskContext) -> str:
        if self.data.use_project_reference:
            if not self.data.package_name:
                raise TaskFailure("The task names no package. Set the property PackageName.", 0xC00220DF)
            return self.data.package_name
        if not self.data.connection:
            raise TaskFailure("The task has no connection manager for the package. Choose one.", 0xC00220E0)
        manager = context.connections.get(self.data.connection)
        if manager.kind != "FILE":
            raise TaskFailure(
                f'The connection manager "{manager.name}" of the package has the type {manager.kind}: {_ON_A_SERVER}.'
                f" {_ADVICE}",
                0xC00220E2,
            )
        path = context.connections.path(manager.connection_string).absolute()
        if not path.is_file():
            raise TaskFailure(f"The package {path} does not exist.{hint_of_case(path)}", 0xC00220DE)
        return str(path)

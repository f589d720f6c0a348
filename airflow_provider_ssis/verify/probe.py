"""The server under test, and a scratch folder: created when the first fact needs it, and removed at the end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_ssis.verify.answers import Answer, NotApplicable, Server
from airflow_provider_ssis.verify.sample_project import FAIL, PROJECT, REQUIRED, RUN, WAIT, sample_project

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.models import ServerSession

Value = TypeVar("Value")

TERMINAL = (3, 4, 6, 7, 9)
_SECONDS_TO_RUN = 300.0


def once(make: Callable[[Probe], Value]) -> property:
    """A part of the scratch folder that is made at its first use; a failure is remembered, too."""

    @wraps(make)
    def get(probe: Probe) -> Value:
        name = make.__name__
        if name not in probe.made:
            try:
                probe.made[name] = make(probe)
            except NotApplicable as reason:
                probe.made[name] = reason
        value: Any = probe.made[name]
        if isinstance(value, NotApplicable):
            raise NotApplicable(str(value))
        result: Value = value
        return result

    return property(get)


class Probe:
    """A server under test.

    :param server: runs statements.
    :param session: the server and the login.
    :param refuses_login: the catalog refuses this login what needs a Windows account.
    :param ispac: a further project file to deploy. Default: none.
    :param poll_interval: seconds between two polls of an operation. Default: 1.
    """

    def __init__(
        self,
        server: Server,
        session: ServerSession,
        *,
        refuses_login: bool,
        ispac: tuple[str, bytes] | None = None,
        poll_interval: float = 1.0,
    ) -> None:
        self.server = server
        self.session = session
        self.refuses_login = refuses_login
        self.ispac = ispac
        self._poll_interval = poll_interval
        self.made: dict[str, Any] = {}
        self.scratch = f"verify-{secrets.token_hex(8)}"
        self.values: dict[str, Any] = {
            "folder": self.scratch,
            "unknown": f"{self.scratch}-unknown",
            "other": f"{self.scratch}-other",
            "environment": "Scratch",
            "project": PROJECT,
            "package": RUN,
            "no_id": 2**63 - 1,
        }
        """Values for the markers of statements."""
        self.executions: list[int] = []
        """The executions that were created, to stop the last ones at the end."""

    @property
    def is_azure(self) -> bool:
        """Whether the server is Azure SQL Database or Managed Instance, whose version numbers mean something else."""
        return "azure" in self.session.edition.lower()

    def require_2019(self) -> None:
        """Skip a fact about SQL Server 2019 on older servers."""
        major = self.session.product_version.partition(".")[0]
        if not self.is_azure and major.isdigit() and int(major) < 15:
            raise NotApplicable(f"it describes SQL Server 2019; this is version {self.session.product_version}")

    def require_accepted_login(self) -> None:
        """Skip a fact that needs a login which may change the catalog."""
        if self.refuses_login:
            raise NotApplicable("the catalog refuses SQL logins (error 27123); use a Windows account")

    def require_admin(self) -> None:
        """Skip a fact that needs an administrator."""
        self.require_accepted_login()
        if not self.session.is_admin:
            raise NotApplicable("the login is neither ssis_admin nor sysadmin")

    def call(self, statement: str, **values: Any) -> Answer:
        """Run a statement with the scratch values and further ones."""
        return self.server.call(statement, {**self.values, **values})

    def _id_of(self, problem: str, statement: str, **values: Any) -> int:
        """The id that a statement returns for what it makes.

        :raises NotApplicable: it failed; the reason begins with the problem.
        """
        answer = self.call(statement, **values)
        if answer.number is not None:
            raise NotApplicable(f"{problem}: {answer.text}")
        return int(answer.rows[0][0])

    def value(self, query: str, **values: Any) -> Any:
        """The first value of a query."""
        return self.server.value(query, {**self.values, **values})

    def rows(self, query: str, **values: Any) -> tuple[tuple[Any, ...], ...]:
        """The rows of a query."""
        return self.server.rows(query, {**self.values, **values})

    def wait(self, operation_id: int, *statuses: int, seconds: float = _SECONDS_TO_RUN) -> int:
        """Wait until an operation is in one of these statuses, or has ended.

        :return: its status.
        :raises NotApplicable: it is in none of them after so many seconds.
        """
        deadline = time.monotonic() + seconds
        while True:
            status = self.value("SELECT status FROM catalog.operations WHERE operation_id = :id;", id=operation_id)
            if status in statuses or status in TERMINAL:
                return int(status)
            if time.monotonic() > deadline:
                raise NotApplicable(f"the operation was still in status {status} after {seconds:.0f} seconds")
            time.sleep(self._poll_interval)

    # --- the parts of the scratch folder ------------------------------------------------------------------------------

    @once
    def folder(self) -> int:
        """The id of the scratch folder."""
        self.require_accepted_login()
        if self.value("SELECT COUNT(*) FROM catalog.folders WHERE name = :folder;"):
            raise NotApplicable("a folder with the random name exists already")
        # Known before the call, so that an interruption during it leaves nothing.
        self.made["folder"] = NotApplicable("the creation of the scratch folder was interrupted")
        return self._id_of(
            "the scratch folder could not be created",
            "DECLARE @id bigint; EXEC catalog.create_folder @folder_name = :folder, @folder_id = @id OUTPUT; "
            "SELECT @id;",
        )

    @once
    def environment(self) -> int:
        """The id of the environment in the scratch folder."""
        _ = self.folder
        return self._id_of(
            "the environment could not be created",
            "EXEC catalog.create_environment @folder_name = :folder, @environment_name = :environment;"
            "SELECT environment_id FROM catalog.environments WHERE name = :environment AND folder_id = :id;",
            id=self.folder,
        )

    @once
    def deployment(self) -> int:
        """The id of the operation that deployed the sample project."""
        _ = self.folder
        return self.deploy(PROJECT, sample_project())

    @once
    def reference(self) -> int:
        """The id of the project's reference to the environment."""
        _ = self.deployment, self.environment
        return self._id_of(
            "the environment reference could not be created",
            "DECLARE @id bigint; EXEC catalog.create_environment_reference @folder_name = :folder, "
            "@project_name = :project, @environment_name = :environment, @reference_type = 'R', "
            "@reference_id = @id OUTPUT; SELECT @id;",
        )

    @once
    def validation(self) -> int:
        """A validation of the package that runs through, which has ended."""
        _ = self.deployment
        number = self._id_of(
            "the package could not be validated",
            "DECLARE @id bigint; EXEC catalog.validate_package @folder_name = :folder, @project_name = :project, "
            "@package_name = :package, @validation_id = @id OUTPUT; SELECT @id;",
        )
        self.wait(number)
        return number

    @once
    def created_run(self) -> int:
        """An execution that is never started."""
        return self.create_execution(RUN)

    @once
    def finished_run(self) -> int:
        """An execution that has ended."""
        return self._finish(self.create_execution(RUN))

    @once
    def failed_run(self) -> int:
        """An execution of a package that divides by zero."""
        return self._finish(self.create_execution(FAIL))

    @once
    def unset_run(self) -> int:
        """An execution with a required parameter without value."""
        return self.create_execution(REQUIRED)

    @once
    def outdated_run(self) -> int:
        """An execution of a project that was deployed again afterwards."""
        return self._run_of_another_project("Outdated", lambda ispac: self.deploy("Outdated", ispac))

    @once
    def orphaned_run(self) -> int:
        """An execution of a project that was deleted afterwards."""
        delete = "EXEC catalog.delete_project @folder_name = :folder, @project_name = :name;"
        return self._run_of_another_project("Orphaned", lambda _: self.call(delete, name="Orphaned"))

    @once
    def stopped_run(self) -> tuple[int, Answer, Answer]:
        """An execution that was stopped, with the answers to its stop and to a second stop right after it."""
        number = self.create_execution(WAIT)
        # Without messages, since the package's loop would write many.
        self.call(
            "DECLARE @v sql_variant = CAST(0 AS int); EXEC catalog.set_execution_parameter_value @execution_id = :id, "
            "@object_type = 50, @parameter_name = N'LOGGING_LEVEL', @parameter_value = @v;",
            id=number,
        )
        self._start(number)
        if self.wait(number, 2) != 2:
            raise NotApplicable("the package ended before it could be stopped")
        stop = "EXEC catalog.stop_operation @operation_id = :id;"
        first, second = self.call(stop, id=number), self.call(stop, id=number)
        self.wait(number)
        return number, first, second

    @once
    def level(self) -> int:
        """The id of a customized logging level with the random name of the scratch folder."""
        self.require_admin()
        self.made["level"] = NotApplicable("the creation of the logging level was interrupted")
        return self._id_of(
            "the customized logging level could not be created",
            "DECLARE @id bigint; EXEC catalog.create_customized_logging_level @level_name = :folder, "
            "@level_description = N'made by verify', @profile_value = 1, @events_value = 256, @level_id = @id OUTPUT; "
            "SELECT @id;",
        )

    @once
    def any_worker_run(self) -> int:
        """An execution for Scale Out that any worker may run; never started."""
        return self.create_execution(RUN, more=", @runinscaleout = 1, @useanyworker = 1")

    @once
    def certain_workers_run(self) -> int:
        """An execution for Scale Out that only certain workers may run; never started."""
        return self.create_execution(RUN, more=", @runinscaleout = 1, @useanyworker = 0")

    def deploy(self, name: str, ispac: bytes) -> int:
        """Deploy a project to the scratch folder.

        :return: the operation's id.
        """
        return self._id_of(
            "the project could not be deployed",
            "DECLARE @id bigint; EXEC catalog.deploy_project @folder_name = :folder, @project_name = :name, "
            "@project_stream = :ispac, @operation_id = @id OUTPUT; SELECT @id;",
            name=name,
            ispac=ispac,
        )

    def _run_of_another_project(self, name: str, then: Callable[[bytes], object]) -> int:
        _ = self.folder
        ispac = sample_project(name)
        self.deploy(name, ispac)
        number = self.create_execution(RUN, project=name)
        then(ispac)
        return number

    def create_execution(
        self, package: str, reference_id: int | None = None, *, project: str = PROJECT, more: str = ""
    ) -> int:
        """Create an execution of a package of the sample project, or of a copy of it under another name.

        :param more: further arguments of the procedure, each after a comma.
        """
        if project == PROJECT:
            _ = self.deployment
        reference = "NULL" if reference_id is None else ":reference"
        number = self._id_of(
            "the execution could not be created",
            "DECLARE @id bigint; EXEC catalog.create_execution @folder_name = :folder, @project_name = :of_project, "
            f"@package_name = :named, @reference_id = {reference}{more}, @execution_id = @id OUTPUT; SELECT @id;",
            of_project=project,
            named=package,
            reference=reference_id,
        )
        self.executions.append(number)
        return number

    def _start(self, execution_id: int) -> None:
        answer = self.call("EXEC catalog.start_execution @execution_id = :id;", id=execution_id)
        if answer.number is not None:
            raise NotApplicable(f"the execution could not be started: {answer.text}")

    def _finish(self, execution_id: int) -> int:
        self._start(execution_id)
        self.wait(execution_id)
        return execution_id

    # --- removal ------------------------------------------------------------------------------------------------------

    @property
    def has_made_something(self) -> bool:
        """Whether there may be a scratch folder or a logging level to remove."""
        return "folder" in self.made or "level" in self.made

    def remove(self) -> list[str]:
        """Stop running executions, and remove the scratch folder with everything in it and the logging levels.

        :return: what could not be removed; empty if nothing is left but the log of the operations.
        """
        left = self._remove_levels() if "level" in self.made else ()
        return [text for text in (*left, *self._remove_folder()) if text]

    def _remove_levels(self) -> Iterator[str]:
        names = "SELECT name FROM catalog.customized_logging_levels WHERE name IN (:folder, :other);"
        for (name,) in self.rows(names):
            answer = self.call("EXEC catalog.delete_customized_logging_level @level_name = :name;", name=name)
            yield "" if answer.number is None else f"customized logging level {name}: {answer.text}"

    def _remove_folder(self) -> list[str]:
        if not self.value("SELECT COUNT(*) FROM catalog.folders WHERE name = :folder;"):
            return []
        for number in self.executions:
            status = self.value("SELECT status FROM catalog.operations WHERE operation_id = :id;", id=number)
            if status in (2, 5):
                self.call("EXEC catalog.stop_operation @operation_id = :id;", id=number)
        return list(self._removals())

    def _removals(self) -> Iterator[str]:
        for table, kind, procedure, argument in (
            ("projects", "project", "delete_project", "project_name"),
            ("environments", "environment", "delete_environment", "environment_name"),
        ):
            names = self.rows(
                f"SELECT v.name FROM catalog.{table} AS v JOIN catalog.folders AS f ON f.folder_id = v.folder_id "
                "WHERE f.name = :folder;"
            )
            for (name,) in names:
                answer = self.call(f"EXEC catalog.{procedure} @folder_name = :folder, @{argument} = :name;", name=name)
                yield "" if answer.number is None else f"{kind} {self.scratch}/{name}: {answer.text}"
        answer = self.call("EXEC catalog.delete_folder @folder_name = :folder;")
        yield "" if answer.number is None else f"folder {self.scratch}: {answer.text}"

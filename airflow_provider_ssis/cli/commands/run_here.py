"""``airflow-ssis run SOURCE``: run a package on this machine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from airflow_provider_ssis.cli.commands.messages import LEVELS
from airflow_provider_ssis.cli.commands.run_values import at_bracket
from airflow_provider_ssis.cli.exit_codes import ExitCode, RunCommand
from airflow_provider_ssis.cli.failures import CommandFailed, OutputFailed
from airflow_provider_ssis.cli.option_values import FilePath, Pair, Pairs, read_password, unique
from airflow_provider_ssis.cli.output import Output, printable
from airflow_provider_ssis.cli.script_functions import script_functions
from airflow_provider_ssis.cli.value_files import read_json, value_in

if TYPE_CHECKING:
    from airflow_provider_ssis.engine.cancellation import CancelToken
    from airflow_provider_ssis.engine.context import DataTap
    from airflow_provider_ssis.engine.control_flow.running import RunResult
    from airflow_provider_ssis.engine.events import Event
    from airflow_provider_ssis.engine.loading import LoadedProject
    from airflow_provider_ssis.engine.summary import RunSummary

_LEVELS = ("none", "basic", "performance", "verbose")
_FILES = ("FILE", "FLATFILE", "MULTIFILE", "MULTIFLATFILE")
_KEYS = ("parameters", "project_parameters", "connections", "property_overrides")


@click.command("run", cls=RunCommand)
@click.argument("source", type=FilePath())
@click.option("--package", metavar="NAME", help="The package of a project: Load.dtsx.")
@click.option("--parameter", type=Pair(), multiple=True, help="Value of a package parameter.")
@click.option("--project-parameter", type=Pair(), multiple=True, help="Value of a project parameter.")
@click.option(
    "--connection",
    type=Pair("NAME=VALUE"),
    multiple=True,
    help="Another connection string for a connection manager, for ODBC, OLE DB or a file: "
    "'Warehouse=Driver=…;Server=…'.",
)
@click.option(
    "--map-path",
    type=Pair("WINDOWS=HERE"),
    multiple=True,
    help="A folder of this machine for one of Windows: 'C:\\data=/data'. The longest folder that fits counts.",
)
@click.option(
    "--script",
    type=Pair("PATH=MODULE:FUNCTION"),
    multiple=True,
    help="A Python function in place of a script: '\\Package\\Clean Up=my_scripts:clean_up'.",
)
@click.option(
    "--set", "overrides", type=Pair("PATH=VALUE"), multiple=True, help="Value of any property, as dtexec /SET."
)
@click.option(
    "--values",
    type=FilePath(exists=True, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="JSON file with values, which then are not in the process list: an object with the keys parameters, "
    'project_parameters, connections and property_overrides. The value {"sensitive": VALUE} is never shown. - is the '
    "standard input.",
)
@click.option(
    "--tap",
    "taps",
    type=Pair("PATH=FILE"),
    multiple=True,
    help="Write the rows of a path of a data flow to a .csv or .parquet file: "
    "'\\Package\\Load.Paths[Source.Output]=rows.csv'. In a loop, each iteration has a file: 1_rows.csv, 2_rows.csv.",
)
@click.option("--logging-level", type=click.Choice(_LEVELS), default="basic", help="Which events the run has.")
@click.option("--follow", is_flag=True, help="Print the messages of the run.")
@click.option(
    "--level", type=click.Choice(LEVELS), default="information", help="The least important messages of --follow."
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Load the package, list its tasks, validate it with these options as dtexec /Validate, and run nothing.",
)
@click.option(
    "--warn-as-error", is_flag=True, help="A warning of the validation fails the package, as dtexec /WarnAsError."
)
@click.option(
    "--password-file",
    type=FilePath(exists=True, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="The file with the password of the source, in its first line.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each event, and for the result.")
def command(
    source: Path,
    package: str | None,
    parameter: Pairs,
    project_parameter: Pairs,
    connection: Pairs,
    map_path: Pairs,
    script: Pairs,
    overrides: Pairs,
    values: Path | None,
    taps: Pairs,
    logging_level: str,
    follow: bool,
    level: str,
    dry_run: bool,
    warn_as_error: bool,
    password_file: Path | None,
    as_json: bool,
) -> int:
    """Run a package on this machine, with the engine of this package: SQL Server is not needed.

    SOURCE is a package (.dtsx), a project file (.ispac), a .dtproj or a project folder. Tasks and components that the
    engine does not support are listed before anything runs.

    Exit codes, as those of dtexec: 0 the package succeeded; 1 it failed; 3 it was canceled (Ctrl+C); 4 the package was
    not found; 5 it could not be loaded, or has parts that the engine does not support; 6 the command line is wrong.
    """
    from airflow_provider_ssis.cli.commands.run_display import EventPrinter, RunningTasks
    from airflow_provider_ssis.engine import CancelToken, RunOptions, load_project, run_package
    from airflow_provider_ssis.engine.loading import PackageNotFoundError
    from airflow_provider_ssis.engine.summary import RunSummary

    output = Output(as_json=as_json)
    given = _values(values, parameter, project_parameter, connection, overrides)
    password = None if password_file is None else read_password(password_file)
    with _reported(output, package, validate_only=dry_run):
        if not source.exists():
            text = f"{source} does not exist. Check the path. A run on a server needs FOLDER PROJECT PACKAGE."
            raise PackageNotFoundError(text)
        scripts = script_functions(script)
        project = load_project(source, password=password)
        name = project.file_name(package)
        paths = unique(map_path, "--map-path")
        if dry_run and not _is_supported(output, project, name, scripts, paths, given):
            if as_json:
                _json_end(output, name, "refused", ExitCode.NOT_LOADED, validate_only=True)
            return ExitCode.NOT_LOADED
        summary = RunSummary()
        cancel = CancelToken()
        with RunningTasks(name, enabled=not (follow or as_json)) as display:
            printer = EventPrinter(output, level if follow else None)
            shown = _Shown((printer.show, display.show), cancel)

            def show(event: Event) -> None:
                summary.add(event)
                shown.add(event)

            with _cancelled_by_signals(cancel):
                result = run_package(
                    project,
                    package,
                    parameters=given.parameters,
                    property_overrides=given.property_overrides,
                    connections=given.connections,
                    path_map=paths,
                    scripts=scripts,
                    logging_level=_LEVELS.index(logging_level),
                    secret_texts=given.secrets,
                    on_event=show,
                    cancel=cancel,
                    options=RunOptions(taps=_taps(taps)),
                    validate_only=dry_run,
                    warn_as_error=warn_as_error,
                )
    try:
        if shown.failure is None:
            _print_end(output, name, result, summary, validate_only=dry_run)
    except OSError as error:
        shown.failure = error
    if shown.failure is not None:
        raise OutputFailed(shown.failure, result.exit_code, f"The status of the run is {result.status.name.lower()}.")
    return result.exit_code


class _Shown:
    """The printed events. The run is canceled if the output can no longer be written.

    :param show: print an event.
    :param cancel: cancels the run.
    """

    def __init__(self, show: Iterable[Callable[[Event], None]], cancel: CancelToken) -> None:
        self._show = tuple(show)
        self._cancel = cancel
        self.failure: OSError | None = None

    def add(self, event: Event) -> None:
        if self.failure is not None:
            return
        try:
            for show in self._show:
                show(event)
        except OSError as error:
            self.failure = error
            self._cancel.cancel()


def _taps(taps: Pairs) -> tuple[DataTap, ...]:
    if not taps:
        return ()
    from airflow_provider_ssis.engine.context import DataTap
    from airflow_provider_ssis.engine.data_flow.tap_files import FilesOfTap

    found = []
    for place, file in unique((at_bracket(*each) for each in taps), "--tap").items():
        task, dot, path_id = place.partition(".Paths[")
        if not dot or not path_id.endswith("]"):
            raise click.UsageError(rf"--tap {place}: write the path as \Package\Task.Paths[Component.Output]=FILE.")
        found.append(DataTap(task, f"Paths[{path_id}", FilesOfTap(Path(file))))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Given:
    """The values of the command line and of the file."""

    parameters: dict[str, Any]
    connections: dict[str, Any]
    property_overrides: dict[str, Any]
    secrets: tuple[str, ...]


def _values(
    file: Path | None, parameter: Pairs, project_parameter: Pairs, connection: Pairs, overrides: Pairs
) -> _Given:
    from airflow_provider_ssis.catalog.requests import Sensitive

    content = {} if file is None else read_json(file, keys=_KEYS)
    options = {
        "parameters": unique(parameter, "--parameter"),
        "project_parameters": unique(project_parameter, "--project-parameter"),
        "connections": unique(connection, "--connection"),
        "property_overrides": unique((at_bracket(*each) for each in overrides), "--set"),
    }
    secrets: list[str] = []
    found: dict[str, dict[str, Any]] = {}
    for key in _KEYS:
        of_file = content.get(key, {})
        if not isinstance(of_file, Mapping):
            raise click.UsageError(f"The file {file}: {key} is not an object of names and values.")
        assert file is not None or not of_file  # noqa: S101 there is content only with a file
        values = {name: value_in(Path(str(file)), f"{key}.{name}", value) for name, value in of_file.items()}
        secrets += [str(value.value) for value in values.values() if isinstance(value, Sensitive)]
        plain = {name: value.value if isinstance(value, Sensitive) else value for name, value in values.items()}
        found[key] = plain | options[key]
    parameters = {f"$Package::{name}": value for name, value in found["parameters"].items()}
    parameters |= {f"$Project::{name}": value for name, value in found["project_parameters"].items()}
    return _Given(parameters, found["connections"], found["property_overrides"], tuple(secrets))


@contextmanager
def _reported(output: Output, package: str | None, *, validate_only: bool) -> Iterator[None]:
    """Report errors before the run as failures of the command, with the exit codes of dtexec."""

    def failed(text: str, status: str, code: ExitCode, refusals: Sequence[Any] = ()) -> CommandFailed:
        if not output.as_json:
            return CommandFailed(text, code)
        found = [asdict(one) for one in refusals]
        _json_end(output, package, status, code, validate_only=validate_only, error=text, refusals=found)
        return CommandFailed("", code)

    from airflow_provider_ssis.engine.errors import EngineError
    from airflow_provider_ssis.engine.loading import PackageNotFoundError
    from airflow_provider_ssis.engine.refusals import UnsupportedError
    from airflow_provider_ssis.project.errors import ProjectError

    try:
        yield
    except UnsupportedError as error:
        lines = "".join(f"\n  {refusal}" for refusal in error.refusals)
        text = f"the engine cannot run this package. Nothing was run.{lines}"
        raise failed(text, "refused", ExitCode.NOT_LOADED, error.refusals) from None
    except (EngineError, ProjectError) as error:
        code = ExitCode.NOT_FOUND if isinstance(error, PackageNotFoundError) else ExitCode.NOT_LOADED
        raise failed(str(error), "not_loaded", code) from None
    except OSError as error:
        text = f"cannot read {error.filename or 'a file'}: {error.strerror or error}"
        raise failed(text, "not_loaded", ExitCode.NOT_LOADED) from None


@contextmanager
def _cancelled_by_signals(cancel: CancelToken) -> Iterator[None]:
    """Cancel the run on Ctrl+C and SIGTERM; a second signal ends the process at once."""

    def on_signal(number: int, frame: object) -> None:
        for one in before:
            signal.signal(one, signal.SIG_DFL)
        # The handler runs in the thread of the run, which must not wait for itself.
        threading.Thread(target=cancel.cancel, daemon=True).start()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_supported(
    output: Output,
    project: LoadedProject,
    name: str,
    scripts: Mapping[str, Any],
    paths: Mapping[str, str],
    given: _Given,
) -> bool:
    """Print the tasks of a package, its unsupported parts, and its paths of Windows without a rule."""
    from airflow_provider_ssis.engine import check_package
    from airflow_provider_ssis.engine.connections.paths import PathMap
    from airflow_provider_ssis.engine.loading import LoadError

    [checked] = check_package(
        project, name, scripts=scripts, connections=given.connections, parameters=given.parameters
    )
    if checked.problem:
        raise LoadError(checked.problem)
    loaded = project.package(name)
    tasks = [one.path for one in loaded.container.walk_enabled()]
    path_map = PathMap(tuple(paths.items()))
    replaced = {one.casefold() for one in given.connections}
    parameters = {one.rpartition("::")[2].casefold() for one in given.parameters}
    unmapped = {
        manager.name: problem
        for manager in (*loaded.connection_managers, *project.connection_managers)
        if manager.creation_name in _FILES
        and manager.name.casefold() not in replaced
        and f"CM.{manager.name}.ConnectionString".casefold() not in parameters
        and "ConnectionString" not in manager.expressions
        and (problem := path_map.problem(manager.connection_string))
    }
    if output.as_json:
        refusals = [asdict(one) for one in checked.refusals]
        values = [asdict(one) for one in checked.values]
        plan = {"event": "plan", "package": name, "executables": tasks, "refusals": refusals, "values": values}
        output.json_line({**plan, "unmapped": unmapped})
    else:
        click.echo(printable("".join(f"{path}\n" for path in tasks)), nl=False)
        for refusal in checked.refusals:
            click.echo(printable(f"not supported: {refusal}"))
        for value in checked.values:
            click.echo(printable(f"missing: {value}"))
        for manager, problem in unmapped.items():
            click.echo(printable(f"no path yet: connection manager {manager}: {problem}"))
        with_missing = " with the missing values" if checked.values else ""
        click.echo(f"The engine can run it{with_missing}." if checked.can_run else "The engine cannot run it.")
    return checked.can_run and not checked.values


def _json_end(
    output: Output, package: str | None, status: str, exit_code: int, *, validate_only: bool, **found: Any
) -> None:
    """Print the last line of JSON, which has the same keys for each end of a run."""
    line: dict[str, Any] = {"event": "result", "package": package, "status": status, "validate_only": validate_only}
    line |= {"exit_code": int(exit_code), "duration": None, "errors": 0, "warnings": 0, "rows": [], "causes": []}
    output.json_line({**line, "error": None, "refusals": [], **found})


def _print_end(output: Output, name: str, result: RunResult, summary: RunSummary, *, validate_only: bool) -> None:
    status = result.status.name.lower()
    if output.as_json:
        _json_end(
            output,
            name,
            status,
            result.exit_code,
            validate_only=validate_only,
            duration=result.duration,
            errors=summary.errors,
            warnings=summary.warnings,
            rows=[asdict(one) for one in result.row_counts],
            causes=summary.causes(),
        )
        return
    if not result.succeeded:
        for cause in summary.causes():
            click.echo(printable(f"  - {cause}"), err=True)
    counts = f"errors: {summary.errors}, warnings: {summary.warnings}"
    phase = "validation: " if validate_only else ""
    click.echo(printable(f"{name}: {phase}{status} after {result.duration:.1f} s, {counts}."))
    for destination, rows in summary.rows.items():
        click.echo(printable(f"  {destination}: {rows} rows written"))

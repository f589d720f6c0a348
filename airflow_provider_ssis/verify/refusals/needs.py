"""The objects that a refused call needs on the server. Each object's id becomes a marker of the statement."""

from __future__ import annotations

from airflow_provider_ssis.verify.probe import Probe


def login(probe: Probe) -> None:
    """A login that may change the catalog."""
    probe.require_accepted_login()


def admin(probe: Probe) -> None:
    """An administrator."""
    probe.require_admin()


def folder(probe: Probe) -> None:
    """The scratch folder."""
    _ = probe.folder


def environment(probe: Probe) -> None:
    """The environment."""
    _ = probe.environment


def project(probe: Probe) -> None:
    """The deployed project."""
    _ = probe.deployment


def run(probe: Probe) -> None:
    """An execution that is never started: the marker ``:run``."""
    probe.values["run"] = probe.created_run


def finished(probe: Probe) -> None:
    """An execution that has ended: ``:finished``."""
    probe.values["finished"] = probe.finished_run


def finished_as_admin(probe: Probe) -> None:
    """An administrator, and ``:finished``."""
    admin(probe)
    finished(probe)


def unset(probe: Probe) -> None:
    """An execution without the value of a required parameter: ``:unset``."""
    probe.values["unset"] = probe.unset_run


def reference(probe: Probe) -> None:
    """The reference of the project to the environment: ``:reference``."""
    probe.values["reference"] = probe.reference


def outdated(probe: Probe) -> None:
    """An execution whose project was deployed again: ``:outdated``."""
    probe.values["outdated"] = probe.outdated_run


def orphan(probe: Probe) -> None:
    """An execution whose project was deleted: ``:orphan``."""
    probe.values["orphan"] = probe.orphaned_run


def level(probe: Probe) -> None:
    """The customized logging level, which has the name of the scratch folder."""
    _ = probe.level


def workers(probe: Probe) -> None:
    """An administrator, on a server that knows Scale Out."""
    probe.require_admin()
    probe.require_2019()


def run_and_workers(probe: Probe) -> None:
    """As :func:`workers`, with an execution that is never started: ``:run``."""
    workers(probe)
    run(probe)


def any_worker(probe: Probe) -> None:
    """An execution that any worker may run: ``:any_worker``."""
    workers(probe)
    probe.values["any_worker"] = probe.any_worker_run


def certain_workers(probe: Probe) -> None:
    """An execution that only certain workers may run: ``:certain_workers``."""
    workers(probe)
    probe.values["certain_workers"] = probe.certain_workers_run

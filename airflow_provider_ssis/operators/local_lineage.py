"""Lineage of packages that run on the worker."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.operators.lineage import RunLineage, SsisLineageTask

if TYPE_CHECKING:
    from airflow_provider_ssis.engine.process.job import RunJob
    from airflow_provider_ssis.engine.summary import RunSummary


class SsisLocalLineageTask(SsisLineageTask):
    """A task that reports the tables and files of its run on the worker."""

    source: Any
    package: Any
    _job_of_run: RunJob | None = None
    _summary: RunSummary | None = None

    @property
    def _package_place(self) -> dict[str, str]:
        return {"source": str(self.source), **({"package": str(self.package)} if self.package else {})}

    def _lineage(self) -> RunLineage | None:
        """The lineage of the package, with the values of the run."""
        from airflow_provider_ssis.expressions.property_values import evaluate_property
        from airflow_provider_ssis.project.inspection.sources import open_files
        from airflow_provider_ssis.project.lineage.overrides import Overrides
        from airflow_provider_ssis.project.lineage.report import lineage_of_run

        job, summary = self._job_of_run, self._summary
        if job is None or summary is None:
            return None
        given = {name: None if str(value) in job.secret_texts else value for name, value in job.parameters.items()}
        with open_files(Path(job.source), password=job.password) as files:
            package = job.package or files.package_names[0]
            packages = lineage_of_run(
                files,
                package,
                evaluate_property,
                given,
                machine=socket.gethostname(),
                overrides=Overrides(
                    {
                        path: None if str(value) in job.secret_texts else value
                        for path, value in job.property_overrides.items()
                    },
                    job.connections,
                ),
            )
        tasks = tuple(task for found in packages.values() for task in found)
        facet = {
            **self._package_place,
            "package": package,
            "machine": socket.gethostname(),
            "durationSeconds": summary.duration,
            "errors": summary.errors,
            "warnings": summary.warnings,
            "rowsWritten": [{"destination": name, "rows": rows} for name, rows in summary.rows.items()],
            "notes": [f"{task.task}: {note}" for task in tasks for note in task.notes],
        }
        return RunLineage(tasks, facet)

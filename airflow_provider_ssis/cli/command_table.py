"""The commands of ``airflow-ssis``, in the order of ``airflow-ssis --help``."""

from __future__ import annotations

from airflow_provider_ssis.cli.lazy_group import CommandEntry

_PROJECTS = "Project files"
_EXPRESSIONS = "Expressions"
_SERVERS = "Servers"

COMMANDS = (
    CommandEntry(
        "build", "airflow_provider_ssis.cli.build", "Build a project file (.ispac) from a project folder.", _PROJECTS
    ),
    CommandEntry(
        "inspect",
        "airflow_provider_ssis.cli.inspect",
        "Show what an SSIS file contains, as text, JSON or a picture.",
        _PROJECTS,
    ),
    CommandEntry("eval", "airflow_provider_ssis.cli.eval", "Evaluate an SSIS expression.", _EXPRESSIONS),
    CommandEntry("doctor", "airflow_provider_ssis.cli.doctor", "Test a connection step by step.", _SERVERS),
    CommandEntry("emulator", "airflow_provider_ssis.cli.emulator", "Serve an embedded SSISDB.", _SERVERS),
)

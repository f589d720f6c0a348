"""The commands of ``airflow-ssis``, in the order of ``airflow-ssis --help``."""

from __future__ import annotations

from airflow_provider_ssis.cli.lazy_group import CommandEntry

_PACKAGE = "airflow_provider_ssis.cli.commands"
_RUNS = "Runs"
_CATALOG = "Catalog"
_PROJECTS = "Project files"
_EXPRESSIONS = "Expressions"
_SERVERS = "Servers"

COMMANDS = (
    CommandEntry("run", f"{_PACKAGE}.run", "Run a package on a server or on this machine.", _RUNS),
    CommandEntry("check", f"{_PACKAGE}.check", "Show which packages this machine can run.", _RUNS),
    CommandEntry("stop", f"{_PACKAGE}.stop", "Stop executions.", _RUNS),
    CommandEntry("show", f"{_PACKAGE}.show", "Show an execution.", _RUNS),
    CommandEntry("messages", f"{_PACKAGE}.messages", "Print the messages of an operation.", _RUNS),
    CommandEntry("deploy", f"{_PACKAGE}.deploy", "Deploy a project.", _CATALOG),
    CommandEntry("get", f"{_PACKAGE}.get", "Write a project of the catalog to a file.", _CATALOG),
    CommandEntry("validate", f"{_PACKAGE}.validate", "Validate a package or project on the server.", _CATALOG),
    CommandEntry("versions", f"{_PACKAGE}.versions", "List the versions of a project.", _CATALOG),
    CommandEntry("restore", f"{_PACKAGE}.restore", "Put an earlier version of a project into use again.", _CATALOG),
    CommandEntry("env", f"{_PACKAGE}.environments", "Show, set or delete environments and their variables.", _CATALOG),
    CommandEntry("parameter", f"{_PACKAGE}.parameters", "Show, set or clear values of parameters.", _CATALOG),
    CommandEntry("permission", f"{_PACKAGE}.permissions", "Grant, deny, revoke or show permissions.", _CATALOG),
    CommandEntry("property", f"{_PACKAGE}.properties", "Show or set properties of the catalog.", _CATALOG),
    CommandEntry("list", f"{_PACKAGE}.list_objects", "List folders, projects, executions and others.", _CATALOG),
    CommandEntry("build", f"{_PACKAGE}.build", "Build a project file (.ispac) from a project folder.", _PROJECTS),
    CommandEntry("inspect", f"{_PACKAGE}.inspect", "Show what an SSIS file contains, as text or a picture.", _PROJECTS),
    CommandEntry("lint", f"{_PACKAGE}.lint", "Check SSIS projects and packages.", _PROJECTS),
    CommandEntry("diff", f"{_PACKAGE}.diff", "Show what differs between packages or projects.", _PROJECTS),
    CommandEntry("fmt", f"{_PACKAGE}.fmt", "Write SSIS files in a canonical form.", _PROJECTS),
    CommandEntry("eval", f"{_PACKAGE}.eval", "Evaluate an SSIS expression.", _EXPRESSIONS),
    CommandEntry("doctor", f"{_PACKAGE}.doctor", "Test a connection step by step.", _SERVERS),
    CommandEntry("verify", f"{_PACKAGE}.verify", "Check that a server behaves as this project expects.", _SERVERS),
    CommandEntry("emulator", f"{_PACKAGE}.emulator", "Serve an embedded SSISDB.", _SERVERS),
)

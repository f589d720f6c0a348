"""Rules about connection managers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from airflow_provider_ssis.lint.executable import Executable
from airflow_provider_ssis.lint.findings import Place, Severity
from airflow_provider_ssis.lint.rule import Hit, rule
from airflow_provider_ssis.lint.subject import CheckedPackage, Subject
from airflow_provider_ssis.project.connection_strings import has_password
from airflow_provider_ssis.project.package.connection_references import connection_references
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.data_flow import INVALID
from airflow_provider_ssis.project.protection.encrypted_values import is_encrypted
from airflow_provider_ssis.project.protection.sensitive import is_secret

_SERVER = re.compile(r"(?:^|;)\s*(?:data source|server|address|addr|network address)\s*=\s*([^;]+)", re.IGNORECASE)
_ONLY_32_BITS = re.compile(r"(?:^|;)\s*provider\s*=\s*((?:Microsoft\.Jet\.OLEDB|MSDAORA|VFPOLEDB)[^;]*)", re.IGNORECASE)
"""The OLE DB providers for Access and Excel 97-2003, Oracle and FoxPro that Microsoft never made for 64 bits."""
_WITHOUT_32_BITS = ("engine", "linux")
_LOCAL = ("", ".", "(local)", "(localdb)", "localhost", "127.0.0.1", "::1")
_PROTOCOL = re.compile(r"^(?:tcp|np|lpc|admin):", re.IGNORECASE)
_FILE = re.compile(r"[A-Za-z]:[\\/]|[\\/]|\|DataDirectory\|", re.IGNORECASE)
"""A database in a file, such as one of Access."""
_LITERAL = re.compile(r'\s*"(?:\\.|[^"\\])+"\s*')
_DATABASES = ("OLEDB", "ADO.NET", "ADO", "ODBC", "MSOLAP100")


@rule(
    "C101",
    "unknown-connection-manager",
    Severity.ERROR,
    explanation="A task or component whose connection manager does not exist fails at validation.",
    fix="Choose an existing connection manager",
)
def unknown(subject: Subject) -> Iterator[Hit]:
    """Find references to connection managers that neither the package nor its project has."""
    for one in subject.packages:
        for executable in one.executables:
            for reference in dict.fromkeys(_references(executable)):
                if not _is_known(reference, one, subject):
                    path = executable.container.path
                    yield one.place(executable.container, path), f"there is no connection manager {reference!r}"
        for provider in one.package.log_providers:
            reference = "" if "ConfigString" in provider.expressions else provider.config_string
            if reference.strip() and not _is_known(reference, one, subject):
                place = one.place(provider, f"{one.package.container.path}.LogProviders[{provider.name}]")
                yield place, f"there is no connection manager {reference!r}"


@rule(
    "C102",
    "unused-connection-manager",
    Severity.INFO,
    explanation="An unused connection manager has no effect, but the server shows its parameters.",
    fix="Remove the connection manager",
)
def unused(subject: Subject) -> Iterator[Hit]:
    """Find connection managers to which nothing refers."""
    for one in subject.packages:
        for manager in one.package.connection_managers:
            if not _is_used(manager, [one]):
                yield one.manager_place(manager), f"nothing uses the connection manager {manager.name}"
    for file, manager in subject.project_managers if subject.is_complete else ():
        if not _is_used(manager, subject.packages):
            place = Place(file, manager.element.sourceline, manager.name)
            yield place, f"nothing uses the connection manager {manager.name}"


@rule(
    "C201",
    "hard-coded-password",
    Severity.ERROR,
    explanation=(
        "A password in a connection string is in plain text in the file and on the server. This also applies "
        "to connection strings in variables and parameters."
    ),
    fix="Use Windows authentication, or set the sensitive parameter Password on the server",
)
def password(subject: Subject) -> Iterator[Hit]:
    """Find passwords in connection managers, and in variables and parameters that contain connection strings."""
    for place, manager in subject.managers():
        texts = [manager.connection_string, *manager.expressions.values()]
        is_set = _LITERAL.fullmatch(manager.expressions.get("Password", "")) is not None
        if is_set or any(map(has_password, texts)) or _has_plain_secret(manager, subject):
            yield place, f"the connection manager {manager.name} contains a password"
    for place, _, variable in subject.variables():
        if has_password(variable.text) or has_password(variable.expression):
            yield place, f"the variable {variable.qualified_name} contains a connection string with a password"
    for parameter in subject.project_parameters:
        if not parameter.sensitive and isinstance(parameter.value, str) and has_password(parameter.value):
            place = subject.parameter_place(parameter.name)
            yield place, f"the parameter {parameter.name} contains a connection string with a password"
    for one in subject.packages:
        for own in one.package.parameters:
            if not own.sensitive and has_password(own.text or ""):
                place = one.place(own, f"{one.package.container.name}::{own.name}")
                yield place, f"the parameter {own.name} contains a connection string with a password"


@rule(
    "C202",
    "hard-coded-server",
    Severity.INFO,
    explanation=(
        "With a fixed server name, each environment needs a separate file, unless each deployment overrides the name."
    ),
    fix="Set the connection string or server name with a property expression that uses a parameter",
)
def server(subject: Subject) -> Iterator[Hit]:
    """Find database connections to a fixed server other than the local one."""
    for place, manager in subject.managers():
        if manager.kind not in _DATABASES or {"ConnectionString", "ServerName"} & set(manager.expressions):
            continue
        match = _SERVER.search(manager.connection_string)
        name = "" if match is None else match[1].strip().strip("\"'")
        if not _is_local(name):
            yield place, f"the connection manager {manager.name} names the server {name!r}"


@rule(
    "C301",
    "thirty-two-bit-provider",
    Severity.WARNING,
    explanation=(
        "The provider exists for 32 bits only, but servers run packages in 64-bit mode unless an execution "
        "requests the 32-bit runtime. SQL Server 2025 deprecates the 32-bit mode."
    ),
    fix="Use another provider, such as Microsoft.ACE.OLEDB, or run the package with use_32bit_runtime or --use32bit",
)
def provider(subject: Subject) -> Iterator[Hit]:
    """Find connections through a provider that exists for 32 bits only."""
    if subject.configuration.target in _WITHOUT_32_BITS:
        return
    for place, manager in subject.managers():
        if (match := _ONLY_32_BITS.search(manager.connection_string)) is not None:
            yield place, f"the connection manager {manager.name} uses the provider {match[1].strip()}"


def _is_local(server: str) -> bool:
    """Return True for this machine, with or without protocol, port and instance, and for a file."""
    host = re.split(r"[\\,]", _PROTOCOL.sub("", server))[0].strip()
    return host.lower() in _LOCAL or _FILE.match(server) is not None


def _has_plain_secret(manager: DtsConnectionManager, subject: Subject) -> bool:
    """Return True for a secret that is stored in plain text. With a password, encrypted secrets were decrypted."""
    if subject.files.password is not None:
        return False
    return any(
        is_secret(one) and not is_encrypted(one) and (one.text or "").strip() for one in manager.element.iter("*")
    )


def _is_used(manager: DtsConnectionManager, packages: Sequence[CheckedPackage]) -> bool:
    """Return True if a package names the connection manager by id, by refId, or by its name alone."""
    id_, ref_id = manager.id.upper(), f"ConnectionManagers[{manager.name}]"
    is_inside = manager.part.lower().endswith((".dtsx", ".dtsxp"))
    # Where it is declared, its id, its refId and its name occur once.
    by_id = sum(one.upper_text.count(id_) for one in packages) if id_ else 0
    by_ref = sum(one.text.count(ref_id) for one in packages)
    by_name = sum(one.texts[manager.name] + _quoted(one.text, manager.name) for one in packages)
    return by_id > is_inside or by_ref > bool(manager.ref_id) or by_name > is_inside


def _quoted(text: str, name: str) -> int:
    return text.count(f'"{name}"') + text.count(f"'{name}'")


def _is_known(reference: str, one: CheckedPackage, subject: Subject) -> bool:
    id_, _, suffix = reference.partition(":")
    if reference.endswith(INVALID):
        return False
    match = re.fullmatch(r"(?:Package(?:Part)?|Project)\.ConnectionManagers\[(.*)\]", reference, re.DOTALL)
    if match is not None:
        return match[1] in one.managers or (reference.startswith("Project.") and not subject.files.is_project)
    if id_.upper() in one.managers or reference in one.managers:
        return True
    if any(name.lower().endswith(".conmgr") for name, _ in subject.unreadable):
        return True  # it may be the one that cannot be read
    # A package alone does not show the connection managers of its project.
    return not subject.files.is_project and (suffix == "external" or one.package.format_version >= 5)


def _references(executable: Executable) -> Iterator[str]:
    for id_, ref_id in connection_references(executable.data, executable.container.expressions):
        yield id_ if id_.endswith(INVALID) else ref_id or id_

"""Rules about parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_provider_ssis.lint.findings import Severity
from airflow_provider_ssis.lint.rule import Hit, rule
from airflow_provider_ssis.lint.subject import Subject

_REFERENCE = re.compile(r"\$(Project|Package)::(\w+)")


@rule(
    "P101",
    "required-parameter-without-value",
    Severity.INFO,
    explanation="A required parameter has no default on the server. An execution that does not set it fails.",
    fix="Set the parameter on the server or for each execution, or make it optional with a default",
)
def required(subject: Subject) -> Iterator[Hit]:
    """Find required parameters whose value is absent or empty."""
    for parameter in subject.project_parameters:
        if parameter.required and not parameter.sensitive and parameter.value in (None, ""):
            place = subject.parameter_place(parameter.name)
            yield place, f"the required parameter {parameter.name} has no value"
    for one in subject.packages:
        for own in one.package.parameters:
            if own.required and not own.sensitive and not own.encrypted and not own.text:
                path = f"{one.package.container.name}::{own.name}"
                yield one.place(own, path), f"the required parameter {own.name} has no value"


@rule(
    "P102",
    "unused-parameter",
    Severity.INFO,
    explanation="Setting a parameter that nothing reads has no effect.",
    fix="Remove the parameter, or use it",
)
def unused(subject: Subject) -> Iterator[Hit]:
    """Find parameters to which nothing refers."""
    texts = [one.text for one in subject.packages]
    texts += ["\n".join(manager.expressions.values()) for _, manager in subject.project_managers]
    for parameter in subject.project_parameters if subject.is_complete else ():
        pattern = rf"\$Project::{re.escape(parameter.name)}(?!\w)"
        is_mapped = any(one.maps_variable(parameter.id) for one in subject.packages)
        if not is_mapped and not any(re.search(pattern, text) for text in texts):
            place = subject.parameter_place(parameter.name)
            yield place, f"nothing uses the parameter {parameter.name}"
    for one in subject.packages:
        for own in one.package.parameters:
            if not (one.uses(rf"\$Package::{re.escape(own.name)}(?!\w)") or one.maps_variable(own.id)):
                path = f"{one.package.container.name}::{own.name}"
                yield one.place(own, path), f"nothing uses the parameter {own.name}"


@rule(
    "P103",
    "unknown-parameter",
    Severity.ERROR,
    explanation="A reference to a parameter that does not exist makes the package fail at validation.",
    fix="Declare the parameter, or correct the reference",
)
def unknown(subject: Subject) -> Iterator[Hit]:
    """Find references to parameters that are not declared."""
    project = [parameter.name for parameter in subject.project_parameters]
    for one in subject.packages:
        own = [parameter.name for parameter in one.package.parameters]
        reported = set()
        for match in _REFERENCE.finditer(one.enabled_text):
            scope, name = match.groups()
            if scope == "Project" and not subject.files.is_project:
                continue  # a package alone does not show the parameters of its project
            declared = project if scope == "Project" else own
            # Names may contain blanks, at which the match ends.
            rest = one.enabled_text[match.start(2) : match.start(2) + 200]
            is_known = any(re.match(rf"{re.escape(known)}(?!\w)", rest) for known in declared)
            if is_known or (scope, name) in reported:
                continue
            reported.add((scope, name))
            yield one.place(one.package, f"{scope}::{name}"), f"there is no parameter ${scope}::{name}"


@rule(
    "P104",
    "sensitive-value-in-plain-text",
    Severity.ERROR,
    explanation="The value of a sensitive parameter is in plain text in the file.",
    fix="Remove the value, or protect the project with a password",
)
def plain_secret(subject: Subject) -> Iterator[Hit]:
    """Find sensitive parameters with a value in plain text. With a password, encrypted values were decrypted."""
    if subject.files.password is not None:
        return
    for parameter in subject.project_parameters:
        if parameter.sensitive and parameter.value not in (None, ""):
            place = subject.parameter_place(parameter.name)
            yield place, f"the sensitive parameter {parameter.name} has a value in plain text"
    for one in subject.packages:
        for own in one.package.parameters:
            if own.sensitive and not own.encrypted and own.text:
                path = f"{one.package.container.name}::{own.name}"
                yield one.place(own, path), f"the sensitive parameter {own.name} has a value in plain text"

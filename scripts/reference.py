"""Writes ``docs/reference/`` from the code: docstrings, tables of options and fields, and the command line's parsers.

``python -m scripts.reference`` (``make docs``) writes the pages, ``python -m scripts.reference --check`` reports those
that are not current.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import click

from airflow_provider_ssis import config, exceptions
from airflow_provider_ssis.catalog import errors, models, requests
from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.errors.error_numbers import MEANINGS
from airflow_provider_ssis.catalog.failures.message_codes import ADVICE, symbol_of
from airflow_provider_ssis.cli.commands.run import RunAnywhere
from airflow_provider_ssis.cli.connection_options import CONNECTION_PARAMETERS
from airflow_provider_ssis.cli.main import command_line
from airflow_provider_ssis.emulator.faults.book import FaultBook
from airflow_provider_ssis.emulator.runs.scripts import ScriptBook
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.emulator.ssisdb.error_texts import TEXTS
from airflow_provider_ssis.hooks.connector import CatalogConnector
from airflow_provider_ssis.hooks.form import FIELDS
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
from airflow_provider_ssis.lint.rule_table import RULES
from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.environment import SsisEnvironmentOperator
from airflow_provider_ssis.operators.restore import SsisRestoreProjectOperator
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.operators.run_local import SsisRunLocalPackageOperator
from airflow_provider_ssis.operators.set_parameters import SsisSetParametersOperator
from airflow_provider_ssis.operators.stop import SsisStopExecutionOperator
from airflow_provider_ssis.operators.validate import SsisValidateOperator
from airflow_provider_ssis.retry_policy import SsisRetryPolicy
from airflow_provider_ssis.sensors.execution import SsisExecutionSensor
from airflow_provider_ssis.sensors.package import SsisPackageSensor
from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger
from airflow_provider_ssis.triggers.package import SsisPackageTrigger
from airflow_provider_ssis.triggers.validation import SsisValidationTrigger
from scripts.docstrings import Docstring, parse, to_markdown

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
_FEWEST_SECTIONS = 4
"""A page with so many sections begins with links to them."""

_NOTE = "<!-- Written by scripts/reference.py from the code: change the code, then run `make docs`. -->"
_OPERATORS = (
    "All arguments are given by name. `templated` means that Airflow renders templates in the argument. Every operator "
    "also takes the arguments of Airflow's `BaseOperator`."
)
_SENSOR_AND_TRIGGER = (
    "The sensors also take the arguments of Airflow's `BaseSensorOperator`. DAGs do not use triggers themselves: "
    "operators and sensors hand it their settings when they defer."
)
_LINT_CONFIGURATION = """```toml
[tool.airflow-ssis.lint]
ignore = ["F101"]                        # ids, or their first characters; also: select
severity = { C202 = "warning" }          # error, warning or info
target = "sqlserver2025"                 # as --target
require-event-handlers = ["OnError"]     # rule N101
names = { task = "(SQL|EXP|DFT) .+" }    # rule N102: package, task, container, variable, ...
per-file-ignores = { "Old*.dtsx" = ["D"] }
```"""
_OPERATOR_CLASSES = (
    SsisRunPackageOperator,
    SsisRunLocalPackageOperator,
    SsisStopExecutionOperator,
    SsisDeployProjectOperator,
    SsisValidateOperator,
    SsisRestoreProjectOperator,
    SsisSetParametersOperator,
    SsisEnvironmentOperator,
)
_SENSORS_AND_TRIGGERS = (
    SsisExecutionSensor,
    SsisPackageSensor,
    SsisExecutionTrigger,
    SsisValidationTrigger,
    SsisPackageTrigger,
)
_BARE_NAME = r"\1"
_OWN_TYPES = re.compile(r"\b(?:airflow_provider_ssis|collections\.abc|datetime|typing)\.(?:[\w.]*\.)?(\w+)")


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    texts = {
        "operators.md": "\n\n".join(
            [
                "# Operators",
                _OPERATORS,
                *map(_class, _OPERATOR_CLASSES),
            ]
        ),
        "sensor-and-trigger.md": "\n\n".join(
            [
                "# Sensors and triggers",
                _SENSOR_AND_TRIGGER,
                *map(_class, _SENSORS_AND_TRIGGERS),
            ]
        ),
        "hook.md": "\n\n".join(
            [
                "# Hook",
                _class(SsisCatalogHook),
                *_methods(SsisCatalogHook, _own(SsisCatalogHook)),
                *_methods(CatalogConnector, _own(CatalogConnector)),
            ]
        ),
        "retry-policy.md": "\n\n".join(["# Retry policy", _class(SsisRetryPolicy)]),
        "catalog.md": "\n\n".join(_catalog()),
        "exceptions.md": "\n\n".join(_exceptions()),
        "errors.md": "\n\n".join(_errors()),
        "emulator.md": "\n\n".join(_emulator()),
        "configuration.md": "\n\n".join(_configuration()),
        "connection-fields.md": "\n\n".join(_connection_fields()),
        "command-line.md": "\n\n".join(_command_line()),
        "lint-rules.md": "\n\n".join(_lint_rules()),
    }
    return {name: f"{_NOTE}\n\n{_with_contents(text)}\n" for name, text in texts.items()}


def _with_contents(text: str) -> str:
    """A page with links to its sections before the first one, if there are several."""
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    if len(sections) < _FEWEST_SECTIONS:
        return text
    seen: Counter[str] = Counter()
    links = []
    for section in sections:
        anchor = re.sub(r"[^\w\- ]", "", section.lower()).replace(" ", "-")
        links.append(f"[{section}](#{anchor}-{seen[anchor]})" if seen[anchor] else f"[{section}](#{anchor})")
        seen[anchor] += 1
    before, heading, after = text.partition("\n## ")
    return f"{before}\nOn this page: {', '.join(links)}.\n{heading}{after}"


def _lint_rules() -> Iterator[str]:
    yield "# Rules of airflow-ssis lint"
    yield (
        "`airflow-ssis lint SOURCE` checks projects and packages. Findings of the severity error end with exit code 1. "
        "Rules T… need `--target`, rules N… a configuration."
    )
    yield "## Configuration"
    yield (
        "The table `[tool.airflow-ssis.lint]` of the nearest pyproject.toml, or the same keys in a file "
        "airflow-ssis.toml:"
    )
    yield _LINT_CONFIGURATION
    yield "## Rules"
    for rule in sorted(RULES.values(), key=lambda one: one.id):
        yield f"### {rule.id} {rule.name}\n\n{rule.severity.label.capitalize()}. {rule.explanation}\n\nFix: {rule.fix}."


# --- classes ---------------------------------------------------------------------------------------------------------


def _class(documented: type) -> str:
    docstring = parse(documented.__doc__)
    constructor = inspect.signature(vars(documented)["__init__"]) if "__init__" in vars(documented) else None
    parts = [f"## {documented.__name__}", f"`from {documented.__module__} import {documented.__name__}`"]
    return "\n\n".join([*parts, *_parts(docstring, constructor)])


def _parts(docstring: Docstring, signature: inspect.Signature | None) -> Iterator[str]:
    yield docstring.description
    if docstring.parameters:
        yield "\n".join(_parameter(each.name, each.text, each.is_templated, signature) for each in docstring.parameters)
    if docstring.returns:
        yield f"Returns {docstring.returns}"
    if docstring.raises:
        yield "Raises:"
        yield "\n".join(f"- `{name}`: {text}" for name, text in docstring.raises)


def _parameter(name: str, text: str, is_templated: bool, signature: inspect.Signature | None) -> str:
    declared = signature.parameters.get(name) if signature else None
    about = []
    if declared is not None:
        if declared.annotation is not inspect.Parameter.empty:
            about.append(_type(declared.annotation))
        if declared.default is inspect.Parameter.empty and declared.kind is not inspect.Parameter.VAR_KEYWORD:
            about.append("required")
    if is_templated:
        about.append("templated")
    return f"- **`{name}`**" + (f" ({', '.join(about)})" if about else "") + f": {text}"


def _type(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return f"`{_OWN_TYPES.sub(_BARE_NAME, text)}`"


def _own(documented: type) -> list[str]:
    return [name for name in vars(documented) if not name.startswith("_")]


def _methods(documented: type, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        member = inspect.getattr_static(documented, name)
        function: Any = getattr(member, "fget", None) or getattr(member, "func", None) or member
        function = getattr(function, "__func__", function)
        if not isinstance(function, FunctionType) or not function.__doc__:
            continue
        signature = inspect.signature(function)
        heading = f"### {name}" if function is not member and not isinstance(member, classmethod) else f"### {name}()"
        yield "\n\n".join([heading, *_parts(parse(function.__doc__), signature)])


def _catalog() -> Iterator[str]:
    yield "# Catalog"
    yield (
        "The client of the SSISDB catalog. `SsisCatalogHook().open_catalog()` opens one for an Airflow connection; any "
        "DB-API connection whose current database is SSISDB works too."
    )
    yield _class(Catalog)
    for section in Catalog.__mro__:
        methods = list(_methods(section, _own(section))) if section.__module__.startswith("airflow_provider") else []
        if methods:
            yield f"## {section.__name__}"
            yield from methods
    for title, module in (("Requests", requests), ("Rows of views", models)):
        yield f"## {title}"
        for _, found in inspect.getmembers(module, inspect.isclass):
            if found.__module__.startswith(module.__name__):
                docstring = parse(found.__doc__)
                yield "\n\n".join([f"### {found.__name__}", docstring.description, *_fields(found, docstring)])


def _fields(documented: type, docstring: Docstring) -> Iterator[str]:
    """All fields of a dataclass, also of those whose docstring leaves their meaning to the view's documentation."""
    texts = {each.name: each.text for each in docstring.parameters}
    signature = inspect.signature(documented)
    if dataclasses.is_dataclass(documented):
        yield "\n".join(
            f"- **`{name}`** ({_type(parameter.annotation)})" + (f": {texts[name]}" if name in texts else "")
            for name, parameter in signature.parameters.items()
        )


def _emulator() -> Iterator[str]:
    yield "# Embedded SSISDB"
    yield "For Python. [The page on the embedded SSISDB](../embedded-ssisdb.md) has examples, and the same in T-SQL."
    yield _class(SsisdbEmulator)
    yield from _methods(SsisdbEmulator, _own(SsisdbEmulator))
    for title, documented, inner in (
        ("Scripts: `ssisdb.scripts`", ScriptBook, {"draw"}),
        ("Faults: `ssisdb.faults`", FaultBook, {"draw"}),
    ):
        yield f"## {title}"
        yield parse(documented.__doc__).description
        yield from _methods(documented, (name for name in _own(documented) if name not in inner))


# --- exceptions and errors -------------------------------------------------------------------------------------------


def _exceptions() -> Iterator[str]:
    yield "# Exceptions"
    yield "Each meaning has one class, so that a retry policy and `except` can distinguish failures."
    for title, base, module in (
        ("What tasks raise", exceptions.SsisTaskError, exceptions),
        ("What the catalog client raises", errors.CatalogError, errors),
    ):
        yield f"## {title}"
        yield f"`from {module.__name__} import …`"
        yield "\n".join(_tree(base, 0, module.__name__))


def _tree(base: type, depth: int, home: str) -> Iterator[str]:
    first = parse(base.__doc__).description.split("\n\n")[0].replace("\n", " ")
    yield f"{'  ' * depth}- `{base.__name__}`: {first}"
    each: type
    for each in base.__subclasses__():
        if each.__module__ == home:
            yield from _tree(each, depth + 1, home)


def _errors() -> Iterator[str]:
    yield "# Error numbers"
    yield (
        "What the package does with each error number of SQL Server and SSISDB that it knows, and with the codes of "
        "the messages of failed packages. Other numbers raise `CatalogError` with the server's own text. "
        "[Troubleshooting](../troubleshooting.md) starts from what you see."
    )
    yield "## SQL Server and SSISDB"
    rows = [
        (str(number), _happened(number, meaning.error), f"`{meaning.error.__name__}`", _advice(number))
        for number, meaning in sorted(MEANINGS.items())
    ]
    yield _table(("number", "what happened", "exception", "what to do"), rows)
    yield "## Message codes of packages"
    yield "The task's error shows the first causes of a failed package, with the symbol of the code and this advice."
    yield _table(
        ("code", "symbol", "what to check"),
        [(f"`{code}`", f"`{symbol_of(code) or ''}`", advice) for code, advice in ADVICE.items()],
    )


def _happened(number: int, error: type[errors.CatalogError]) -> str:
    text = TEXTS.get(number) or parse(error.__doc__).description.split("\n\n")[0].replace("\n", " ")
    return re.sub(r"'?\{\d\}'?", "…", text)


def _advice(number: int) -> str:
    meaning = MEANINGS[number]
    return meaning.error.default_advice if meaning.advice is None else meaning.advice


# --- tables ----------------------------------------------------------------------------------------------------------


def _configuration() -> Iterator[str]:
    yield f"# Configuration: section `[{config.SECTION}]`"
    yield (
        "In `airflow.cfg` of every Airflow component that runs tasks or triggers, or as environment variables: "
        f"`AIRFLOW__{config.SECTION.upper()}__` and the option's name in capitals."
    )
    yield _table(
        ("option", "type", "default", "meaning"),
        [(f"`{each.name}`", each.type, f"`{each.default}`", each.description) for each in config.OPTIONS],
    )


def _connection_fields() -> Iterator[str]:
    yield "# Connection: extra fields"
    yield (
        "A connection has the standard fields host, schema (the database, `SSISDB` unless given), login, password and "
        "port, and these in its extra. [Connections](../connections.md) has whole examples to copy."
    )
    yield _table(
        ("field", "label in the form", "values", "meaning"),
        [
            (f"`{name}`", field["label"], _values(field["schema"]), field.get("description") or "")
            for name, field in FIELDS.items()
        ],
    )


def _values(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    (kind,) = {*([schema["type"]] if isinstance(schema["type"], str) else schema["type"])} - {"null"}
    limits = [f"{word} {schema[name]}" for name, word in (("minimum", "from"), ("maximum", "to")) if name in schema]
    return " ".join([kind, *limits])


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


# --- command line ----------------------------------------------------------------------------------------------------


_CONNECTION = "Options of the connection"


def _command_line() -> Iterator[str]:
    context = click.Context(command_line, info_name=command_line.name, **command_line.context_settings)
    yield f"# Command line: `{command_line.name}`"
    yield _paragraphs(command_line)
    yield f"## {_CONNECTION}"
    yield (
        "Commands that work on a catalog take these options. [Command line](../command-line.md#connection) explains "
        "which one to choose."
    )
    yield _table(("option", "meaning"), _options(CONNECTION_PARAMETERS, context))
    yield from _commands(command_line, context)


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        inner = click.Context(command, parent=context, info_name=name)
        if isinstance(command, click.Group):
            yield from _commands(command, inner)
            continue
        yield f"## {inner.command_path}"
        if isinstance(command, RunAnywhere):
            yield _paragraphs(command)
        for form in command.forms if isinstance(command, RunAnywhere) else (command,):
            yield _paragraphs(form)
            yield f"`{' '.join([inner.command_path, *form.collect_usage_pieces(inner)])}`"
            own = list(_options((each for each in form.params if each not in CONNECTION_PARAMETERS), inner))
            if own:
                yield _table(("option", "meaning"), own)
            if any(each in CONNECTION_PARAMETERS for each in form.params):
                anchor = _CONNECTION.lower().replace(" ", "-")
                yield f"It also takes the [{_CONNECTION.lower()}](#{anchor})."


def _paragraphs(command: click.Command) -> str:
    return to_markdown(inspect.cleandoc(command.help or ""))


def _options(options: Iterable[click.Parameter], context: click.Context) -> Iterator[tuple[str, str]]:
    for option in options:
        record = option.get_help_record(context)
        if record is not None and record[1]:
            yield f"`{record[0]}`", record[1].replace("  [", " [")


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or check them.

    :returns: 0 when the pages are written or current, 1 when some are not current.
    """
    parser = argparse.ArgumentParser(description="Write docs/reference from the code.")
    parser.add_argument("--check", action="store_true", help="report pages that are not current; write nothing")
    options = parser.parse_args(arguments)
    written = pages()
    if options.check:
        stale = stale_pages(written)
        for name in stale:
            print(f"docs/reference/{name} is not current: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


def stale_pages(written: dict[str, str]) -> list[str]:
    """Names of pages whose file is missing, differs from the code, or no longer has a page."""
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    return sorted(name for name in there.keys() | written.keys() if there.get(name) != written.get(name))


if __name__ == "__main__":
    sys.exit(main())

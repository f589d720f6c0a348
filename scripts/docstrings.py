"""Reading this project's docstrings: a description and Sphinx fields, as Markdown."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_FIELD = re.compile(r":(param|returns?|raises)\s*([^:]*):\s*(.*)")
_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")
_EXCEPTIONS = {
    "airflow_provider_ssis.exceptions": "the list of tasks' exceptions",
    "airflow_provider_ssis.catalog.errors": "the list of the catalog's errors",
}
_TEMPLATED = re.compile(r"\s*\(templated\)\.?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter, as its docstring describes it.

    :param name: its name.
    :param text: what it is, as Markdown.
    :param is_templated: Airflow renders templates in it.
    """

    name: str
    text: str
    is_templated: bool


@dataclass(frozen=True, slots=True)
class Docstring:
    """A docstring in parts, each as Markdown.

    :param description: everything before the fields.
    :param parameters: the ``:param:`` fields, in order.
    :param returns: the ``:return:`` field, empty without one.
    :param raises: the ``:raises:`` fields: name of the exception, and when.
    """

    description: str
    parameters: list[Parameter] = field(default_factory=list)
    returns: str = ""
    raises: list[tuple[str, str]] = field(default_factory=list)


def parse(text: str | None) -> Docstring:
    """Take a docstring apart.

    :param text: the docstring; None counts as empty.
    """
    description: list[str] = []
    fields: list[list[str]] = []
    for line in inspect.cleandoc(text or "").splitlines():
        if found := _FIELD.match(line):
            fields.append([*found.groups()])
        elif fields:
            fields[-1][2] += " " + line.strip()
        else:
            description.append(line)
    parsed = Docstring("\n".join(description).strip() and to_markdown("\n".join(description).strip()))
    for kind, name, body in fields:
        text = to_markdown(body.strip())
        if kind == "param":
            parsed.parameters.append(Parameter(name, _TEMPLATED.sub("", text), "(templated)" in text))
        elif kind == "raises":
            parsed.raises.append((name, text))
    returns = " ".join(body for kind, _, body in fields if kind.startswith("return"))
    return Docstring(parsed.description, parsed.parameters, to_markdown(returns.strip()), parsed.raises)


def to_markdown(text: str) -> str:
    """Docstring markup as Markdown: roles become names in code, double backquotes single ones, and ``::`` a colon.

    The modules of exceptions become links to their page.
    """
    for module, words in _EXCEPTIONS.items():
        text = text.replace(f":mod:`{module}`", f"[{words}](exceptions.md)")
    return _ROLE.sub(r"`\1`", text).replace("``", "`").replace("::\n", ":\n")

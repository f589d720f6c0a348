"""Python code that is run while it is written: each call is made on a builder, and kept as text."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

_WIDTH = 110
_MODULE = "airflow_provider_ssis.project"


@dataclass(frozen=True)
class Ref:
    """An object that the code has made.

    :param text: the expression that names it.
    :param value: the object.
    """

    text: str
    value: Any

    def __getattr__(self, name: str) -> Ref:
        """Return an attribute of the object."""
        if name.startswith("__"):
            raise AttributeError(name)
        return Ref(f"{self.text}.{name}", getattr(self.value, name))

    def item(self, key: str) -> Ref:
        """Return an item of the object."""
        return Ref(f"{self.text}[{_quoted(key)}]", self.value[key])


class Code:
    """The lines of a program, and the objects that it has made."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._names: set[str] = set()
        self._imports: dict[str, set[str]] = {}

    def mark(self) -> tuple[int, frozenset[str]]:
        """Return the present end of the program, for :meth:`undo`."""
        return len(self.lines), frozenset(self._names)

    def undo(self, mark: tuple[int, frozenset[str]]) -> None:
        """Remove the lines after a mark. The objects that they have made stay."""
        del self.lines[mark[0] :]
        self._names = set(mark[1])

    def name_for(self, name: str) -> str:
        """Return an unused name of a variable for an object.

        :param name: the name of the object.
        """
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "object"
        if plain[0].isdigit() or keyword.iskeyword(plain) or plain in ("true", "false", "none"):
            plain = f"the_{plain}"
        free, number = plain, 2
        while free in self._names:
            free, number = f"{plain}_{number}", number + 1
        self._names.add(free)
        return free

    def call(self, owner: Ref | type, method: str, *args: object, into: str = "", **kwargs: object) -> Ref:
        """Make a call, and add it to the program.

        :param owner: the object, or the class to instantiate.
        :param method: the method; empty for a class.
        :param args: arguments; references stand for the objects of the program.
        :param into: the name of the object that is made, for a variable of the program. Default: none.
        :param kwargs: arguments by name.
        """
        if isinstance(owner, Ref):
            target, function = f"{owner.text}.{method}", getattr(owner.value, method)
        else:
            target, function = self._import(owner), owner
        made = function(*map(_value, args), **{name: _value(each) for name, each in kwargs.items()})
        texts = [*map(self.text, args), *(f"{name}={self.text(each)}" for name, each in kwargs.items())]
        variable = self.name_for(into) if into else ""
        self._add(f"{variable} = {target}(" if variable else f"{target}(", texts, ")")
        return Ref(variable or target, made)

    def assign(self, owner: Ref, attribute: str, value: object) -> None:
        """Set an attribute of an object, and add this to the program."""
        setattr(owner.value, attribute, _value(value))
        self.lines.append(f"{owner.text}.{attribute} = {self.text(value)}")

    def use(self, kind: type) -> None:
        """Import a class that an expression of a reference names."""
        self._import(kind)

    def comment(self, text: str) -> None:
        """Add a comment."""
        self.lines.append(f"# {text}")

    def text(self, value: object) -> str:
        """Return the expression of a value."""
        if isinstance(value, Ref):
            return value.text
        if is_dataclass(value) and not isinstance(value, type):
            return self._dataclass(value)
        if isinstance(value, Mapping):
            return "{" + ", ".join(f"{self.text(key)}: {self.text(each)}" for key, each in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.text, value)) + "]"
        if isinstance(value, tuple):
            return "(" + ", ".join(map(self.text, value)) + ("," if len(value) == 1 else "") + ")"
        if isinstance(value, (date, Decimal)):
            self._imports.setdefault(type(value).__module__, set()).add(type(value).__name__)
            return repr(value).removeprefix("datetime.") if isinstance(value, date) else repr(value)
        if isinstance(value, str) and "\n" in value and "\r" not in value:
            return self._long_text(value)
        return _quoted(value) if isinstance(value, str) else repr(value)

    def program(self) -> str:
        """Return the program: imports and lines."""
        imports = [
            f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(self._imports.items())
        ]
        standard = [each for each in imports if _MODULE not in each]
        own = [each for each in imports if _MODULE in each]
        return "\n".join([*standard, *([""] if standard and own else []), *own, "", *self.lines, ""])

    def _dataclass(self, value: Any) -> str:
        positional, named = [], []
        for each in fields(value):
            found = getattr(value, each.name)
            default = each.default_factory() if each.default_factory is not MISSING else each.default
            if default is MISSING:
                positional.append(self.text(found))
            elif found != default:
                named.append(f"{each.name}={self.text(found)}")
        return f"{self._import(type(value))}({', '.join([*positional, *named])})"

    def _import(self, kind: type) -> str:
        self._imports.setdefault(kind.__module__, set()).add(kind.__name__)
        return kind.__name__

    def _long_text(self, value: str) -> str:
        parts = [_quoted(line) for line in value.splitlines(keepends=True)]
        return "(" + "\n    ".join(["", *parts]) + "\n)" if len(parts) > 1 else _quoted(value)

    def _add(self, start: str, texts: list[str], end: str) -> None:
        line = start + ", ".join(texts) + end
        if len(line) <= _WIDTH and "\n" not in line:
            self.lines.append(line)
            return
        self.lines.append(start)
        for each in texts:
            first, *others = each.split("\n")
            self.lines += [f"    {first}", *(f"    {other}" for other in others)]
            self.lines[-1] += ","
        self.lines.append(end)


def _quoted(value: str) -> str:
    """Return the literal of a text, in double quotes unless it contains some."""
    text = repr(value)
    return text if '"' in value or text[0] == '"' else f'"{text[1:-1]}"'


def _value(value: object) -> Any:
    """Return a value in which the objects stand for their references."""
    if isinstance(value, Ref):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        changed = {each.name: _value(getattr(value, each.name)) for each in fields(value) if each.init}
        return type(value)(**changed)
    if isinstance(value, Mapping):
        return {_value(key): _value(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_value, value))
    return value

"""A run of a package as data, which is sent to the process that runs it."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from airflow_provider_ssis.engine.injections import Injection

_TYPE = "__type__"
_WRITE: tuple[tuple[type, str, Callable[[Any], str]], ...] = (
    (datetime, "datetime", datetime.isoformat),
    (date, "date", date.isoformat),
    (Decimal, "decimal", str),
    (uuid.UUID, "uuid", str),
    (bytes, "bytes", lambda value: base64.b64encode(value).decode()),
)
_READ: Mapping[str, Callable[[str], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "decimal": Decimal,
    "uuid": uuid.UUID,
    "bytes": base64.b64decode,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TapJob:
    """A data tap of a run.

    :param task: the path of the Data Flow task.
    :param path_id: ``Paths[Component.Output]``.
    :param file: the file that gets the rows; an existing one is kept, and a number is added to the name.
    :param max_rows: the most rows of each run of the task; None for all.
    """

    task: str
    path_id: str
    file: str
    max_rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunJob:
    r"""A package to run, and its values. The arguments are those of :func:`airflow_provider_ssis.engine.run_package`.

    :param source: the path of a package, project file or project folder.
    :param package: the package of a project; None for a package file.
    :param parameters: values of parameters by name: ``Region``, ``$Project::Server``; not in the ``repr``, like all
        values.
    :param property_overrides: values by property path: ``\Package\Load.Properties[Disable]``.
    :param connections: replacements of connection managers by name: a connection string, or properties by name.
    :param path_map: folders of this machine by the folders of Windows that they replace: ``{"C:\\data": "/data"}``.
    :param scripts: functions that replace scripts, as ``module:function``, by the path of the task.
    :param taps: files that get the rows of paths of data flows.
    :param secret_texts: texts that no event may contain.
    :param password: the password of the source.
    :param logging_level: 0 None, 1 Basic, 2 Performance, 3 Verbose. Default: 1.
    :param import_folders: folders in which modules of scripts are searched after those of the process itself.
    :param injections: actions that a test adds to the work of executables. Default: nothing.
    """

    source: str
    package: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)
    property_overrides: Mapping[str, Any] = field(default_factory=dict, repr=False)
    connections: Mapping[str, Any] = field(default_factory=dict, repr=False)
    path_map: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    taps: tuple[TapJob, ...] = ()
    secret_texts: tuple[str, ...] = field(default=(), repr=False)
    password: str | None = field(default=None, repr=False)
    logging_level: int = 1
    import_folders: tuple[str, ...] = ()
    injections: tuple[Injection, ...] = ()

    def to_json(self) -> str:
        """Return the job as JSON, with its secrets."""
        return json.dumps(asdict(self), default=_plain)

    @classmethod
    def from_json(cls, text: str) -> RunJob:
        """Read a job.

        :param text: as :meth:`to_json` returns it.
        :raises ValueError: it is not a job.
        """
        found = json.loads(text, object_hook=_value)
        known = {each.name for each in fields(cls)}
        if not isinstance(found, dict) or not found.keys() <= known or "source" not in found:
            raise ValueError("this is not a job of the engine")
        injections = tuple(_injection(one) for one in found.get("injections", ()))
        secret_texts = tuple(found.get("secret_texts", ()))
        taps = tuple(TapJob(**tap) for tap in found.get("taps", ()))
        folders = tuple(found.get("import_folders", ()))
        lists = {"secret_texts": secret_texts, "import_folders": folders, "injections": injections, "taps": taps}
        return cls(**{**found, **lists})


def _injection(found: dict[str, Any]) -> Injection:
    messages = tuple((kind, text, code) for kind, text, code in found.pop("messages", ()))
    errors = tuple((text, code) for text, code in found.pop("errors", ()))
    return Injection(**found, messages=messages, errors=errors)


def _plain(value: Any) -> dict[str, str]:
    for type_, name, write in _WRITE:
        if isinstance(value, type_):
            return {_TYPE: name, "value": write(value)}
    raise TypeError(f"a value of the type {type(value).__name__} cannot be sent to the process of the engine")


def _value(found: dict[str, Any]) -> Any:
    return _READ[found[_TYPE]](found["value"]) if _TYPE in found else found

"""The engine: runs SSIS packages on this machine, without SQL Server Integration Services.

::

    from airflow_provider_ssis.engine import run_package

    result = run_package("Load.dtsx", connections={"Sales": "Server=localhost;Database=Sales;UID=etl;PWD=…"})
    result.exit_code

The engine refuses unsupported packages before anything runs: :class:`UnsupportedError` lists their parts. Names are
imported when they are used, so that importing this module is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_ssis.engine.cancellation import CancelToken
    from airflow_provider_ssis.engine.context import RunOptions
    from airflow_provider_ssis.engine.control_flow.checking import check_package
    from airflow_provider_ssis.engine.control_flow.reading import OutputError, OutputStream, read_output
    from airflow_provider_ssis.engine.control_flow.row_tests import RowTest, run_on_rows
    from airflow_provider_ssis.engine.control_flow.running import RunResult, run_package
    from airflow_provider_ssis.engine.errors import EngineError
    from airflow_provider_ssis.engine.events import Result
    from airflow_provider_ssis.engine.loading import LoadedProject, LoadError, load_project
    from airflow_provider_ssis.engine.refusals import Refusal, UnsupportedError

__all__ = [
    "CancelToken",
    "EngineError",
    "LoadError",
    "LoadedProject",
    "OutputError",
    "OutputStream",
    "Refusal",
    "Result",
    "RowTest",
    "RunOptions",
    "RunResult",
    "UnsupportedError",
    "check_package",
    "load_project",
    "read_output",
    "run_on_rows",
    "run_package",
]

_MODULES = {
    "CancelToken": "cancellation",
    "EngineError": "errors",
    "LoadError": "loading",
    "LoadedProject": "loading",
    "OutputError": "control_flow.reading",
    "OutputStream": "control_flow.reading",
    "Refusal": "refusals",
    "Result": "events",
    "RowTest": "control_flow.row_tests",
    "RunOptions": "context",
    "RunResult": "control_flow.running",
    "UnsupportedError": "refusals",
    "check_package": "control_flow.checking",
    "load_project": "loading",
    "read_output": "control_flow.reading",
    "run_on_rows": "control_flow.row_tests",
    "run_package": "control_flow.running",
}

_NEED_EXTRA = frozenset({"control_flow.reading", "control_flow.row_tests"})


def __getattr__(name: str) -> Any:
    """Import a name of the engine.

    :raises ExtraMissingError: it needs the extra ``engine``.
    """
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if module in _NEED_EXTRA:
        from airflow_provider_ssis.engine.errors import require_extra

        require_extra()
    return getattr(import_module(f"{__name__}.{module}"), name)

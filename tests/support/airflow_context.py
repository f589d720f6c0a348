"""The current context of a running task, in the place where each version of Airflow keeps it."""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from typing import Any


def current_context(context: Any) -> AbstractContextManager[Any]:
    """Make a context the current one while the block lasts.

    :param context: a task's context.
    """
    try:
        module = importlib.import_module("airflow.sdk.execution_time.context")
    except ImportError:
        module = importlib.import_module("airflow.models.taskinstance")
    made: AbstractContextManager[Any] = module.set_current_context(context)
    return made

"""The context that Airflow has while a task runs, where its versions keep it."""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from typing import Any


def current_context(context: Any) -> AbstractContextManager[Any]:
    """Make a context the current one for the time of a block.

    :param context: a task's context.
    """
    try:
        module = importlib.import_module("airflow.sdk.execution_time.context")
    except ImportError:
        module = importlib.import_module("airflow.models.taskinstance")
    made: AbstractContextManager[Any] = module.set_current_context(context)
    return made

"""Python functions that replace scripts, from the option ``--script``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from airflow_provider_ssis.cli.option_values import Pairs, unique


def script_functions(scripts: Pairs) -> dict[str, Any]:
    """The functions by the path of the script that each replaces.

    Their modules are in the current folder, as for ``python -m``, or where Python looks for modules.

    :param scripts: the values of the option.
    :raises EngineError: a module or function does not exist.
    """
    from airflow_provider_ssis.engine.process.child import load_function

    here = str(Path.cwd())
    if scripts and here not in sys.path:
        sys.path.append(here)
    return {path: load_function(name) for path, name in unique(scripts, "--script").items()}

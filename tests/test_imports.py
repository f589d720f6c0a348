"""The import graph of the package: no modules import each other, directly or indirectly."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

PACKAGE = "airflow_provider_ssis"


@pytest.mark.parametrize("without_type_checking", [True, False], ids=["at run time", "for types too"])
def test_no_modules_import_each_other(without_type_checking: bool) -> None:
    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=without_type_checking, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail("a circle of imports: " + " <- ".join(error.args[1]), pytrace=False)

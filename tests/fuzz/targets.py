"""All fuzz targets, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.fuzz.batches import Batches
from tests.fuzz.expressions import Expressions
from tests.fuzz.files import Files
from tests.fuzz.flat_files import FlatFiles
from tests.fuzz.packets import Packets
from tests.fuzz.target import Target

TARGETS: Mapping[str, Callable[[], Target]] = {
    each.name: each for each in (Packets, Files, Batches, Expressions, FlatFiles)
}

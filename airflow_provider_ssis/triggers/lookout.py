"""Where a thread looks at the catalog from: a connection of its own, opened when it is needed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.catalog import Catalog

log = logging.getLogger(__name__)


class Lookout:
    """A connection to the catalog, for one thread alone.

    :param open_catalog: opens a client.
    """

    def __init__(self, open_catalog: Callable[[], Catalog]) -> None:
        self._open_catalog = open_catalog
        self._catalog: Catalog | None = None

    @property
    def catalog(self) -> Catalog:
        """The client, opened unless it is."""
        if self._catalog is None:
            self._catalog = self._open_catalog()
        return self._catalog

    def close(self) -> None:
        """Give the connection up; the next use opens another one."""
        catalog, self._catalog = self._catalog, None
        if catalog is not None:
            try:
                catalog.close()
            except Exception as error:  # noqa: BLE001 any driver's; the connection is given up anyway
                log.debug("Closing the connection failed: %s", error)

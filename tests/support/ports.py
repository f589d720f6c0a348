"""TCP ports of this machine, for servers that tests start."""

from __future__ import annotations

import random
import socket
from typing import Final

_PORTS: Final = range(20_000, 32_768)
"""Systems give outgoing connections higher ports. One of those could be taken before the server starts."""


def free_port(wanted: int = 0) -> int:
    """A port that no server listens on: the wanted one if possible."""
    if wanted and _is_free(wanted):
        return wanted
    return next(port for port in random.sample(_PORTS, len(_PORTS)) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def accepts(port: int) -> bool:
    """Whether a server accepts connections on a port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0

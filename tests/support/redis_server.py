"""A Redis server for a test, as the message broker of Celery."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.ports import accepts, free_port
from tests.support.waiting import wait_until


@contextmanager
def running_redis(program: str) -> Iterator[str]:
    """Have a Redis server that keeps everything in memory while the block lasts.

    :param program: the path of ``redis-server``.
    :return: its URL.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        command = [program, "--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", ""]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            try:
                wait_until(lambda: accepts(port), "Redis accepts connections")
                yield f"redis://127.0.0.1:{port}/0"
            finally:
                server.terminate()

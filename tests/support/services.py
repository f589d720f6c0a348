"""Services for tests of workers. Any Python can run them: they need only its standard library."""

from __future__ import annotations

import os
import sys


class Echo:
    """Answers calls."""

    async def start(self) -> int:
        """The process id."""
        return os.getpid()

    async def stop(self) -> None:
        """Do nothing."""

    async def again(self, value: object) -> object:
        """The value."""
        return value

    async def python(self) -> str:
        """The Python that runs this."""
        return sys.executable

    async def fail(self) -> None:
        """Fail."""
        raise ValueError("failed on request")


class NeverReady(Echo):
    """Fails to start."""

    async def start(self) -> int:
        """Fail."""
        raise OSError(f"process {os.getpid()} has no port")

"""Services to try workers with. Any Python can run them: they need nothing but its library."""

from __future__ import annotations

import os
import sys


class Echo:
    """Answers what it is asked."""

    async def start(self) -> int:
        """The process' number."""
        return os.getpid()

    async def stop(self) -> None:
        """There is nothing to stop."""

    async def again(self, value: object) -> object:
        """The value."""
        return value

    async def python(self) -> str:
        """The Python that runs this."""
        return sys.executable

    async def fail(self) -> None:
        """Fail."""
        raise ValueError("as asked")


class NeverReady(Echo):
    """Fails to start."""

    async def start(self) -> int:
        """Fail."""
        raise OSError(f"process {os.getpid()} has no port")

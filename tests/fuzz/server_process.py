"""The embedded SSISDB as a process, so that its log and its memory can be watched from outside."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Self

import pytds

from tests.fuzz.target import FaultFound
from tests.support.places import ROOT

SECONDS = 60.0
"""How long the server may take to answer a healthy client, or to close a connection."""
BATCH_SECONDS = 10.0
"""How long to wait for a mutated batch, which may run forever, as it may on SQL Server."""
HEALTH_EVERY = 50
"""After how many inputs to check whether a healthy client is served."""
_MOST_MEGABYTES = 800.0
"""How much the server may grow."""
_COMMAND = [sys.executable, "-m", "airflow_provider_ssis.cli.main", "emulator", "--json"]


class ServerProcess:
    """A server that runs while the block lasts, and is started again after a fault."""

    def __enter__(self) -> Self:
        """Start it."""
        with tempfile.NamedTemporaryFile("w", prefix="fuzz-", suffix=".log", delete=False) as log:
            self._log = Path(log.name)
            self._process = subprocess.Popen(_COMMAND, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        endpoint = json.loads(self._process.stdout.readline())
        self.host, self.port = endpoint["host"], int(endpoint["port"])
        self._user, self._password = endpoint["user"], endpoint["password"]
        self._read = 0
        self._megabytes = self._memory()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        with self._process:
            self._process.terminate()
            try:
                self._process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._log.unlink()

    def restart(self) -> None:
        """Stop it, and start another."""
        self.__exit__()
        self.__enter__()

    def connect(self, *, port: int | None = None, seconds: float = SECONDS) -> pytds.Connection:
        """Connect a client.

        :param port: of a relay to connect through. Default: the server's own.
        :param seconds: the timeout of a batch.
        """
        return pytds.connect(
            dsn=self.host,
            port=port or self.port,
            user=self._user,
            password=self._password,
            database="SSISDB",
            autocommit=True,
            timeout=seconds,
            login_timeout=SECONDS,
        )

    def check(self) -> None:
        """Make sure that the server runs and has logged no traceback since the last check.

        :raises FaultFound: it has ended, or it has logged one.
        """
        with self._log.open() as log:
            log.seek(self._read)
            text = log.read()
            self._read = log.tell()
        if self._process.poll() is not None:
            raise FaultFound(f"the server ended with exit code {self._process.returncode}: {text[-2000:]}")
        if "Traceback" in text:
            raise FaultFound(f"the server logged {text[-4000:]}")

    def check_health(self) -> None:
        """Make sure that a healthy client is served, and that the server has not grown too much.

        :raises FaultFound: one of them is not so.
        """
        try:
            with closing(self.connect()) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT name FROM catalog.folders")
                cursor.fetchall()
        except (pytds.Error, OSError) as error:
            raise FaultFound(f"a healthy client got no answer: {error!r}") from error
        if (grown := self._memory() - self._megabytes) > _MOST_MEGABYTES:
            raise FaultFound(f"the server has grown by {grown:.0f} MB")

    def _memory(self) -> float:
        """Megabytes that the process has in use."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (kilobytes,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(kilobytes) / 1024

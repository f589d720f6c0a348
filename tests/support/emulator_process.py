"""The embedded SSISDB as a process, so that its memory can be measured and its clients do not slow it down."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Self

import pyodbc

COMMAND = [sys.executable, "-m", "airflow_provider_ssis.cli.main", "emulator", "--json"]
MEGABYTE = 2**20


class EmulatorProcess:
    """``airflow-ssis emulator`` as a process, while the block lasts.

    :param options: more options of the command.
    """

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.endpoint = json.loads(self.process.stdout.readline())
        self.administrator = self.connect()

    def connect(self, user: str = "sa") -> pyodbc.Connection:
        """A new connection.

        :param user: the login; others than ``sa`` have the password ``Pa55-word!``.
        """
        return pyodbc.connect(self.odbc(user), autocommit=True)

    def odbc(self, user: str) -> str:
        """The ODBC connection string of a login."""
        text: str = self.endpoint["odbc"]
        if user != "sa":
            text = text.replace("UID=sa", f"UID={user}").replace(self.endpoint["password"], "Pa55-word!")
        return text

    def memory(self, name: str = "VmHWM") -> int:
        """Bytes of memory of the process: its peak, or ``VmRSS``."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

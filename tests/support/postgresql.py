"""A PostgreSQL server for a test: a cluster in a temporary folder, as the database of Airflow."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.markers import processes_allowed
from tests.support.ports import free_port

ACCOUNT = "postgres"
"""The server refuses to run as root, so root runs it as the account that Debian's package adds."""

DATABASE = "airflow"


def postgresql_programs() -> Path | None:
    """The folder with ``initdb`` and ``postgres``; None if PostgreSQL is not installed."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    # Debian keeps them off the path, one folder for each version.
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name), default=None)


@contextmanager
def running_postgresql(programs: Path) -> Iterator[str]:
    """Have a PostgreSQL server with an empty database while the block lasts.

    :param programs: see :func:`postgresql_programs`.
    :return: ``user@host:port/database``, for the URL of any driver. Local users need no password.
    """
    prefix = ["runuser", "-u", ACCOUNT, "--"] if os.geteuid() == 0 else []
    user = ACCOUNT if prefix else pwd.getpwuid(os.geteuid()).pw_name
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="postgresql-") as name:
        folder = Path(name)
        if prefix:
            shutil.chown(folder, ACCOUNT)

        def run(program: str, *arguments: str) -> None:
            command = [*prefix, str(programs / program), *arguments]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)

        data = str(folder / "data")
        run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--pgdata", data)
        # The data of a test need not survive a power failure.
        options = f"-F -p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        run("pg_ctl", "start", "--wait", "--pgdata", data, "--options", options, "--log", str(folder / "log"))
        try:
            run("createdb", "--host", "127.0.0.1", "--port", str(port), DATABASE)
            yield f"{user}@127.0.0.1:{port}/{DATABASE}"
        finally:
            with processes_allowed():
                run("pg_ctl", "stop", "--wait", "--mode=immediate", "--pgdata", data)

"""Build a release and try it, without publishing it: ``make release``.

Builds the source distribution and, from that, the wheel into ``dist/``; checks both with twine; installs the wheel
into a new environment, in a folder without the source code, and runs the demo there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"


class ReleaseFailed(Exception):
    """A step failed; the message names it."""


def main() -> int:
    """Build and try the release; returns 0, or 1 if a step failed."""
    try:
        wheel = build()
        try_wheel(wheel)
    except ReleaseFailed as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    files = ", ".join(path.name for path in sorted(DIST.iterdir()))
    print(f"release: {files} in {DIST.relative_to(ROOT)}/ are ready. Nothing was published.")
    changelog = (ROOT / "CHANGELOG.md").read_text()
    if f"## {version()}" not in changelog:
        print(f"release: before publishing, turn '## Unreleased' of CHANGELOG.md into '## {version()}' with the date")
    return 0


def version() -> str:
    """The version in pyproject.toml."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def build() -> Path:
    """Build both distributions and check them; returns the wheel."""
    shutil.rmtree(DIST, ignore_errors=True)
    run("build", sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT))
    files = sorted(DIST.iterdir())
    run("check", sys.executable, "-m", "twine", "check", "--strict", *map(str, files))
    (wheel,) = [path for path in files if path.suffix == ".whl"]
    return wheel


def try_wheel(wheel: Path) -> None:
    """Install a wheel into a new environment, away from the source code, and run the demo with it."""
    with tempfile.TemporaryDirectory(prefix="ssis-release-") as folder:
        place = Path(folder)
        run("make an environment", sys.executable, "-m", "venv", str(place / "venv"))
        python = str(place / "venv" / "bin" / "python")
        locked = str(ROOT / "constraints.txt")
        run("install", python, "-m", "pip", "install", "-qq", "--constraint", locked, f"{wheel}[emulator,msodbc]")
        for part in ("scripts", "example_dags"):
            shutil.copytree(ROOT / part, place / part, ignore=shutil.ignore_patterns("__pycache__"))
        run("run the command", python, "-m", "airflow_provider_ssis.cli.main", "--help", folder=place)
        run("run the demo", python, "-m", "scripts.demo", folder=place)


def run(step: str, *command: str, folder: Path = ROOT) -> None:
    """Run a command; its output is shown.

    :raises ReleaseFailed: it failed.
    """
    print(f"release: {step}", flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=environment, check=False)
    if done.returncode:
        raise ReleaseFailed(f"cannot {step}: {' '.join(command)} ended with exit code {done.returncode}")


if __name__ == "__main__":
    sys.exit(main())

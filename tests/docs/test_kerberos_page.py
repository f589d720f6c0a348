"""The commands of the page on Kerberos, in a real realm."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.kdc import REALM, missing_programs, running_realm
from tests.support.markdown import blocks_of

PAGE = "docs/production/kerberos.md"
REALM_OF_THE_PAGE = "CORP.EXAMPLE.COM"
PASSWORD = "a password of the tests"


@pytest.mark.kerberos
@pytest.mark.skipif(bool(missing_programs() or not shutil.which("ktutil")), reason="MIT Kerberos is not installed")
def test_the_keytab_of_the_page_gets_a_ticket(tmp_path: Path) -> None:
    (block,) = [block for block in blocks_of(PAGE, "bash") if "ktutil" in block.text]
    folder = tmp_path / "realm"
    folder.mkdir()
    with running_realm(folder) as realm:
        realm.run("kadmin.local", "-r", REALM, "-q", f'addprinc -pw "{PASSWORD}" etl@{REALM}')
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text.replace(REALM_OF_THE_PAGE, REALM)],
            input=f"{PASSWORD}\n",
            env={**os.environ, **realm.environment, "KRB5CCNAME": str(tmp_path / "tickets"), "LC_ALL": "C"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Default principal: etl@{REALM}" in result.stdout
    assert (tmp_path / "etl.keytab").stat().st_mode & 0o777 == 0o400

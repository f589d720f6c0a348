"""What the page on the embedded SSISDB calls unsupported gets the error that the page names."""

from __future__ import annotations

import re

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.places import ROOT

PAGE = (ROOT / "docs" / "embedded-ssisdb.md").read_text(encoding="utf-8")
STATEMENTS = {
    "ALTER USER": "ALTER USER etl WITH NAME = nightly",
    "GRANT": "GRANT CONNECT TO etl",
}
(ROW,) = [line for line in PAGE.splitlines() if line.endswith("| error 40514, not supported |")]


def test_every_statement_of_the_row_has_an_example_here() -> None:
    assert set(re.findall(r"`([A-Z_ ]+)`", ROW)) == set(STATEMENTS)


@pytest.mark.parametrize("name", STATEMENTS)
def test_what_is_not_supported_gets_error_40514(name: str, ssisdb: SsisdbEmulator) -> None:
    connection = pyodbc.connect(ssisdb.odbc_connection_string, autocommit=True)
    try:
        with pytest.raises(pyodbc.Error, match=r"\(40514\)"):
            connection.execute(STATEMENTS[name])
    finally:
        connection.close()

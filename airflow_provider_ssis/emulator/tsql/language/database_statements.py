"""``ALTER DATABASE``: who may use a database."""

from __future__ import annotations

from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.values.errors import not_supported


def alter_database(stream: TokenStream, line: int) -> s.Statement:
    """``DATABASE name SET SINGLE_USER | MULTI_USER [WITH ROLLBACK … | NO_WAIT]``, after ``ALTER``."""
    stream.expect("DATABASE")
    name = None if stream.accept("CURRENT") else stream.identifier()
    option = stream.advance().text.upper() if stream.accept("SET") else ""
    if option not in ("SINGLE_USER", "MULTI_USER"):
        raise not_supported("ALTER DATABASE", line=line)
    if stream.accept("WITH"):
        if stream.accept("ROLLBACK"):
            when = stream.advance().text.upper()
            if when == "AFTER":
                stream.advance()
                if stream.now.text.upper() == "SECONDS":
                    stream.advance()
        else:
            stream.advance()
    return s.SetUserAccess(line, name, option == "SINGLE_USER")

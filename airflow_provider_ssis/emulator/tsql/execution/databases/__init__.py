"""The databases of the server in one DuckDB, and what they keep for all sessions."""

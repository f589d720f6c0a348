"""T-SQL on DuckDB: six layers, from values up to system procedures, and the backend that opens sessions."""

"""T-SQL queries to DuckDB: what each kind of syntax node means, one concern a module."""

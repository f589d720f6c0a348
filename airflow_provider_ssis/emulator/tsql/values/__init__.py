"""SQL Server's values: types, conversion, arithmetic, dates, and how DuckDB stores them."""

"""Compiles one query to DuckDB SQL and runs it."""

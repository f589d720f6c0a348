"""Rows that a component keeps: in memory up to a limit, and then in temporary files."""

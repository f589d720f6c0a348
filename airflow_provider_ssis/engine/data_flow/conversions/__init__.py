"""Conversions between the types of columns, and reading text as values."""

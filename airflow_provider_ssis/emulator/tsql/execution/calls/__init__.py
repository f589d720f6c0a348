"""Calls of procedures and functions: by a statement, by the protocol, or from a query."""

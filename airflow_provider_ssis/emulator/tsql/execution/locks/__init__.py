"""Locks: on the tables of clients' databases, on the server's own tables, and those of applications."""

"""Databases: reading the rows of a query and writing rows into a table, as Arrow record batches in SSIS types."""

"""Lineage: the tables, files and columns that the tasks of a package read and write."""

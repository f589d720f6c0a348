"""The order of rows: sort keys, linguistic comparison, and merging of sorted rows."""

"""Excel files: the connection, the ranges of sheets, and the types of their columns."""

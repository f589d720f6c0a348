"""One module for each family of statements, and the table that puts them together."""

"""The T-SQL that the client sends, and how its parameters and rows travel."""

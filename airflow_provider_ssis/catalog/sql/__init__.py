"""The T-SQL of the client, and the conversion of its parameters and rows."""

"""The XML task, and XML in variables and files."""

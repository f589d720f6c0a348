"""The views of schema ``catalog``, a module for each family."""

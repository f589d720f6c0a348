"""The procedures of schema ``catalog``, a module for each family."""

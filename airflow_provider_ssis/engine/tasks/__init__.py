"""The tasks: one module for each type."""

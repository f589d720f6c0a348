"""The built-in functions by name."""

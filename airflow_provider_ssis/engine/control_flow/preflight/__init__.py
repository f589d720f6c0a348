"""Finds unsupported parts of a package, before anything runs."""

"""Finds what the engine cannot do with a package, before anything runs."""

"""Flat files: their format, an exact reader and a fast one, and a writer."""

"""Runs of deployed packages, and what they write to the catalog."""

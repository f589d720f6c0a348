"""Simulated runs of deployed packages, and their records in the catalog."""

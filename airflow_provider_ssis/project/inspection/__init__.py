"""Describe SSIS files for people and programs: trees, lineage, and pictures."""

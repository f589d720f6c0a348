"""The components of data flows: one module for each type."""

"""The Execute SQL task."""

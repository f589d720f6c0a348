"""Text of a batch to statements."""

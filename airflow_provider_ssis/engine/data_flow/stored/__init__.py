"""The stored columns and properties of components: reading them, and refusing unknown ones."""

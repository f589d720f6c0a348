"""Properties that expressions, configurations and users set: their table, their paths, and their order."""

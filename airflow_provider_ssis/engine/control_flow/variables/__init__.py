"""Variables and parameters of a run: their values, types and places."""

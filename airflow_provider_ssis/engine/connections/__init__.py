"""Connection managers while a package runs."""

"""Indexes over the keys of rows, as a Lookup needs them."""

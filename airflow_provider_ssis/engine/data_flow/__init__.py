"""Data flows: components that pass Arrow record batches to each other."""

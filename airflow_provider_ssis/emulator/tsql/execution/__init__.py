"""Runs statements: sessions, transactions, locks, procedure calls."""

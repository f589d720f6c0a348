"""Fault injection between a client and the embedded SSISDB: lost connections, late answers, errors."""

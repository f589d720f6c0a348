"""Measurements against named peers: ``python -m benchmarks`` runs all, ``python -m benchmarks waiting`` one."""

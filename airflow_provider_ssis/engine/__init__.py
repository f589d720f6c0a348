"""The engine: runs SSIS packages on this machine, without SQL Server Integration Services.

The engine refuses what it does not support before anything runs: :mod:`airflow_provider_ssis.engine.refusals`.
"""

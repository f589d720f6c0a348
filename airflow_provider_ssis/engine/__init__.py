"""The engine: runs SSIS packages on this machine, without SQL Server Integration Services.

Whatever the engine does not support is refused before anything runs; :mod:`airflow_provider_ssis.engine.refusals`.
"""

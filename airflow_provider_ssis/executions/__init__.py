"""Executions, for operators, sensors and triggers: submit, poll, log, stop, outcome, task state.

The modules work on a :class:`~airflow_provider_ssis.catalog.client.Catalog`.
"""

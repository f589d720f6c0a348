"""What operators, sensors and triggers share about executions: submit, poll, log, stop, outcome, task state.

The modules work on a :class:`~airflow_provider_ssis.catalog.client.Catalog`.
"""

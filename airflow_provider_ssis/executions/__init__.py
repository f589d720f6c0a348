"""What operators, sensors and triggers share about executions: to submit, wait, follow, judge and stop.

Works on a :class:`~airflow_provider_ssis.catalog.client.Catalog`; knows task instances only as the text of a stamp.
"""

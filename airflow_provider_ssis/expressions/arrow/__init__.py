"""Vectorised evaluation: expressions over Arrow record batches, with the values and the errors of all rows."""

from __future__ import annotations

from airflow_provider_ssis.expressions.arrow.batches import BatchResult, evaluate_batch
from airflow_provider_ssis.expressions.arrow.carriers import arrow_type, as_column, as_values

__all__ = ["BatchResult", "arrow_type", "as_column", "as_values", "evaluate_batch"]

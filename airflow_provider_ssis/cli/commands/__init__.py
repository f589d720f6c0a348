"""The commands of ``airflow-ssis``: a module for each. What several commands share is in the folder above."""

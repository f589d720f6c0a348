"""Code that several test modules share: an Airflow to run tasks in, SSIS projects, servers and clients."""

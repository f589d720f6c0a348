"""The SSISDB client: a DB-API connection in, Python objects out. Imports neither Airflow nor a driver."""

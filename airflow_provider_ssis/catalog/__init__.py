"""The SSISDB client: a DB-API connection in, Python objects out. Knows no Airflow and loads no driver."""

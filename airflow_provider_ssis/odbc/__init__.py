"""ODBC drivers for SQL Server: which of them this machine has, and connection strings as each wants them.

Knows neither Airflow nor SSIS; loads pyodbc only when the driver manager is asked.
"""

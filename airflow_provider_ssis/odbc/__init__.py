"""ODBC drivers for SQL Server: the installed ones, and connection strings for each family.

Independent of Airflow and SSIS. Loads pyodbc only to list the drivers.
"""

"""The embedded SSISDB: a server with SQL Server's protocol and the SSISDB catalog."""

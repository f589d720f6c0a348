"""The embedded SSISDB: a server that speaks SQL Server's protocol and holds the catalog."""

"""The schema ``emulator``: scripts for runs, fault injection and logins through T-SQL, for any client."""

"""The schema ``emulator``: scripts of runs, faults and logins through T-SQL, for any client."""

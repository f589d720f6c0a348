"""Compare SSIS files, and write them in a canonical form for version control."""

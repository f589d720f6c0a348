"""Check SSIS projects: rules with ids, and their findings as text, JSON, SARIF or annotations of GitHub."""

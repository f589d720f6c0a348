"""The transaction of a session, and the tables that it has changed."""

"""XML documents as rows: the schema that divides a document into tables, and reading it without building a tree."""

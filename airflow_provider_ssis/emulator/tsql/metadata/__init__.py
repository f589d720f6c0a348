"""What databases, tables, views, types, procedures and principals exist, and the system views that show them."""

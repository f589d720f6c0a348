"""Why executions fail: the codes of event messages, and which message is the cause."""

"""Runs of the engine in a separate process, which can be killed and cannot harm the process that started it."""

"""Driver families: one module for each, with everything that only its drivers do."""

"""The enumerators of Foreach loops: one module for each type."""

"""Try the same target again, seldom and never for long (row R1)."""

"""Stop calls by order of an operator, within a second (row R6)."""

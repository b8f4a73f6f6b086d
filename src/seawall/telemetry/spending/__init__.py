"""Watching budgets: how much is spent, how fast, against what is usual, and by whom."""

"""The journal: one record of every exchange, written off the hot path and read by the command line."""

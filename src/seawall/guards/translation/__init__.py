"""Bring the request into the target's dialect, and its answer back into the client's (rows R2, L1)."""

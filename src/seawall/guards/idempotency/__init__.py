"""Give the same answer for the same idempotency key, and pay for it once (row R5)."""

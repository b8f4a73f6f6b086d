"""Go from one target to the next, before a stream has begun or even after (row R2)."""

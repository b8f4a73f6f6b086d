"""Row C2: `max_tokens` on every call, and a cap on what goes in."""

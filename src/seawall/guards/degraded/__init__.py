"""Answer in spite of everything: the last good answer, or a fixed message (row R4)."""

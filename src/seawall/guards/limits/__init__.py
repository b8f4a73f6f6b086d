"""Row C5: how many calls and tokens, for whom, in what time."""

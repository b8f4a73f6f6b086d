"""The proof that an attempt's worst case is promised; without one nothing is sent."""


class Receipt:
    """A committed hold, good for one dispatch.

    `id` names the attempt. `nusd` and `tokens` are what is held on every account of it. Only the budget room makes one
    (`guards/budget`), and a test of the architecture keeps it so.
    """

    __slots__ = ("id", "nusd", "tokens")

    def __init__(self, attempt_id: str, nusd: int, tokens: int) -> None:
        self.id = attempt_id
        self.nusd = nusd
        self.tokens = tokens

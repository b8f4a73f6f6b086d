"""What a translation could not carry over; never silently (row R2)."""

from seawall.core.error import Unsupported


class Losses:
    """Collect what was left out or changed, as stable codes such as `dropped.seed` or `changed.tool_choice`.

    The codes end in the record's notes and in the header `x-seawall-warnings`. With `is_strict` every loss that could
    be noticed is a refusal instead.
    """

    __slots__ = ("codes", "is_strict")

    def __init__(self, *, is_strict: bool = False) -> None:
        self.is_strict = is_strict
        self.codes: list[str] = []

    def drop(self, field: str) -> None:
        """Note that a field was left out.

        Raises:
            Unsupported: in strict translation.
        """
        self._lose("dropped", field, "left out")

    def change(self, field: str) -> None:
        """Note that something arrives in another shape than it was said.

        Raises:
            Unsupported: in strict translation.
        """
        self._lose("changed", field, "changed")

    def mention(self, code: str) -> None:
        """Note what nobody could notice in an answer, such as a label that was left out; strictness lets it pass."""
        if code not in self.codes:
            self.codes.append(code)

    def _lose(self, kind: str, field: str, words: str) -> None:
        if self.is_strict:
            raise Unsupported(
                f"{field}: would be {words} on the way to a provider of another dialect, and the route translates "
                "strictly; leave it out, or send the call in the provider's dialect",
                param=field,
            )
        self.mention(f"{kind}.{field}")


def refused(field: str, why: str) -> Unsupported:
    """Make the error for what must not be lost and cannot be carried: `field` is its path, `why` says what to do."""
    return Unsupported(f"{field}: {why}", code="translation.refused", param=field)

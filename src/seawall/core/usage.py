"""What a call used, in disjoint buckets of tokens."""

from typing import Final

import msgspec


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one attempt as the provider counted them, every token in exactly one bucket.

    `cache_write_short` holds writes with the provider's shorter lifetime (Anthropic 5 minutes, OpenAI 30 minutes),
    `cache_write_long` those with the longer one (1 hour, 12 hours). `output` is what can be read, `thinking` the rest
    of what the provider bills as output. `web_searches` is a count of uses, not of tokens.
    """

    input: int = 0
    cache_read: int = 0
    cache_write_short: int = 0
    cache_write_long: int = 0
    output: int = 0
    thinking: int = 0
    web_searches: int = 0

    @property
    def prompt(self) -> int:
        """All tokens that went in, cached or not; long-context prices are decided by this number."""
        return self.input + self.cache_read + self.cache_write_short + self.cache_write_long

    @property
    def billed_output(self) -> int:
        """All tokens that came out, thinking included."""
        return self.output + self.thinking

    def is_sound(self, *, prompt_total: int | None = None, output_total: int | None = None) -> bool:
        """Say whether no bucket is negative and the buckets add up to the provider's own totals, where it gave any."""
        buckets = (
            self.input,
            self.cache_read,
            self.cache_write_short,
            self.cache_write_long,
            self.output,
            self.thinking,
        )
        return (
            min(buckets) >= 0
            and self.web_searches >= 0
            and (prompt_total is None or prompt_total == self.prompt)
            and (output_total is None or output_total == self.billed_output)
        )


NO_USAGE: Final = Usage()

"""The OpenAI models: one row a model, so that what differs between them is in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

_FULL: Final = ("none", "low", "medium", "high", "xhigh", "max")
_NO_NONE: Final = ("low", "medium", "high", "xhigh", "max")
_TO_XHIGH: Final = ("none", "low", "medium", "high", "xhigh")
_FIRST: Final = ("minimal", "low", "medium", "high")
_O_SERIES: Final = ("low", "medium", "high")
LETTERS: Final = 8  # of the tokenizer, see seawall.sandbox.token


@dataclass(frozen=True, slots=True)
class Gpt:
    """What one chat model can do and what it refuses.

    `efforts` are the values of `reasoning_effort` it takes, `effort` its default; without any it does not reason.
    `tools` says which effort function tools need on Chat Completions: `any`, `none` (sent or omitted), `sent_none`, or
    `never` (Responses only). `sampling` says which temperature and top_p it takes. `fast_permille` and `flex_permille`
    scale the price of those tiers; 0 means that it has no such tier and serves such calls as standard, as it does
    prompts of more than `fast_until` tokens.
    """

    id: str
    efforts: tuple[str, ...] = ()
    effort: str = "none"
    tools: Literal["any", "none", "sent_none", "never"] = "any"
    sampling: Literal["any", "default", "never"] = "any"
    takes_max_tokens: bool = False
    takes_stop: bool = True
    has_write_fee: bool = False
    fast_permille: int = 0
    fast_until: int = 922_000
    flex_permille: int = 500
    context: int = 1_050_000
    most_input: int = 922_000
    max_output: int = 128_000
    shutdown: str | None = None
    dated: str = ""


_GPT: Final = (
    Gpt("gpt-6-astra", _NO_NONE, "medium", "never", "never", has_write_fee=True, fast_permille=2_000),
    Gpt("gpt-6.1-sol", _NO_NONE, "medium", "never", has_write_fee=True, fast_permille=2_000),
    Gpt("gpt-6.1-terra", _FULL, "medium", "sent_none", has_write_fee=True, fast_permille=2_000),
    Gpt("gpt-6-sol", _FULL, "medium", "sent_none", has_write_fee=True, fast_permille=2_000),
    Gpt("gpt-6-luna", _FULL, "medium", "sent_none", has_write_fee=True, fast_permille=2_000),
    Gpt("gpt-5.6-sol", _FULL, "medium", "sent_none", has_write_fee=True, fast_permille=2_000),
    Gpt("gpt-5.6-terra", _FULL, "medium", "sent_none", has_write_fee=True, fast_permille=2_000),
    Gpt("gpt-5.6-luna", _FULL, "medium", "sent_none", has_write_fee=True, fast_permille=2_000),
    Gpt("gpt-5.5", _TO_XHIGH, "medium", fast_permille=2_500, fast_until=272_000, dated="gpt-5.5-2026-04-23"),
    Gpt("gpt-5.4", _TO_XHIGH, "none", "none", fast_permille=2_000, fast_until=272_000),
    Gpt("gpt-5.4-mini", _TO_XHIGH, "none", "none", fast_permille=2_000, context=400_000, most_input=272_000,
        dated="gpt-5.4-mini-2026-03-17"),
    Gpt("gpt-5.4-nano", _TO_XHIGH, "none", "none", context=400_000, most_input=272_000,
        shutdown="2027-04-01", dated="gpt-5.4-nano-2026-03-17"),
    Gpt("gpt-5.2", _TO_XHIGH, "none", context=400_000, most_input=272_000, dated="gpt-5.2-2025-12-11"),
    Gpt("gpt-5.1", _TO_XHIGH, "none", context=400_000, most_input=272_000, shutdown="2027-04-01",
        dated="gpt-5.1-2025-11-13"),
    Gpt("gpt-5", _FIRST, "medium", sampling="default", context=400_000, most_input=272_000, shutdown="2026-12-11",
        dated="gpt-5-2025-08-07"),
    Gpt("gpt-5-mini", _FIRST, "medium", sampling="default", context=400_000, most_input=272_000,
        shutdown="2026-12-11", dated="gpt-5-mini-2025-08-07"),
    Gpt("o3", _O_SERIES, "medium", sampling="default", takes_stop=False, context=200_000, most_input=200_000,
        max_output=100_000, shutdown="2026-12-11", dated="o3-2025-04-16"),
    Gpt("gpt-4.1", takes_max_tokens=True, flex_permille=0, context=1_047_576, most_input=1_047_576, max_output=32_768,
        shutdown="2027-01-14", dated="gpt-4.1-2025-04-14"),
    Gpt("gpt-4o", takes_max_tokens=True, flex_permille=0, context=128_000, most_input=128_000, max_output=16_384,
        shutdown="2027-01-14", dated="gpt-4o-2024-11-20"),
    Gpt("gpt-4o-mini", takes_max_tokens=True, flex_permille=0, context=128_000, most_input=128_000, max_output=16_384,
        shutdown="2027-01-14", dated="gpt-4o-mini-2024-07-18"),
)  # fmt: skip  # a table, one model a row

GPT: Final[Mapping[str, Gpt]] = {model.id: model for model in _GPT}
DATED: Final[Mapping[str, Gpt]] = {model.dated: model for model in _GPT if model.dated}


@dataclass(frozen=True, slots=True)
class Embedder:
    """An embedding model: the length of its vectors, and whether a shorter one may be asked for."""

    id: str
    dimensions: int
    can_shorten: bool


EMBEDDERS: Final[Mapping[str, Embedder]] = {
    model.id: model
    for model in (
        Embedder("text-embedding-3-small", 1_536, can_shorten=True),
        Embedder("text-embedding-3-large", 3_072, can_shorten=True),
        Embedder("text-embedding-ada-002", 1_536, can_shorten=False),
    )
}


def find(name: str) -> Gpt | None:
    """Find a chat model by its name or its dated name."""
    return GPT.get(name) or DATED.get(name)

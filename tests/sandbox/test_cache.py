from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from seawall.sandbox.cache import (
    AUTOMATIC_LONG_S,
    AUTOMATIC_S,
    LONG_S,
    SHORT_S,
    CacheUse,
    PromptCache,
    Segment,
    automatic,
    explicit,
)

LEAST = 1_000


def _texts(*names: str, tokens: int = 600, ttl_s: float | None = None) -> list[Segment]:
    return [Segment(name.encode(), tokens) for name in names[:-1]] + [Segment(names[-1].encode(), tokens, ttl_s)]


def _ask(cache: PromptCache, parts: Sequence[Segment], now_s: float = 0.0, *, scope: bytes = b"key") -> CacheUse:
    use = explicit(cache, scope, parts, LEAST, now_s)
    cache.write(use.entries, now_s)
    return use


def test_a_breakpoint_writes_and_the_next_request_reads() -> None:
    cache, parts = PromptCache(), [*_texts("a", "b", ttl_s=SHORT_S), *_texts("question")]

    first, second = _ask(cache, parts), _ask(cache, parts, now_s=299)

    assert (first.plain, first.read, first.write_short) == (600, 0, 1_200)
    assert (second.plain, second.read, second.write_short) == (600, 1_200, 0)


def test_without_a_breakpoint_nothing_is_cached() -> None:
    cache = PromptCache()
    _ask(cache, _texts("a", "b"))

    assert _ask(cache, _texts("a", "b")) == CacheUse(plain=1_200)
    assert _ask(cache, []) == CacheUse(plain=0)


def test_a_prefix_below_the_minimum_is_silently_not_cached() -> None:
    cache = PromptCache()

    assert _ask(cache, _texts("a", tokens=999, ttl_s=SHORT_S)) == CacheUse(plain=999)
    assert _ask(cache, _texts("a", tokens=1_000, ttl_s=SHORT_S)).write_short == 1_000


def test_an_entry_lives_from_the_start_of_the_request_that_last_used_it() -> None:
    cache, parts = PromptCache(), _texts("a", "b", ttl_s=SHORT_S)
    _ask(cache, parts, now_s=0)

    assert _ask(cache, parts, now_s=299).read == 1_200
    assert _ask(cache, parts, now_s=598).read == 1_200
    assert _ask(cache, parts, now_s=598 + 300).read == 0


def test_an_hour_lasts_an_hour() -> None:
    cache, parts = PromptCache(), _texts("a", "b", ttl_s=LONG_S)
    written = _ask(cache, parts)

    assert (written.write_long, written.write_short) == (1_200, 0)
    assert _ask(cache, parts, now_s=3_599).read == 1_200
    assert _ask(cache, parts, now_s=3_599 + 3_600).write_long == 1_200


def test_one_changed_byte_loses_everything_behind_it() -> None:
    cache = PromptCache()
    _ask(cache, [*_texts("a", "b", ttl_s=SHORT_S), *_texts("c", "d", ttl_s=SHORT_S)])

    use = _ask(cache, [*_texts("a", "b", ttl_s=SHORT_S), *_texts("C", "d", ttl_s=SHORT_S)])

    assert (use.read, use.write_short, use.plain) == (1_200, 1_200, 0)


def test_what_one_key_wrote_no_other_reads() -> None:
    cache, parts = PromptCache(), _texts("a", "b", ttl_s=SHORT_S)
    _ask(cache, parts, scope=b"one")

    assert _ask(cache, parts, scope=b"two").read == 0


def test_requests_that_come_together_all_write() -> None:
    cache, parts = PromptCache(), _texts("a", "b", ttl_s=SHORT_S)

    uses = [explicit(cache, b"key", parts, LEAST, 0.0) for _ in range(3)]

    assert [use.write_short for use in uses] == [1_200] * 3


def test_a_breakpoint_looks_back_over_20_segments_itself_included() -> None:
    cache = PromptCache()
    _ask(cache, _texts("a", "b", ttl_s=SHORT_S))
    more = [f"m{number}" for number in range(20)]

    assert _ask(cache, _texts("a", "b", *more[:19], tokens=600, ttl_s=SHORT_S)).read == 1_200
    cache.clear()
    _ask(cache, _texts("a", "b", ttl_s=SHORT_S))
    assert _ask(cache, _texts("a", "b", *more, tokens=600, ttl_s=SHORT_S)).read == 0


def test_mixed_lifetimes_are_billed_by_their_last_marks() -> None:
    cache = PromptCache()
    base = _texts("a", "b", ttl_s=LONG_S)
    _ask(cache, base)

    use = _ask(cache, [*base, *_texts("c", ttl_s=LONG_S), *_texts("d", ttl_s=SHORT_S), *_texts("e")])

    assert (use.read, use.write_long, use.write_short, use.plain) == (1_200, 600, 600, 600)


def test_reading_the_longest_prefix_keeps_the_shorter_ones_alive() -> None:
    cache = PromptCache()
    parts = [*_texts("a", "b", ttl_s=SHORT_S), *_texts("c", ttl_s=SHORT_S)]
    _ask(cache, parts, now_s=0)
    _ask(cache, parts, now_s=200)

    assert _ask(cache, parts[:2], now_s=400).read == 1_200


def test_the_oldest_entries_make_room() -> None:
    cache = PromptCache(limit=2)
    for name in ("a", "b", "c"):
        _ask(cache, _texts(name, tokens=1_000, ttl_s=SHORT_S))

    reads = [explicit(cache, b"key", _texts(n, tokens=1_000, ttl_s=SHORT_S), LEAST, 1.0).read for n in ("a", "b", "c")]
    assert reads == [0, 1_000, 1_000]


PARTS = st.lists(
    st.builds(
        Segment,
        data=st.sampled_from([b"a", b"b", b"c"]),
        tokens=st.integers(0, 900),
        ttl_s=st.sampled_from([None, SHORT_S, LONG_S]),
    ),
    max_size=12,
)


@given(requests=st.lists(st.tuples(PARTS, st.floats(0, 5_000)), max_size=8))
def test_every_token_is_counted_once(requests: list[tuple[list[Segment], float]]) -> None:
    cache, now_s = PromptCache(), 0.0
    for parts, passed_s in requests:
        now_s += passed_s
        for use in (
            _ask(cache, parts, now_s),
            automatic(cache, b"k", parts, now_s, until=len(parts) - 1, has_write_fee=True),
        ):
            cache.write(use.entries, now_s)
            buckets = (use.plain, use.read, use.write_short, use.write_long)
            assert min(buckets) >= 0
            assert sum(buckets) == sum(part.tokens for part in parts)


def _auto(
    cache: PromptCache, parts: Sequence[Segment], now_s: float = 0.0, *, fee: bool = True, until: int = 99
) -> CacheUse:
    use = automatic(cache, b"key", parts, now_s, until=min(until, len(parts) - 1), has_write_fee=fee)
    cache.write(use.entries, now_s)
    return use


def test_automatic_caching_reads_the_longest_shared_beginning_in_steps_of_128() -> None:
    cache = PromptCache()
    first = _auto(cache, [*_texts("a", "b"), *_texts("one")])
    second = _auto(cache, [*_texts("a", "b"), *_texts("two")])

    assert (first.read, first.write_short, first.plain) == (0, 1_792, 8)
    assert (second.read, second.write_short, second.plain) == (1_152, 640, 8)


def test_automatic_caching_begins_at_1024_tokens() -> None:
    cache = PromptCache()

    assert _auto(cache, _texts("a", tokens=1_023)) == CacheUse(plain=1_023)
    assert _auto(cache, _texts("a", tokens=1_024)).write_short == 1_024
    assert _auto(cache, _texts("a", tokens=1_024), now_s=AUTOMATIC_S - 1).read == 1_024


def test_models_without_a_fee_report_no_writes() -> None:
    cache, parts = PromptCache(), _texts("a", "b")

    assert _auto(cache, parts, fee=False) == CacheUse(plain=1_200, entries=_auto(cache, parts, fee=False).entries)
    assert _auto(cache, parts, fee=False).read == 1_152


def test_only_what_is_before_the_last_breakpoint_is_cached_in_explicit_mode() -> None:
    cache = PromptCache()

    assert _auto(cache, _texts("a", "b", "c"), until=1).write_short == 1_152
    assert _auto(PromptCache(), _texts("a", "b"), until=-1) == CacheUse(plain=1_200)


def test_twelve_hours_are_written_apart_and_last() -> None:
    cache = PromptCache()
    parts = [*_texts("a", "b", ttl_s=AUTOMATIC_LONG_S), *_texts("c")]

    use = _auto(cache, parts)

    assert (use.write_long, use.write_short, use.plain) == (1_152, 640, 8)
    assert _auto(cache, parts, now_s=AUTOMATIC_LONG_S - 1).read == 1_152

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import UpstreamBroken
from seawall.pipeline.recording import Recording


@given(st.lists(st.binary(max_size=9), max_size=9), st.integers(0, 40))
def test_it_keeps_everything_or_nothing(pieces: list[bytes], largest: int) -> None:
    recording = Recording(largest)

    for piece in pieces:
        recording.add(piece)

    whole = b"".join(pieces)
    assert recording.size == len(whole)
    assert recording.is_too_large is (len(whole) > largest)
    assert b"".join(recording.pieces) == (b"" if len(whole) > largest else whole)


def test_the_first_word_on_its_end_stands() -> None:
    recording, broken = Recording(9), UpstreamBroken("it broke")

    recording.close(broken)
    recording.close(None)

    assert recording.error is broken


async def test_everybody_who_waits_hears_of_news_once() -> None:
    recording = Recording(9)
    waits = [asyncio.ensure_future(recording.news()) for _ in range(3)]
    await asyncio.sleep(0)

    recording.add(b"new")
    await asyncio.wait(waits)
    late = asyncio.ensure_future(recording.news())
    await asyncio.sleep(0)

    assert not late.done()
    recording.close(None)
    await late

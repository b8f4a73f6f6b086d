import asyncio
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import DeadlineExceeded, UpstreamBroken, UpstreamError, UpstreamRefused, UpstreamTimeout
from seawall.dialects.openai import OPENAI
from seawall.pipeline.stream import DRAIN_S, MAX_HELD, StreamState
from seawall.pipeline.watchdog import TICK_S, HungUp
from seawall.testing.scripted_upstream import Break, Pause, Step
from tests.pipeline.conftest import Go, Trip, frames_of, send_on_its_way

WHOLE = frames_of("anthropic/thinking.sse")
START, BLOCK, *_ = WHOLE
PING = b'event: ping\ndata: {"type":"ping"}\n\n'
ERROR = frames_of("anthropic/error.sse")[-1]
GARBAGE = b"event: message_delta\ndata: <html>\n\n"
LATE = TICK_S + 1e-6


def _cut(raw: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    return [raw[begin:end] for begin, end in pairwise(edges)]


@pytest.mark.parametrize("name", ["text", "ping", "tool_use", "server_tool", "refusal", "several_deltas"])
def test_a_whole_stream_arrives_as_it_came(go: Go, name: str) -> None:
    frames = frames_of(f"anthropic/{name}.sse")

    outcome = go(Trip(frames))

    assert outcome.text == b"".join(frames)
    assert outcome.error is None
    assert outcome.heard == [None]
    assert outcome.reply.has_ended
    assert not outcome.reply.is_aborted
    assert set(outcome.states) == {StreamState.COMMITTED}
    assert outcome.stream is not None
    assert outcome.stream.state is StreamState.ENDED
    assert outcome.stream.facts.usage_state == "reported"


@given(st.lists(st.integers(0, 5000), max_size=20), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_the_client_sees_the_same_for_every_way_of_cutting(cuts: list[int], end: bytes) -> None:
    raw = b"".join(WHOLE).replace(b"\n", end)

    outcome = send_on_its_way(Trip(_cut(raw, cuts)))

    assert outcome.text == b"".join(WHOLE)
    assert outcome.heard == [None]


@given(st.lists(st.integers(0, 5000), max_size=20), st.sampled_from([ERROR, GARBAGE, b""]), st.integers(0, 9))
def test_what_came_before_a_failure_is_the_same_for_every_way_of_cutting(
    cuts: list[int], failure: bytes, good: int
) -> None:
    """The first content is read by itself, so that the stream is committed however the rest is cut."""
    opening, rest = WHOLE[:2], WHOLE[2:good]
    steps = [b"".join(opening), *_cut(b"".join(rest) + failure, cuts)]

    outcome = send_on_its_way(Trip(steps))

    assert outcome.text == b"".join([*opening, *rest])
    assert isinstance(outcome.error, UpstreamRefused if failure is ERROR else UpstreamBroken)
    assert outcome.heard == [outcome.error]
    assert outcome.reply.is_aborted or outcome.reply.has_ended


@st.composite
def trips(draw: st.DrawFn) -> tuple[Trip, list[bytes], bool]:
    """Draw a stream, what it meets, the frames that it can give at most, and whether it is whole."""
    frames = list(WHOLE)
    for _ in range(draw(st.integers(0, 3))):
        frames.insert(draw(st.integers(0, len(frames) - 1)), PING)
    ending = draw(st.sampled_from(["whole", "whole", "whole", "end", "break", "silence", "error", "garbage"]))
    if ending != "whole":
        frames = frames[: draw(st.integers(0, len(frames) - 1))]
    tails: dict[str, list[Step]] = {
        "whole": [],
        "end": [],
        "break": [b"event: content_bl", Break()],
        "silence": [Pause(math.inf)],
        "error": [ERROR],
        "garbage": [GARBAGE],
    }
    pieces = _cut(b"".join(frames), draw(st.lists(st.integers(0, 5000), max_size=10)))
    steps: list[Step] = []
    for piece in pieces:
        steps += [Pause(draw(st.sampled_from([0.0, 0.0, 0.5, 1.5, 3.0])))] if draw(st.booleans()) else []
        steps.append(piece)
    if not frames:
        steps = []
    trip = Trip(
        [*steps, *tails[ending]],
        total_s=draw(st.sampled_from([1.0, 6.0, 60.0])),
        first_token_s=draw(st.sampled_from([0.7, 4.0, 20.0])),
        idle_s=draw(st.sampled_from([1.0, 2.0, 10.0])),
        hold_back_s=draw(st.sampled_from([0.0, 0.4, 2.0, 30.0])),
        write_s=draw(st.lists(st.sampled_from([0.0, 0.0, 2.5, 30.0]), max_size=8)),
        hang_up_s=draw(st.sampled_from([None, None, 0.0, 0.3, 2.0, 5.0])),
        cancel_s=draw(st.sampled_from([None, None, None, 0.3, 2.0])),
    )
    return trip, frames, ending == "whole"


@given(trips())
def test_whatever_happens_a_stream_ends_exactly_once_and_between_two_frames(
    drawn: tuple[Trip, list[bytes], bool],
) -> None:
    trip, frames, is_whole = drawn

    outcome = send_on_its_way(trip)

    assert outcome.stream is not None
    assert outcome.stream.state is StreamState.ENDED
    assert len(outcome.heard) == 1, "everybody hears of the end, once"
    assert any(outcome.text == b"".join(frames[:count]) for count in range(len(frames) + 1)), "only whole frames"
    assert set(outcome.states) <= {StreamState.COMMITTED}, "nothing is written before it is promised"
    (end,) = outcome.heard
    if end is None:
        assert is_whole, "a broken stream never ends well"
        assert outcome.text == b"".join(frames)
        assert outcome.stream.terminal_seen
    else:
        assert outcome.error is end
        assert outcome.reply.is_aborted or outcome.reply.has_ended, "the provider is not left waiting"
        assert isinstance(end, UpstreamError | DeadlineExceeded | HungUp | asyncio.CancelledError)
    assert outcome.ended_s <= trip.total_s + LATE, "nothing outlives its deadline"
    assert outcome.left_over == (1 if isinstance(outcome.error, asyncio.CancelledError) else 0)
    if trip.hang_up_s is not None and outcome.ended_s > trip.hang_up_s:
        assert isinstance(end, HungUp | asyncio.CancelledError)
        assert outcome.ended_s <= trip.hang_up_s + 1e-6, "a client that left is noticed at once"


def test_a_failure_before_the_first_content_promises_nothing(go: Go) -> None:
    for failure in (ERROR, GARBAGE):
        outcome = go(Trip([START + PING, failure], hold_back_s=30.0))

        assert outcome.written == []
        assert outcome.committed_s is None
        assert isinstance(outcome.error, UpstreamError)


def test_a_failure_in_the_same_read_as_the_first_content_promises_nothing_either(go: Go) -> None:
    outcome = go(Trip([b"".join(WHOLE[:4]) + ERROR]))

    assert outcome.written == []
    assert isinstance(outcome.error, UpstreamRefused)
    assert outcome.error.status == 529


def test_the_hold_back_ends_with_the_first_content(go: Go) -> None:
    outcome = go(Trip([START, Pause(0.2), BLOCK, Pause(5.0), *WHOLE[2:]]))

    assert outcome.committed_s == pytest.approx(0.2)
    assert outcome.written[0] == START + BLOCK


def test_the_hold_back_ends_by_itself(go: Go) -> None:
    outcome = go(Trip([START, Pause(3.0), *WHOLE[1:]], hold_back_s=1.0))

    assert outcome.committed_s == pytest.approx(1.0)
    assert outcome.written[0] == START
    assert outcome.heard == [None]


def test_without_a_hold_back_the_stream_is_promised_at_once(go: Go) -> None:
    outcome = go(Trip([Pause(2.0), *WHOLE], hold_back_s=0.0))

    assert outcome.committed_s == 0.0
    assert outcome.text == b"".join(WHOLE)


def test_the_hold_back_ends_at_its_bound(go: Go) -> None:
    comment = b": " + b"x" * 1000 + b"\n\n"

    outcome = go(Trip([comment] * 200 + list(WHOLE), hold_back_s=30.0))

    assert MAX_HELD < len(outcome.written[0]) <= MAX_HELD + len(comment)
    assert outcome.heard == [None]


def test_a_whole_answer_can_be_held(go: Go) -> None:
    outcome = go(Trip([b"".join(frames_of("anthropic/refusal.sse"))], hold_back_s=30.0))

    assert outcome.committed_s == 0.0
    assert outcome.heard == [None]


def test_an_end_without_the_terminal_event_is_a_failure(go: Go) -> None:
    for count in range(len(WHOLE)):
        outcome = go(Trip(WHOLE[:count]))

        assert isinstance(outcome.error, UpstreamBroken)
        assert "without its terminal event" in str(outcome.error)


def test_nothing_goes_on_after_the_terminal_event(go: Go) -> None:
    outcome = go(Trip([b"".join(WHOLE) + PING + ERROR]))

    assert outcome.text == b"".join(WHOLE)
    assert outcome.heard == [None]


def test_half_a_frame_is_never_written(go: Go) -> None:
    outcome = go(Trip([b"".join(WHOLE[:3]), WHOLE[3][:-10], Break()]))

    assert outcome.text == b"".join(WHOLE[:3])


@pytest.mark.parametrize("hold_back_s", [0.1, 30.0])
def test_quiet_frames_do_not_put_the_first_token_off(go: Go, hold_back_s: float) -> None:
    pings: list[Step] = [step for _ in range(100) for step in (Pause(0.5), PING)]

    outcome = go(Trip([START, *pings], first_token_s=4.0, idle_s=2.0, hold_back_s=hold_back_s))

    assert isinstance(outcome.error, UpstreamTimeout)
    assert outcome.error.phase == "first_token"
    assert 4.0 <= outcome.ended_s <= 4.0 + LATE


def test_a_slow_reader_of_quiet_frames_does_not_use_the_first_tokens_time_up(go: Go) -> None:
    outcome = go(Trip([START, Pause(2.0), *WHOLE[1:]], first_token_s=3.0, hold_back_s=0.5, write_s=[30.0]))

    assert outcome.heard == [None]


def test_silence_between_two_frames_is_a_timeout(go: Go) -> None:
    outcome = go(Trip([*WHOLE[:3], Pause(60.0), *WHOLE[3:]], idle_s=5.0))

    assert isinstance(outcome.error, UpstreamTimeout)
    assert outcome.error.phase == "idle"
    assert 5.0 <= outcome.ended_s <= 5.0 + LATE


def test_bytes_of_a_frame_that_is_not_whole_yet_are_no_silence(go: Go) -> None:
    slow: list[Step] = [step for byte in b"".join(WHOLE[2:4]) for step in (Pause(1.0), bytes([byte]))]

    outcome = go(Trip([*WHOLE[:2], *slow, *WHOLE[4:]], idle_s=2.0, total_s=6000.0))

    assert outcome.heard == [None]


@pytest.mark.parametrize("slow", range(6))
def test_a_slow_reader_is_no_idle_provider(go: Go, slow: int) -> None:
    outcome = go(Trip(WHOLE, idle_s=1.0, write_s=[0.0] * slow + [50.0]))

    assert outcome.heard == [None]
    assert outcome.text == b"".join(WHOLE)


def test_a_slow_reader_does_not_outlive_the_deadline(go: Go) -> None:
    outcome = go(Trip(WHOLE, total_s=30.0, write_s=[20.0, 20.0]))

    assert isinstance(outcome.error, DeadlineExceeded)
    assert 30.0 <= outcome.ended_s <= 30.0 + LATE


@pytest.mark.parametrize("hold_back_s", [0.0, 1.0])
def test_a_deadline_after_the_last_bytes_were_handed_over_comes_too_late(go: Go, hold_back_s: float) -> None:
    outcome = go(Trip([b"".join(WHOLE)], total_s=3.0, write_s=[20.0], hold_back_s=hold_back_s))

    assert outcome.error is None
    assert outcome.heard == [None]
    assert outcome.text == b"".join(WHOLE)
    assert outcome.ended_s <= 3.0 + LATE
    assert outcome.left_over == 0


def test_a_client_that_leaves_before_it_has_read_the_end_has_left(go: Go) -> None:
    outcome = go(Trip([b"".join(WHOLE)], hang_up_s=2.0, write_s=[20.0]))

    assert isinstance(outcome.error, HungUp)
    assert outcome.heard == [outcome.error]


def test_while_the_reader_does_not_read_nothing_is_taken_from_the_provider(go: Go) -> None:
    outcome = go(Trip(WHOLE, write_s=[1000.0], total_s=10.0))

    assert outcome.reply.reads == 2


def test_a_deadline_while_held_promises_nothing(go: Go) -> None:
    outcome = go(Trip([START, Pause(math.inf)], total_s=2.0, hold_back_s=30.0))

    assert isinstance(outcome.error, DeadlineExceeded)
    assert outcome.written == []
    assert outcome.reply.is_aborted


def test_somebody_elses_cancellation_goes_on(go: Go) -> None:
    outcome = go(Trip([*WHOLE[:3], Pause(math.inf)], cancel_s=3.0))

    assert isinstance(outcome.error, asyncio.CancelledError)
    assert outcome.heard == [outcome.error]
    assert outcome.reply.is_aborted


def test_the_body_is_drained_so_that_its_connection_lives_on(go: Go) -> None:
    outcome = go(Trip([*WHOLE, Pause(DRAIN_S / 2), b": bye\n\n"]))

    assert outcome.reply.has_ended
    assert not outcome.reply.is_aborted


@pytest.mark.parametrize("tail", [[Pause(math.inf)], [Pause(DRAIN_S / 2), Break()]], ids=["open", "broken"])
def test_a_body_without_end_is_cut_off_after_the_answer(go: Go, tail: list[Step]) -> None:
    outcome = go(Trip([*WHOLE, *tail]))

    assert outcome.heard == [None]
    assert outcome.error is None
    assert outcome.reply.is_aborted
    assert outcome.at_s <= DRAIN_S


def test_who_leaves_after_the_answer_is_told_of_nothing(go: Go) -> None:
    for trip in (Trip([*WHOLE, Pause(math.inf)], hang_up_s=0.3), Trip([*WHOLE, Pause(math.inf)], total_s=0.3)):
        outcome = go(trip)

        assert outcome.error is None
        assert outcome.heard == [None]
        assert outcome.reply.is_aborted
        assert outcome.left_over == 0


def test_a_drain_that_is_cancelled_leaves_no_connection_behind(go: Go) -> None:
    outcome = go(Trip([*WHOLE, Pause(math.inf)], cancel_s=0.3))

    assert isinstance(outcome.error, asyncio.CancelledError)
    assert outcome.reply.is_aborted


def test_taps_run_in_order_over_whole_frames_up_to_the_terminal_one(go: Go) -> None:
    seen: list[bytes] = []

    def watch(frames: list[bytes]) -> list[bytes]:
        seen.extend(frames)
        return frames

    def shout(frames: list[bytes]) -> list[bytes]:
        return [frame.replace(b"42", b"43") for frame in frames]

    def mute(frames: list[bytes]) -> list[bytes]:
        return [frame for frame in frames if b"signature_delta" not in frame]

    whole = b"".join(WHOLE)
    outcome = go(Trip(_cut(whole + PING, [100, 333, 777]), taps=[watch, shout, mute]))

    assert seen == [frame.removesuffix(b"\n\n") for frame in WHOLE]
    assert outcome.text == b"".join(frame for frame in WHOLE if b"signature_delta" not in frame).replace(b"42", b"43")


def test_a_tap_may_take_everything(go: Go) -> None:
    outcome = go(Trip(WHOLE, taps=[lambda frames: frames[:0]]))

    assert outcome.written == []
    assert outcome.heard == [None]


def test_the_first_content_is_timed(go: Go) -> None:
    outcome = go(Trip([START, Pause(3.0), *WHOLE[1:]]))

    assert outcome.stream is not None
    assert outcome.stream.first_content_s == pytest.approx(3.0)


def test_the_last_one_registered_hears_last(go: Go) -> None:
    order: list[str] = []
    outcome = go(Trip(WHOLE))
    assert outcome.stream is not None

    outcome.stream.on_end(lambda _: order.append("meter"))
    outcome.stream.on_end(lambda _: order.append("journal"))
    outcome.stream._end(None)  # what ended once does not end again by itself

    assert order == ["meter", "journal"]


@pytest.mark.parametrize("name", ["usage", "tool_calls", "comments", "reasoning", "usage_in_last_content"])
def test_the_machine_is_the_same_for_the_other_dialect(go: Go, name: str) -> None:
    frames = frames_of(f"openai/{name}.sse")

    outcome = go(Trip(frames, dialect=OPENAI))

    assert outcome.text == b"".join(frames)
    assert outcome.heard == [None]


def test_an_end_mark_that_never_comes_is_a_failure_in_the_other_dialect_too(go: Go) -> None:
    outcome = go(Trip(frames_of("openai/finished_but_cut.sse"), dialect=OPENAI))

    assert isinstance(outcome.error, UpstreamBroken)

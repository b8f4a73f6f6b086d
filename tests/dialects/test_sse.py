from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import UpstreamBroken
from seawall.dialects.sse import MAX_FRAME, FrameSplitter, event_data, event_name

LINES = st.sampled_from(
    [
        b"",
        b"",
        b"",
        b"data: one",
        b"data:two",
        b"data:  two spaces",
        b"data",
        b"data:",
        b'data: {"a": "\xc3\xa9"}',
        b"event: ping",
        b"event:bare",
        b"event",
        b": a comment",
        b":",
        b"id: 7",
        b"retry: 10",
        b"dat: a: b",
        b"database: x",
        b" data: indented",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
TEXTS = st.builds(
    lambda bom, lines, tail: bom + b"".join(line + end for line, end in lines) + tail,
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(st.tuples(LINES, ENDS), max_size=24),
    st.sampled_from([b"", b"data: half", b"\r", b"\n"]),
)


def _events_as_the_standard_reads_them(raw: bytes) -> list[tuple[bytes, bytes]]:
    """Parse byte by byte as WHATWG HTML §9.2.6 says; only events with data are dispatched."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    lines: list[bytes] = []
    line = b""
    at = 0
    while at < len(raw):
        byte = raw[at : at + 1]
        at += 1
        if byte in (b"\r", b"\n"):
            if byte == b"\r" and raw[at : at + 1] == b"\n":
                at += 1
            lines.append(line)
            line = b""
        else:
            line += byte
    events: list[tuple[bytes, bytes]] = []
    name, data = b"", b""
    for line in lines:
        if not line:
            if data:
                events.append((name, data[:-1]))
            name, data = b"", b""
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value
        elif field == b"data":
            data += value + b"\n"
    return events


def _frames(raw: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    splitter = FrameSplitter()
    return [frame for begin, end in pairwise(edges) for frame in splitter.feed(raw[begin:end])]


def _events(frames: list[bytes]) -> list[tuple[bytes, bytes]]:
    has_data = [any(line == b"data" or line.startswith(b"data:") for line in frame.split(b"\n")) for frame in frames]
    return [(event_name(frame), event_data(frame)) for frame, has in zip(frames, has_data, strict=True) if has]


@given(raw=TEXTS, cuts=st.lists(st.integers(0, 10_000), max_size=12))
def test_frames_do_not_depend_on_how_the_bytes_were_cut(raw: bytes, cuts: list[int]) -> None:
    whole = _frames(raw, [])

    assert _frames(raw, cuts) == whole
    assert _frames(raw, list(range(len(raw)))) == whole


@given(raw=TEXTS, cuts=st.lists(st.integers(0, 10_000), max_size=12))
def test_frames_say_what_the_standard_reads(raw: bytes, cuts: list[int]) -> None:
    assert _events(_frames(raw, cuts)) == _events_as_the_standard_reads_them(raw)


@given(raw=st.binary(max_size=200), cuts=st.lists(st.integers(0, 300), max_size=8))
def test_any_bytes_are_read_as_the_standard_reads_them(raw: bytes, cuts: list[int]) -> None:
    assert _events(_frames(raw, cuts)) == _events_as_the_standard_reads_them(raw)


@given(raw=TEXTS)
def test_a_frame_has_no_blank_line_no_carriage_return_and_is_never_empty(raw: bytes) -> None:
    frames = _frames(raw, [])

    assert all(frame for frame in frames)
    assert not any(b"\n\n" in frame or b"\r" in frame or frame.startswith(b"\n") for frame in frames)


def test_frames_that_were_written_plainly_keep_their_bytes() -> None:
    raw = b"event: ping\ndata: {}\n\n: keep-alive\n\ndata: [DONE]\n\n"

    assert b"".join(frame + b"\n\n" for frame in FrameSplitter().feed(raw)) == raw


def test_a_carriage_return_ends_its_line_at_once() -> None:
    splitter = FrameSplitter()

    assert splitter.feed(b"data: [DONE]\r\r") == [b"data: [DONE]"]
    assert splitter.feed(b"\ndata: next\r\n\r") == [b"data: next"]


def test_a_byte_order_mark_is_dropped_only_at_the_very_beginning() -> None:
    splitter = FrameSplitter()

    assert splitter.feed(b"\xef") == []
    assert splitter.feed(b"\xbb\xbfdata: a\n\n") == [b"data: a"]
    assert splitter.feed(b"\xef\xbb\xbfdata: b\n\n") == [b"\xef\xbb\xbfdata: b"]


@pytest.mark.parametrize(
    ("frame", "name", "data"),
    [
        pytest.param(b"data: x", b"", b"x", id="one line"),
        pytest.param(b"event: ping\ndata: {}", b"ping", b"{}", id="named"),
        pytest.param(b"data: one\ndata: two", b"", b"one\ntwo", id="several lines of data"),
        pytest.param(b"data: one\ndata\ndata: two", b"", b"one\n\ntwo", id="a data line without a colon is empty"),
        pytest.param(b"event: a\nevent: b\ndata: x", b"b", b"x", id="the last name stands"),
        pytest.param(b"event: a\nevent\ndata: x", b"", b"x", id="a name can be taken back"),
        pytest.param(b"data: a\ndatabase: b", b"", b"a", id="a longer field name is another field"),
        pytest.param(b": data: x", b"", b"", id="a comment has no data"),
        pytest.param(b"data:x\nid: 1", b"", b"x", id="the space is optional"),
    ],
)
def test_a_frame_is_read(frame: bytes, name: bytes, data: bytes) -> None:
    assert event_name(frame) == name
    assert event_data(frame) == data


@pytest.mark.parametrize("piece", [b"x" * (1 << 20), b"x" * ((1 << 20) - 8) + b"\ndata: y"], ids=["one line", "many"])
def test_a_frame_without_end_is_refused_before_it_fills_the_memory(piece: bytes) -> None:
    splitter = FrameSplitter()
    splitter.feed(b"data: ")

    with pytest.raises(UpstreamBroken, match="longer than"):
        list(map(splitter.feed, [piece] * (MAX_FRAME // len(piece) + 2)))


def test_a_long_line_in_small_pieces_is_joined_once() -> None:
    splitter = FrameSplitter()
    pieces = [b"data: ", *[b"x" * 10] * 5000, b"\n", b"\n"]

    frames = [frame for piece in pieces for frame in splitter.feed(piece)]

    assert frames == [b"data: " + b"x" * 50_000]

import pytest

from seawall.dialects.chat.form import CHAT_FORM
from seawall.dialects.dialect import CHAT, MESSAGES
from seawall.dialects.messages.form import MESSAGES_FORM
from seawall.dialects.neutral.event import Closed, Event, Opened, RefusalPiece, TextPiece, Waiting
from seawall.guards.fallback import splice
from seawall.guards.fallback.splice import Partial, Splice

_OPEN_TEXT = [
    b'event: message_start\ndata: {"message":{"id":"msg_1","model":"m"}}',
    b'event: content_block_start\ndata: {"index":0,"content_block":{"type":"text","text":""}}',
    b'event: content_block_delta\ndata: {"index":0,"delta":{"type":"text_delta","text":"a"}}',
]


def _partial(*events: Event) -> Partial:
    partial = Partial(CHAT, CHAT_FORM)
    encoder = CHAT_FORM.encoder(wants_usage=False)
    for event in events:
        frames = encoder.feed(event)
        assert partial.tap(frames) is frames, "it only listens"
    return partial


def test_the_beginning_is_kept_word_by_word() -> None:
    partial = _partial(Opened("id", "model"), TextPiece("Once "), Waiting(), TextPiece("upon"))

    assert (partial.text, partial.is_open) == ("Once upon", True)
    assert partial.opened.model == "model"


@pytest.mark.parametrize(
    "events",
    [(), (TextPiece("  "),), (RefusalPiece("No."),), (TextPiece("Done."), Closed("complete"))],
    ids=["nothing", "blanks", "a refusal", "the end"],
)
def test_what_cannot_be_continued_is_not_open(events: tuple[Event, ...]) -> None:
    assert not _partial(Opened("id", "model"), *events).is_open


@pytest.mark.parametrize(
    ("choice", "is_open"),
    [
        pytest.param(b'{"index":0,"delta":{},"finish_reason":"stop"}', False, id="finished"),
        pytest.param(b'{"index":0,"delta":{}, "finish_reason": null}', True, id="not finished, with blanks"),
        pytest.param(b'{"index":0,"delta":{"content":" finish_reason"}}', True, id="only a word"),
        pytest.param(b'"finish_reason"', True, id="no choice at all"),
    ],
)
def test_after_its_finish_reason_an_answer_is_not_continued_though_its_end_mark_is_missing(
    choice: bytes, *, is_open: bool
) -> None:
    partial = _partial(Opened("id", "model"), TextPiece("Once"))
    partial.tap(
        [b'data: {"id":"id","choices":[' + choice + b"]}", b'data: {"id":"id","choices":null}', b": finish_reason"]
    )

    assert partial.is_open is is_open


def test_a_beginning_beyond_all_bounds_is_not_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splice, "MAX_TEXT", 8)

    assert not _partial(Opened("id", "model"), TextPiece("nine char")).is_open


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"event: content_block_start\ndata: {}", id="a block without a number"),
        pytest.param(b'event: content_block_start\ndata: {"index":1,"content_block":7}', id="a block that is none"),
        pytest.param(b'event: content_block_delta\ndata: {"index":"0","delta":{}}', id="a delta of nothing"),
        pytest.param(b'event: message_start\ndata: {"message":{}}', id="a second beginning"),
    ],
)
def test_a_frame_that_only_the_client_may_understand_goes_on_and_ends_the_listening(frame: bytes) -> None:
    partial = Partial(MESSAGES, MESSAGES_FORM)
    partial.tap(_OPEN_TEXT)
    assert partial.is_open

    assert partial.tap([frame]) == [frame]

    assert not partial.is_open
    assert partial.tap([b"event: ping\ndata: {}"]) == [b"event: ping\ndata: {}"]


def test_an_end_without_a_finish_reason_is_for_the_client_to_judge() -> None:
    partial = _partial(Opened("id", "model"), TextPiece("Once"))

    assert partial.tap([b"data: [DONE]"]) == [b"data: [DONE]"]
    assert not partial.is_open


def test_half_a_frame_waits_for_its_other_half() -> None:
    rest = Splice(_partial(Opened("id", "model"), TextPiece("Once")), wants_usage=False)
    encoder = CHAT_FORM.encoder(wants_usage=False)
    frames = encoder.feed(Opened("other", "another")) + encoder.feed(TextPiece(" upon"))
    data = b"\n\n".join([*frames, b""])

    assert rest.feed(data[:-9]) == b""
    assert b" upon" in rest.feed(data[-9:])


def test_blocks_are_numbered_as_the_client_counts_them() -> None:
    partial = Partial(MESSAGES, MESSAGES_FORM)
    partial.tap(
        [
            b'event: message_start\ndata: {"message":{"id":"msg_1","model":"m"}}',
            b'event: content_block_start\ndata: {"index":2,"content_block":{"type":"text","text":""}}',
            b'event: content_block_delta\ndata: {"index":2,"delta":{"type":"text_delta","text":"a"}}',
        ]
    )
    encoder = MESSAGES_FORM.encoder(wants_usage=False)
    frames = [frame for event in (Opened("", ""), TextPiece("b")) for frame in encoder.feed(event)]

    written = Splice(partial, wants_usage=False).feed(b"\n\n".join([*frames, b""]))

    assert b'"index":2' in written
    assert b"content_block_start" not in written

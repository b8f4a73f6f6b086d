import pytest

from seawall.core.error import UpstreamBroken, UpstreamRefused
from seawall.core.usage import Usage
from seawall.dialects.neutral.event import (
    CallOpened,
    CallPiece,
    Closed,
    Event,
    Opened,
    RefusalPiece,
    TextPiece,
    Waiting,
)
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.responses.stream_decoder import ResponsesDecoder
from seawall.dialects.sse import FrameSplitter
from tests.dialects.conftest import FIXTURES
from tests.dialects.responses.conftest import Play

OPENED = Opened("resp_1", "gpt-6-sol", at_s=1_795_000_000.0)


def _spoken(events: list[Event]) -> list[Event]:
    return [event for event in events if not isinstance(event, Waiting)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            "text",
            [
                TextPiece("Four"),
                TextPiece(" is it"),
                TextPiece("."),
                Closed("complete", usage=Usage(30, 40, 20, 10, 9)),
            ],
            id="text",
        ),
        pytest.param(
            "unicode",
            [TextPiece("Grüß "), TextPiece("dich 😀"), Closed("complete", usage=Usage(10, output=4))],
            id="every letter",
        ),
        pytest.param(
            "reasoning",
            [TextPiece("Four."), Closed("complete", usage=Usage(12, output=5, thinking=25))],
            id="thoughts are not shown",
        ),
        pytest.param(
            "tools",
            [
                TextPiece("I look."),
                CallOpened(0, "call_a", "get_weather"),
                CallPiece(0, '{"ci'),
                CallPiece(0, 'ty":"Bonn"}'),
                CallOpened(1, "call_b", "get_time"),
                Closed("tools", usage=Usage(50, output=20)),
            ],
            id="tools",
        ),
        pytest.param(
            "mixed_calls",
            [
                CallOpened(0, "call_a", "a"),
                CallOpened(1, "call_b", "b"),
                CallPiece(0, '{"x"'),
                CallPiece(1, '{"y":'),
                CallPiece(0, ":1}"),
                CallPiece(1, "2}"),
                Closed("tools", usage=Usage(50, output=20)),
            ],
            id="mixed calls",
        ),
        pytest.param(
            "refusal",
            [
                RefusalPiece("I cannot"),
                RefusalPiece(" help."),
                Closed("refused", explanation="I cannot help.", usage=Usage(10, output=5)),
            ],
            id="refusal",
        ),
        pytest.param("incomplete", [TextPiece("Once upon"), Closed("length", usage=Usage(10, output=2))], id="cut"),
        pytest.param("filtered", [TextPiece("Once"), Closed("refused", usage=Usage(10, output=1))], id="filtered"),
        pytest.param(
            "annotation",
            [TextPiece("Four"), Closed("complete", usage=Usage(10, output=1, web_searches=2))],
            id="what it cites is left out",
        ),
        pytest.param("search", [TextPiece("Four."), Closed("complete", usage=Usage(3, output=2))], id="other tools"),
        pytest.param("unnamed", [TextPiece("Hi"), Closed("complete", usage=Usage(3, output=1))], id="without names"),
        pytest.param(
            "only_done",
            [
                TextPiece("Whole."),
                CallOpened(0, "call_a", "f"),
                CallPiece(0, '{"a":1}'),
                Closed("tools", usage=Usage(3, output=2)),
            ],
            id="no pieces",
        ),
        pytest.param(
            "only_end",
            [
                TextPiece("Late."),
                CallOpened(0, "call_a", "f"),
                CallPiece(0, '{"a":1}'),
                Closed("tools", usage=Usage(3, output=2)),
            ],
            id="nothing but the end",
        ),
        pytest.param("cut", [TextPiece("Fo")], id="cut off"),
        pytest.param("odd_types", [TextPiece("Hi"), Closed("complete")], id="a usage of another type"),
    ],
)
def test_a_stream_is_read_into_events(play: Play, name: str, expected: list[Event]) -> None:
    assert _spoken(play(name)) == [OPENED, *expected]


def test_what_nobody_is_shown_is_waiting(play: Play) -> None:
    assert play("reasoning")[1:9] == [Waiting()] * 8


@pytest.mark.parametrize(
    ("name", "status"), [("failed", 500), ("error", 429), ("error_nested", 400)], ids=["failed", "error", "nested"]
)
def test_an_error_is_raised(play: Play, name: str, status: int) -> None:
    with pytest.raises(UpstreamRefused) as caught:
        play(name)

    assert caught.value.status == status


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b'{"type":"response.created"}', "no response"),
        (b'{"type":"response.function_call_arguments.delta","output_index":3,"delta":"{"}', "never began"),
        (b'{"type":"response.output_item.done","output_index":0}', "an item that is none"),
        (b'{"type":"response.output_item.added","item":{"type":"function_call"}}', "without an id or a name"),
        (b"[]", "not a JSON object"),
    ],
)
def test_what_cannot_be_is_broken(data: bytes, match: str) -> None:
    with pytest.raises(UpstreamBroken, match=match):
        ResponsesDecoder(Losses()).feed(b"data: " + data)


def test_a_server_that_opens_nothing_and_tells_no_places_is_read() -> None:
    decoder = ResponsesDecoder(Losses())
    events = [*decoder.feed(b'data: {"type":"response.output_text.delta","delta":"Hi"}')]
    events += decoder.feed(b'data: {"type":"response.output_text.delta","delta":""}')
    events += decoder.feed(b'data: {"type":"response.output_text.done","text":"Hi"}')

    assert events == [Opened("", ""), TextPiece("Hi")]


def test_before_the_opening_nothing_waits_and_after_the_end_nothing_comes(play: Play) -> None:
    decoder = ResponsesDecoder(Losses())

    assert decoder.feed(b": ping") == ()
    assert list(decoder.feed(b'data: {"type":"x"}')) == []
    assert list(decoder.feed(b'data: {"type":"response.output_item.added","item":{"type":"message"}}')) == []
    (opened, closed) = decoder.feed(
        b'data: {"type":"response.completed","response":{"id":"r","model":"m","status":"completed","output":[]}}'
    )
    assert (opened, closed) == (Opened("r", "m"), Closed("complete"))
    assert decoder.feed(b'data: {"type":"response.output_text.delta","delta":"Hi"}') == ()
    assert isinstance(play("text")[1], Waiting)


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("text", []),
        ("reasoning", []),
        ("tools", []),
        ("annotation", ["dropped.answer.citations"]),
        ("search", ["dropped.answer.server_tools"]),
    ],
)
def test_losses_are_noted_as_they_happen(name: str, codes: list[str]) -> None:
    losses = Losses()
    decoder = ResponsesDecoder(losses)

    for frame in FrameSplitter().feed((FIXTURES / "responses" / f"{name}.sse").read_bytes()):
        decoder.feed(frame)

    assert losses.codes == codes

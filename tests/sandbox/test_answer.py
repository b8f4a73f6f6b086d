from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.sandbox.answer import Answer, Ask, Offer, Stop, Tool, choose, compose
from seawall.sandbox.setting import Settings
from seawall.sandbox.token import count

ASK = Ask(seed=b"seed", letters=8, max_tokens=1_000)
WEATHER = Tool("get_weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
CLOCK = Tool("clock", {"type": "object"})
PLAIN = Settings()


def _names(tools: tuple[Tool, ...]) -> list[str]:
    return [tool.name for tool in tools]


def test_the_same_request_gets_the_same_answer() -> None:
    assert compose(ASK, PLAIN) == compose(ASK, PLAIN)
    assert compose(ASK, PLAIN) != compose(replace(ASK, seed=b"other"), PLAIN)


def test_an_answer_has_40_to_120_tokens_unless_it_is_told_otherwise() -> None:
    sizes = {compose(replace(ASK, seed=b"%d" % seed), PLAIN).output_tokens for seed in range(200)}

    assert min(sizes) >= 40
    assert max(sizes) <= 120
    assert len(sizes) > 50
    assert compose(ASK, Settings(output_tokens=7)).output_tokens == 7


@given(
    most=st.integers(0, 300),
    thinks=st.booleans(),
    calls=st.sampled_from([(), (WEATHER,), (WEATHER, CLOCK)]),
    thinking=st.none() | st.integers(0, 400),
    wanted=st.none() | st.integers(0, 400),
)
def test_no_answer_is_longer_than_max_tokens(
    most: int, thinks: bool, calls: tuple[Tool, ...], thinking: int | None, wanted: int | None
) -> None:
    ask = replace(ASK, max_tokens=most, thinks=thinks, calls=calls)

    answer = compose(ask, Settings(thinking_tokens=thinking, output_tokens=wanted))

    assert answer.output_tokens + len(answer.thinking) <= most


def test_an_answer_that_is_cut_says_so() -> None:
    whole, cut = compose(ASK, PLAIN), compose(replace(ASK, max_tokens=10), PLAIN)

    assert (whole.stop, cut.stop) == (Stop.END, Stop.MAX_TOKENS)
    assert cut.text == whole.text[:10]


def test_no_tokens_are_no_answer() -> None:
    assert compose(replace(ASK, max_tokens=0, thinks=True), PLAIN) == Answer(Stop.MAX_TOKENS)


def test_thinking_comes_first_and_leaves_room_for_the_answer() -> None:
    answer = compose(replace(ASK, thinks=True, max_tokens=10), PLAIN)

    assert len(answer.thinking) == 5
    assert len(answer.text) == 5
    assert len(compose(replace(ASK, thinks=True), Settings(thinking_tokens=33)).thinking) == 33


def test_the_text_can_be_given() -> None:
    answer = compose(ASK, Settings(text="Call +49 170 1234567, naïve café"))

    assert "".join(answer.text) == "Call +49 170 1234567, naïve café"


def test_an_answer_stops_at_the_first_stop_sequence() -> None:
    answer = compose(replace(ASK, stop_sequences=("three", "wo")), Settings(text="one two three"))

    assert (answer.stop, answer.stop_sequence, "".join(answer.text)) == (Stop.STOP_SEQUENCE, "wo", "one t")


def test_a_schema_makes_the_text_an_instance() -> None:
    answer = compose(replace(ASK, has_schema=True, schema={"type": "object", "properties": {"a": {"const": 1}}}), PLAIN)

    assert orjson.loads("".join(answer.text)) == {"a": 1}


def test_a_refusal_before_the_answer_has_no_output_and_one_midway_has_some() -> None:
    before = compose(replace(ASK, thinks=True), Settings(refusal="before"))
    midway = compose(replace(ASK, calls=(WEATHER,)), Settings(refusal="midway"))

    assert before == Answer(Stop.REFUSED)
    assert (midway.stop, midway.output_tokens) == (Stop.REFUSED, len(compose(ASK, PLAIN).text) // 2)


def test_a_call_has_arguments_that_its_schema_allows() -> None:
    answer = compose(replace(ASK, calls=(WEATHER, CLOCK)), PLAIN)

    first, second = answer.calls
    assert answer.stop is Stop.TOOL_CALL
    assert list(orjson.loads("".join(first.pieces))) == ["city"]
    assert (first.name, second.name, second.arguments) == ("get_weather", "clock", {})
    assert first.head_tokens == 1 + count("get_weather", 8)


def test_a_call_that_does_not_fit_is_cut() -> None:
    head = 1 + count("get_weather", 8)

    cut = compose(replace(ASK, calls=(WEATHER,), max_tokens=head + 2), PLAIN)
    none = compose(replace(ASK, calls=(WEATHER,), max_tokens=head - 1), PLAIN)

    assert (cut.stop, cut.calls[0].is_cut, len(cut.calls[0].pieces)) == (Stop.MAX_TOKENS, True, 2)
    assert (none.stop, none.calls) == (Stop.MAX_TOKENS, ())


@pytest.mark.parametrize(
    ("offer", "text", "settings", "called"),
    [
        pytest.param(Offer(), "use tool", PLAIN, [], id="no tools"),
        pytest.param(Offer((WEATHER, CLOCK)), "hello", PLAIN, [], id="nobody asks"),
        pytest.param(Offer((WEATHER, CLOCK)), "please USE TOOL now", PLAIN, ["get_weather"], id="the text asks"),
        pytest.param(Offer((WEATHER, CLOCK)), "use tool clock", PLAIN, ["clock"], id="the text names one"),
        pytest.param(
            Offer((WEATHER, CLOCK)), "use tools", PLAIN, ["get_weather", "clock"], id="the text asks for more"
        ),
        pytest.param(Offer((CLOCK,)), "use tools", PLAIN, ["clock", "clock"], id="one tool twice"),
        pytest.param(
            Offer((WEATHER, CLOCK), is_parallel=False), "use tools", PLAIN, ["get_weather"], id="one at a time"
        ),
        pytest.param(Offer((WEATHER,), must_call=True), "hello", PLAIN, ["get_weather"], id="it must"),
        pytest.param(Offer((WEATHER,), is_answered=True), "use tool", PLAIN, [], id="after a result"),
        pytest.param(
            Offer((WEATHER,), must_call=True, is_answered=True), "", PLAIN, ["get_weather"], id="it must again"
        ),
        pytest.param(Offer((WEATHER,)), "use tool", Settings(tool_calls=0), [], id="settings say none"),
        pytest.param(
            Offer((WEATHER, CLOCK)),
            "",
            Settings(tool_calls=3),
            ["get_weather", "clock", "get_weather"],
            id="settings say three",
        ),
    ],
)
def test_which_tools_are_called(offer: Offer, text: str, settings: Settings, called: list[str]) -> None:
    assert _names(choose(offer, text, settings)) == called

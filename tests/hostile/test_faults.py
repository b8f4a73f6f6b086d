"""A provider that fails in every way it can: a right answer or a typed error, in time, nothing broken as whole."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import anthropic
import openai
import pytest

from tests.hostile.judgement import is_typed_error
from tests.hostile.request import ANTHROPIC_PATH, OPENAI_PATH, Shape, good_body, good_fields
from tests.hostile.stage import Stage
from tests.hostile.wire import Answer, Case, begun_stream, converse

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("hostile")]

QUICK_S: Final = 1.0  # the total of the route /ai/quick
LATE_S: Final = 1.0
ROUTE: Final = "/ai/quick"
ENDPOINTS: Final = {"anthropic": ANTHROPIC_PATH, "openai": OPENAI_PATH}
_DONE: Final = (b'data: {"type":"message_stop"}', b"data: [DONE]")
_LONGER: Final = 3_000  # bytes; longer than any answer here

# The provider says the same twice: the client hears it twice, and that is all that can be known of it.
_REPEATS: Final = ("duplicate_event", "duplicate_event=0", "duplicate_event=3", "duplicate_event=999")
FAULTS: Final = (
    "garbage",
    "html_error",
    "cut_headers",
    "echo_key",
    "stall",
    "slow_bytes=20",
    "slow_bytes=100000",
    "no_terminal",
    "usage=missing",
    "usage=zero",
    "usage=double",
    "error_code=no_quota",
    "error_code=insufficient_quota",
    "retry_after=7",
    "retry_after=0.001",
    "retry_after_ms=500",
    "retry_after_date=30",
    "status=529,retry_after=1000000",
    *_REPEATS,
    *(f"status={status}" for status in (400, 401, 402, 403, 404, 405, 408, 409, 413, 418, 422, 429, 451, 499)),
    *(f"status={status}" for status in (500, 501, 502, 503, 504, 507, 511, 520, 524, 529, 598, 599)),
    *(f"wrong_length={change:+}" for change in (-100_000, -500, -100, -2, -1, 1, 2, 100, 100_000)),
    *(f"no_terminal={count}" for count in (1, 2, 3, 5, 10, 1_000)),
    *(f"stall_after={count}" for count in (0, 1, 2, 5)),
    *(f"error_in_stream={kind}@{event}" for kind in ("", "overloaded_error", "api_error") for event in (0, 1, 3, 999)),
)
CUTS: Final = (*range(40), *range(40, _LONGER, 13))


class Manner(NamedTuple):
    """Whose client calls, and whether it wants a stream."""

    dialect: str
    stream: bool


MANNERS: Final = [
    pytest.param(Manner(dialect, stream), id=f"{dialect} {'stream' if stream else 'whole'}")
    for dialect in ENDPOINTS
    for stream in (False, True)
]


def _call(stage: Stage, manner: Manner) -> tuple[Answer | None, bytes, float]:
    """Make a call; give the whole answer, or what came of a broken stream, and how long it took."""
    path = ENDPOINTS[manner.dialect]
    target = path.replace("/ai/chat", ROUTE).encode()
    heard = converse(
        stage.gateway.port,
        Case("call", (Shape(stage.key, target=target).request(good_body(path, stream=manner.stream)),)),
    )
    return (heard.answers[0] if heard.answers else None), begun_stream(heard.rest), heard.took_s


def _texts(events: bytes) -> Iterator[str]:
    for line in events.split(b"\n"):
        if line.startswith(b"data: {"):
            event = json.loads(line[6:])
            yield (event.get("delta") or {}).get("text") or ""
            for choice in event.get("choices") or ():
                yield choice["delta"].get("content") or ""


def _said(answer: Answer) -> str:
    """Give the text of a whole answer or of a stream."""
    if answer.is_stream:
        return "".join(_texts(answer.body))
    body: Any = answer.json()
    if "content" in body:
        return "".join(block.get("text", "") for block in body["content"])
    return "".join(choice["message"]["content"] for choice in body.get("choices", ()))


def _complaint(stage: Stage, manner: Manner, fault: str, right: str) -> str:
    """Say what is wrong with the end of a call that meets a fault."""
    stage.provider.set(fault)
    try:
        answer, begun, took_s = _call(stage, manner)
    except TimeoutError:
        return f"{fault}: neither an answer nor an end"
    if took_s > QUICK_S + LATE_S:
        return f"{fault}: took {took_s:.2f} s"
    if answer is None:  # a stream that broke, and shows it: its last event is an error, and then the connection breaks
        last = begun.rstrip(b"\n").rpartition(b"\n\n")[2].rpartition(b"data: ")[2]
        is_told = last.startswith(b"{") and is_typed_error(json.loads(last))
        return "" if is_told else f"{fault}: a stream that ends without a word: {begun[-200:]!r}"
    if answer.status >= 400:
        is_providers = fault.startswith(("status=5", "error_in_stream"))
        is_ours = answer.status in {502, 504} or answer.status < 500
        return "" if is_typed_error(answer.json()) and (is_ours or is_providers) else f"{fault}: {answer}"
    if answer.is_stream and not answer.body.rstrip(b"\n").endswith(_DONE):
        return f"{fault}: a clean end of a broken stream: {answer.body[-200:]!r}"
    return "" if _said(answer) == right or fault in _REPEATS else f"{fault}: said {_said(answer)!r}"


@pytest.fixture
def faulty(stage: Stage) -> Iterator[Stage]:
    stage.provider.reset()
    yield stage
    stage.provider.reset()


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.timeout(150)
def test_every_fault_ends_in_a_right_answer_or_a_typed_error(faulty: Stage, manner: Manner) -> None:
    whole, _, _ = _call(faulty, manner)
    assert whole is not None
    right = _said(whole)
    assert right

    found = [_complaint(faulty, manner, fault, right) for fault in FAULTS]

    assert [complaint for complaint in found if complaint] == []
    faulty.provider.reset()
    assert faulty.call().answers[0].status == 200
    assert faulty.log_complaints() == []


@pytest.mark.parametrize("manner", MANNERS)
def test_no_place_to_cut_an_answer_makes_it_look_whole(faulty: Stage, manner: Manner) -> None:
    whole, _, _ = _call(faulty, manner)
    assert whole is not None
    assert len(whole.body) < _LONGER
    right = _said(whole)

    found = [_complaint(faulty, manner, f"cut={cut}", right) for cut in CUTS]

    assert [complaint for complaint in found if complaint] == []
    assert faulty.log_complaints() == []


def _ask_anthropic(stage: Stage, *, stream: bool) -> str:
    fields = good_fields(ANTHROPIC_PATH)
    with anthropic.Anthropic(base_url=_url(stage), api_key=stage.key, max_retries=0, timeout=5) as client:
        if not stream:
            return "".join(block.text for block in client.messages.create(**fields).content if block.type == "text")
        with client.messages.stream(**fields) as events:
            return events.get_final_text()


def _ask_openai(stage: Stage, *, stream: bool) -> str:
    fields = good_fields(OPENAI_PATH)
    with openai.OpenAI(base_url=f"{_url(stage)}/v1", api_key=stage.key, max_retries=0, timeout=5) as client:
        if not stream:
            return client.chat.completions.create(**fields).choices[0].message.content or ""
        chunks = client.chat.completions.create(**fields, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def _url(stage: Stage) -> str:
    return f"http://127.0.0.1:{stage.gateway.port}{ROUTE}"


ASK: Final[dict[str, Callable[..., str]]] = {"anthropic": _ask_anthropic, "openai": _ask_openai}
ERRORS: Final = {"anthropic": anthropic.APIError, "openai": openai.APIError}
# What the official clients raise when the connection breaks in a stream whose error event they have read: nothing else.
TOLD: Final = (
    "garbage",
    "html_error",
    "stall",
    "stall_after=5",
    "no_terminal",
    "cut=40",
    "cut=900",
    "cut_headers",
    "wrong_length=+10",
    "wrong_length=-10",
    "slow_bytes=20",
    "error_in_stream=overloaded_error@3",
    "status=429,retry_after=2",
    "status=529",
    "status=500",
    "echo_key",
)


@pytest.mark.parametrize("manner", MANNERS)
def test_the_official_clients_raise_their_own_errors(faulty: Stage, manner: Manner) -> None:
    ask, error = ASK[manner.dialect], ERRORS[manner.dialect]
    right = ask(faulty, stream=manner.stream)
    assert right

    for fault in TOLD:
        faulty.provider.set(fault)
        try:
            said = ask(faulty, stream=manner.stream)
        except error:
            said = right

        assert said == right, fault

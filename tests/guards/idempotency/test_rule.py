import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import (
    BadRequest,
    DeadlineExceeded,
    Killed,
    SeawallError,
    Unsupported,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from seawall.core.kept import KeptAnswer, KeptFailure, KeyRow, KeyState
from seawall.core.record import AttemptRecord
from seawall.guards.idempotency.rule import (
    Choice,
    Conflicting,
    Different,
    Join,
    Kept,
    Released,
    Repeat,
    Replay,
    Run,
    Unknown,
    after_answer,
    after_failure,
    checked_key,
    decide,
    error_of,
    failure_of,
    way_out,
)

ANSWER = KeptAnswer(200, (), b"four", is_stream=False)
FAILURE = KeptFailure("upstream.broken", 502, "it broke")
MINE, OTHER = b"mine", b"other"


def row(
    state: KeyState,
    fingerprint: bytes = MINE,
    *,
    is_alive: bool = False,
    answer: KeptAnswer | None = None,
    failure: KeptFailure | None = None,
) -> KeyRow:
    return KeyRow(state, fingerprint, "owner", "ticket", "req_1", is_alive, answer, failure)


def attempt(cost_nusd: int | None) -> AttemptRecord:
    return AttemptRecord("anthropic", "claude", 0.0, 1.0, cost_nusd=cost_nusd)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(row(KeyState.RESERVED, is_alive=True), Join(), id="about to be sent"),
        pytest.param(row(KeyState.DISPATCHED, is_alive=True), Join(), id="running"),
        pytest.param(row(KeyState.RESERVED), Run(), id="its process died before anything was sent"),
        pytest.param(row(KeyState.RESERVED, OTHER), Run(), id="so did another request's"),
        pytest.param(row(KeyState.DONE, answer=ANSWER), Replay(ANSWER), id="answered"),
        pytest.param(row(KeyState.DONE, is_alive=True, answer=ANSWER), Replay(ANSWER), id="answered by the living"),
        pytest.param(row(KeyState.FAILED, failure=FAILURE), Repeat(FAILURE), id="failed"),
        *[pytest.param(row(state, OTHER), Different(), id=f"another request, {state}") for state in list(KeyState)[1:]],
    ],
)
def test_a_repeat_gets_what_the_row_says(found: KeyRow, expected: Choice) -> None:
    assert decide(found, MINE, wants_rerun=False) == expected


@pytest.mark.parametrize(
    ("found", "code"),
    [
        pytest.param(row(KeyState.DISPATCHED), "idempotency.unknown", id="its process died"),
        pytest.param(row(KeyState.UNKNOWN, is_alive=True), "idempotency.unknown", id="nobody saw its end"),
        pytest.param(row(KeyState.TOO_LARGE), "idempotency.too_large", id="too large"),
        pytest.param(row(KeyState.DONE), "idempotency.unknown", id="an answer that is not there"),
        pytest.param(row(KeyState.FAILED), "idempotency.unknown", id="an error that is not there"),
    ],
)
def test_what_cannot_be_answered_names_the_way_out_and_runs_at_the_clients_word(found: KeyRow, code: str) -> None:
    choice = decide(found, MINE, wants_rerun=False)

    assert isinstance(choice, Conflicting)
    assert choice.code == code
    assert "`seawall calls show req_1`" in choice.note
    assert "new key" in choice.note
    assert "x-seawall-idempotency-rerun: true" in choice.note
    assert decide(found, MINE, wants_rerun=True) == Run()


@given(st.sampled_from(KeyState), st.booleans(), st.booleans(), st.booleans())
def test_only_a_clients_word_ever_runs_a_second_time_what_may_have_been_sent(
    state: KeyState, is_alive: bool, is_same: bool, wants_rerun: bool
) -> None:
    found = row(state, MINE if is_same else OTHER, is_alive=is_alive, answer=ANSWER, failure=FAILURE)

    choice = decide(found, MINE, wants_rerun=wants_rerun)

    if isinstance(choice, Run) and state is not KeyState.RESERVED:
        assert wants_rerun
        assert is_same
        assert state is not KeyState.DONE
        assert state is not KeyState.DISPATCHED or not is_alive


def test_a_failure_that_may_have_cost_something_runs_again_at_the_clients_word() -> None:
    assert decide(row(KeyState.FAILED, failure=FAILURE), MINE, wants_rerun=True) == Run()


@pytest.mark.parametrize(
    ("error", "costs", "expected"),
    [
        pytest.param(UpstreamRefused(400, "invalid_request_error", "no"), [0], Released(), id="the provider refused"),
        pytest.param(UpstreamRefused(529, "overloaded_error", "later"), [0, 0], Released(), id="it refused twice"),
        pytest.param(UpstreamRefused(529, "overloaded_error", "later"), [None, 0], Kept(), id="the first one broke"),
        pytest.param(UpstreamCredentials("bad key"), [0], Released(), id="it refused our credentials"),
        pytest.param(UpstreamUnreachable("no route"), [0], Released(), id="nobody was reached"),
        pytest.param(UpstreamTimeout("connect", 3.0), [0], Released(), id="connecting took too long"),
        pytest.param(UpstreamTimeout("first_token", 3.0), [None], Kept(), id="the first token took too long"),
        pytest.param(UpstreamBroken("cut"), [None], Kept(), id="it broke"),
        pytest.param(UpstreamBroken("cut"), [12], Kept(), id="it broke and told what it cost"),
        pytest.param(UpstreamBroken("cut"), [], Kept(), id="it broke and nobody counted"),
        pytest.param(DeadlineExceeded("late"), [None], Kept(), id="the deadline passed after the dispatch"),
        pytest.param(DeadlineExceeded("late"), [], Released(), id="the deadline passed before it"),
        pytest.param(Killed("off"), [], Released(), id="an operator switched it off"),
        pytest.param(Unsupported("no"), [], Released(), id="nothing can carry it"),
        pytest.param(Unsupported("no"), [5], Kept(), id="nothing else can carry it"),
        pytest.param(RuntimeError("a fault"), [], Released(), id="a fault of ours before the dispatch"),
        pytest.param(RuntimeError("a fault"), [None], Unknown(), id="a fault of ours after it"),
        pytest.param(KeyboardInterrupt(), [7], Unknown(), id="the process ends"),
    ],
)
def test_a_key_is_given_back_only_where_nothing_was_billed(
    error: BaseException, costs: list[int | None], expected: Released | Kept | Unknown
) -> None:
    assert after_failure(error, [attempt(cost) for cost in costs]) == expected


@pytest.mark.parametrize(
    ("largest", "state"),
    [pytest.param(4, KeyState.DONE, id="fits"), pytest.param(3, KeyState.TOO_LARGE, id="does not")],
)
def test_an_answer_is_kept_unless_it_is_too_large(largest: int, state: KeyState) -> None:
    ending = after_answer(ANSWER, largest, 7.0)

    assert (ending.state, ending.expires_at_s) == (state, 7.0)
    assert ending.answer == (ANSWER if state is KeyState.DONE else None)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(UpstreamRefused(529, "overloaded_error", "later", detail="d", param="a.b"), id="the provider's"),
        pytest.param(UpstreamRefused(503, "", "a page"), id="a proxy's"),
        pytest.param(UpstreamTimeout("idle", 3.0), id="a timeout"),
        pytest.param(DeadlineExceeded("late"), id="the deadline"),
        pytest.param(Unsupported("no"), id="ours"),
    ],
)
def test_a_kept_error_comes_back_as_it_was(error: SeawallError) -> None:
    again = error_of(failure_of(error, str(error)))

    assert (again.code, again.status, str(again)) == (error.code, error.status, str(error))
    assert again.should_retry is False
    for kind in (UpstreamError, UpstreamRefused, DeadlineExceeded):
        assert isinstance(again, kind) is isinstance(error, kind)
    if isinstance(error, UpstreamRefused) and isinstance(again, UpstreamRefused):
        assert (again.kind, again.detail, again.param) == (error.kind, error.detail, error.param)


@pytest.mark.parametrize("key", [b"a", b"a" * 255, b"8e03978e-40d5-43e8-bc93-6894a57f9324", b"with spaces ~!"])
def test_printable_keys_are_taken(key: bytes) -> None:
    assert checked_key(key) == key


@pytest.mark.parametrize("key", [b"", b"a" * 256, b"caf\xe9", b"a\tb", b"a\x00"])
def test_other_keys_are_refused_without_being_repeated(key: bytes) -> None:
    with pytest.raises(BadRequest, match="1 to 255 printable ASCII") as raised:
        checked_key(key)

    assert raised.value.status == 400


def test_the_way_out_is_a_sentence_of_its_own() -> None:
    assert way_out("req_9").count("req_9") == 1

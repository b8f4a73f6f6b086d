import pytest
from pydantic import TypeAdapter, ValidationError

from seawall.policy.document import BreakerDocument, DegradedDocument, FallbackDocument
from seawall.policy.document.failure import Degraded, Fallback

DEGRADED: TypeAdapter[DegradedDocument] = TypeAdapter(Degraded)
FALLBACK: TypeAdapter[FallbackDocument] = TypeAdapter(Fallback)


def test_a_name_is_a_fallback_with_nothing_of_its_own() -> None:
    assert FALLBACK.validate_python("gpt-6-luna") == FALLBACK.validate_python({"model": "gpt-6-luna"})


@pytest.mark.parametrize("value", [5, None, [], {}, {"enabled": True}, {"model": "a b"}, {"model": "x", "top_k": 1}])
def test_what_is_no_fallback_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        FALLBACK.validate_python(value)


def test_error_is_a_degraded_answer_of_nothing() -> None:
    assert DEGRADED.validate_python("error").is_error
    assert not DEGRADED.validate_python({"message": "Later."}).is_error


@pytest.mark.parametrize("value", ["message", {}, 5, [], {"message": ""}, {"cached_s": 0}, {"model": 5}])
def test_what_is_no_degraded_answer_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        DEGRADED.validate_python(value)


@pytest.mark.parametrize(
    "value",
    [
        {"failure_ratio": 0},
        {"failure_ratio": 1.1},
        {"min_calls": 0},
        {"probes": 0},
        {"open_s": 0},
        {"open_s": 9, "longest_open_s": 8},
        {"slow_ms": 0},
    ],
)
def test_what_no_breaker_can_do_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        BreakerDocument.model_validate(value)


def test_a_breaker_may_say_one_thing_only() -> None:
    assert BreakerDocument.model_validate({"open_s": 9, "longest_open_s": 9}).failure_ratio is None

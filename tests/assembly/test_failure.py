import pytest

from seawall.assembly.failure import presentable
from seawall.core.error import BadRequest, NotAuthenticated, SeawallError, UpstreamBroken, UpstreamRefused


def _scrub(text: str) -> str:
    return text.replace("canary", "[secret]")


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(BadRequest("model: found canary", param="canary"), id="what a client put into the wrong place"),
        pytest.param(UpstreamBroken("the provider sent canary"), id="what a provider sent"),
        pytest.param(
            UpstreamRefused(400, "of canary", "canary is wrong", detail="canary", param="canary"),
            id="every word of a provider's refusal",
        ),
    ],
)
def test_no_credential_is_left_in_any_word(error: SeawallError) -> None:
    shown = presentable(error, _scrub)

    assert shown is error
    assert "canary" not in f"{shown} {vars(shown)}"
    assert "[secret]" in str(shown)


def test_a_field_with_a_credential_is_left_out() -> None:
    error = UpstreamRefused(429, "rate_limit_error", "slow down")
    error.headers = ((b"request-id", b"of canary"), (b"retry-after", b"2"))

    presentable(error, _scrub)

    assert list(error.headers) == [(b"retry-after", b"2")]


def test_what_is_clean_stays_as_it_is() -> None:
    error = UpstreamRefused(429, "rate_limit_error", "slow down", detail="limit", param="model")

    presentable(error, _scrub)

    assert (str(error), error.kind, error.detail, error.param) == ("slow down", "rate_limit_error", "limit", "model")


def test_an_error_without_a_param_keeps_none() -> None:
    error = BadRequest("no")

    presentable(error, _scrub)

    assert error.param is None


def test_the_form_of_a_key_may_be_told_to_who_has_none() -> None:
    error = NotAuthenticated("send canary")

    assert str(presentable(error, _scrub)) == "send canary"

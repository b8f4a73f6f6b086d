import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.principal import ANONYMOUS, Principal
from seawall.core.verdict import Allow, Refuse
from seawall.guards.access.rule import decide

NOW_S = 1_795_219_200.0
ROUTES = st.sampled_from(["/ai/chat", "/ai/draft", "/ai/chat/", "/AI/chat", ""])
PRINCIPALS = st.builds(
    Principal,
    key_id=st.just("key_1"),
    routes=st.lists(ROUTES, max_size=3).map(tuple),
    expires_at_s=st.one_of(st.none(), st.floats(NOW_S - 1000, NOW_S + 1000)),
)


@pytest.mark.parametrize(
    ("principal", "code"),
    [
        pytest.param(None, "access.unauthenticated", id="nobody"),
        pytest.param(ANONYMOUS, None, id="the guest of a development gateway"),
        pytest.param(Principal("k"), None, id="every route"),
        pytest.param(Principal("k", routes=("/ai/chat",)), None, id="this route"),
        pytest.param(Principal("k", routes=("/ai/draft", "/ai/chat")), None, id="one of several"),
        pytest.param(Principal("k", routes=("/ai/draft",)), "access.route", id="another route"),
        pytest.param(Principal("k", routes=("/ai",)), "access.route", id="the beginning of the route"),
        pytest.param(Principal("k", expires_at_s=NOW_S + 0.001), None, id="about to expire"),
        pytest.param(Principal("k", expires_at_s=NOW_S), "access.unauthenticated", id="expired at this moment"),
        pytest.param(Principal("k", routes=("/x",), expires_at_s=1.0), "access.unauthenticated", id="expired"),
    ],
)
def test_a_caller_may_use_a_route(principal: Principal | None, code: str | None) -> None:
    verdict = decide(principal, "/ai/chat", NOW_S)

    assert isinstance(verdict, Allow) if code is None else isinstance(verdict, Refuse) and verdict.code == code


@given(st.one_of(st.none(), PRINCIPALS), ROUTES, st.floats(NOW_S - 2000, NOW_S + 2000))
def test_only_a_living_key_for_the_route_is_let_in(principal: Principal | None, route: str, now_s: float) -> None:
    allowed = isinstance(decide(principal, route, now_s), Allow)

    assert allowed == (
        principal is not None
        and (principal.expires_at_s is None or now_s < principal.expires_at_s)
        and (not principal.routes or route in principal.routes)
    )


@given(PRINCIPALS, ROUTES)
def test_an_expired_key_gets_the_answer_of_an_unknown_one(principal: Principal, route: str) -> None:
    verdict = decide(principal, route, 9e9)

    if principal.expires_at_s is not None:
        assert verdict == decide(None, "/another", NOW_S)


def test_the_refusal_names_the_route_and_not_the_key() -> None:
    verdict = decide(Principal("key_secret", routes=("/x",)), "/ai/chat", NOW_S)

    assert isinstance(verdict, Refuse)
    assert "/ai/chat" in verdict.note
    assert "key_secret" not in verdict.note

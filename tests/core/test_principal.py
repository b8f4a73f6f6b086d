from hypothesis import given
from hypothesis import strategies as st

from seawall.core.principal import ANONYMOUS, Principal

ROUTES = st.text(min_size=1)


@given(route=ROUTES)
def test_a_key_without_routes_may_use_every_route(route: str) -> None:
    assert Principal(key_id="k").may_use(route)
    assert ANONYMOUS.may_use(route)


@given(routes=st.lists(ROUTES, min_size=1), route=ROUTES)
def test_a_key_with_routes_may_use_those_and_no_other(routes: list[str], route: str) -> None:
    assert Principal(key_id="k", routes=tuple(routes)).may_use(route) is (route in routes)


def test_a_route_is_not_allowed_by_its_beginning() -> None:
    assert not Principal(key_id="k", routes=("/ai/chat",)).may_use("/ai/chat/admin")

import pytest

from seawall.core.error import NotAllowed, NotAuthenticated
from seawall.core.principal import Principal
from seawall.dialects.dialect import MODELS
from seawall.guards.access.guard import AccessGuard
from seawall.testing.clock import START_WALL_S
from seawall.testing.scripted_upstream import ScriptedUpstream
from tests.scene import Call, Scene, target, whole


@pytest.mark.parametrize(
    "principal",
    [None, Principal("k", expires_at_s=START_WALL_S), Principal("k", routes=("/x",), expires_at_s=1.0)],
    ids=["nobody", "expired now", "expired, and for another route"],
)
async def test_strangers_are_not_let_in(principal: Principal | None) -> None:
    upstream = ScriptedUpstream()
    ended = await Scene((AccessGuard(),), upstream).call(Call(MODELS, principal=principal, target=target()))

    assert isinstance(ended.error, NotAuthenticated)
    assert ended.error.status == 401
    assert ended.error.code == "access.unauthenticated"
    assert upstream.requests == []


async def test_a_key_for_another_route_is_not_allowed() -> None:
    principal = Principal("k", routes=("/ai/draft",))
    ended = await Scene((AccessGuard(),)).call(Call(MODELS, principal=principal, target=target()))

    assert isinstance(ended.error, NotAllowed)
    assert (ended.error.status, ended.error.code, ended.error.should_retry) == (403, "access.route", False)


async def test_a_good_key_goes_on() -> None:
    upstream = ScriptedUpstream(whole({"data": []}))
    ended = await Scene((AccessGuard(),), upstream).call(Call(MODELS, target=target()))

    assert ended.reply is not None
    assert len(upstream.requests) == 1

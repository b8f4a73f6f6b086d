import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from seawall.core.error import (
    BadRequest,
    Overloaded,
    SeawallError,
    TargetClosed,
    Unsupported,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamRefused,
    UpstreamUnreachable,
)
from seawall.core.target import Target
from seawall.dialects.dialect import MESSAGES, MODELS
from seawall.guards.fallback.guard import ChainedLeg, ChainSettings, Fallback
from seawall.guards.intake import IntakeGuard
from seawall.pipeline.exchange import CallNext, Exchange, Reply, compose
from seawall.pipeline.watchdog import Kennel
from seawall.testing.virtual_loop import run_virtual
from tests.scene import Call, target

FIRST, SECOND, THIRD = (target(model=name) for name in ("first", "second", "third"))
ASK = Call(MESSAGES, {"model": "asked", "max_tokens": 5})


class Legs:
    """Legs that end as told, and remember how they were called."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, Any]] = []

    def leg(self, to: Target, ends: SeawallError | None, *, is_degraded: bool = False) -> ChainedLeg:
        """Make a leg that fails, or answers with its own name."""

        async def call(exchange: Exchange) -> Reply:
            assert exchange.target is to
            assert exchange.body is not None
            self.seen.append((to.model, exchange.legs_left, orjson.loads(exchange.body.render())))
            exchange.body.set("model", to.model)
            exchange.taps.append(lambda frames: frames)
            if ends is not None:
                raise ends
            return Reply(200, [], to.model.encode())

        return ChainedLeg(to, call, is_degraded)


async def _own(exchange: Exchange) -> Reply:
    del exchange
    return Reply(200, [], b"own")


async def _call(legs: Sequence[ChainedLeg], call: Call = ASK, *, max_attempts: int = 4) -> tuple[Exchange, Reply]:
    exchange = call.exchange(Kennel(asyncio.get_running_loop()))
    pipeline: CallNext = compose(
        (IntakeGuard(1 << 20, "interactive"),),
        Fallback(legs, _own, ChainSettings(max_attempts, continues=False, forms={})),
    )
    return exchange, await pipeline(exchange)


def test_the_first_leg_that_answers_ends_the_chain() -> None:
    legs = Legs()
    chain = [legs.leg(FIRST, UpstreamBroken("cut")), legs.leg(SECOND, None), legs.leg(THIRD, None)]

    exchange, reply = run_virtual(_call(chain))

    assert reply.body == b"second"
    assert exchange.target is SECOND
    assert exchange.degraded == ""


def test_every_leg_gets_the_request_as_the_client_sent_it_and_knows_how_many_are_left() -> None:
    legs = Legs()
    chain = [legs.leg(FIRST, UpstreamBroken("cut")), legs.leg(SECOND, TargetClosed("open")), legs.leg(THIRD, None)]

    exchange, _ = run_virtual(_call(chain))

    sent = {"model": "asked", "max_tokens": 5}
    assert legs.seen == [("first", 2, sent), ("second", 1, sent), ("third", 0, sent)]
    assert len(exchange.taps) == 1, "what a failed leg listened with is gone"


@pytest.mark.parametrize(
    "error",
    [
        UpstreamUnreachable("no connection"),
        UpstreamRefused(529, "overloaded_error", "full"),
        UpstreamCredentials("ours is bad"),
        Overloaded("full"),
        Unsupported("cannot carry it"),
    ],
)
def test_the_next_leg_is_asked_where_it_may_do_better(error: SeawallError) -> None:
    legs = Legs()

    assert run_virtual(_call([legs.leg(FIRST, error), legs.leg(SECOND, None)]))[1].body == b"second"


@pytest.mark.parametrize("error", [UpstreamRefused(400, "invalid_request_error", "bad"), BadRequest("bad")])
def test_no_other_leg_is_asked_what_is_wrong_everywhere(error: SeawallError) -> None:
    legs = Legs()

    with pytest.raises(type(error)):
        run_virtual(_call([legs.leg(FIRST, error), legs.leg(SECOND, None)]))
    assert len(legs.seen) == 1


def test_no_leg_is_asked_beyond_the_attempts_of_the_whole_call() -> None:
    legs = Legs()

    with pytest.raises(UpstreamBroken):
        run_virtual(_call([legs.leg(FIRST, UpstreamBroken("cut")), legs.leg(SECOND, None)], max_attempts=0))


def test_a_cheaper_model_is_marked() -> None:
    legs = Legs()
    exchange, _ = run_virtual(_call([legs.leg(FIRST, UpstreamBroken("cut")), legs.leg(SECOND, None, is_degraded=True)]))

    assert (exchange.degraded, exchange.notes) == ("model", ["degraded.model"])


@pytest.mark.parametrize("call", [ASK, Call(MODELS)], ids=["client's model", "models"])
def test_a_call_with_a_target_of_its_own_has_no_chain(call: Call) -> None:
    legs = Legs()
    chain = [legs.leg(FIRST, None)] if call.endpoint is MODELS else []

    assert run_virtual(_call(chain, call))[1].body == b"own"

"""Carry the limits out."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from seawall.core.error import RateLimited
from seawall.core.principal import ANONYMOUS
from seawall.core.target import Target
from seawall.dialects.estimate import estimate_tokens
from seawall.guards.limits.any_till import AnyTill
from seawall.guards.limits.rule import Wanted, buckets_of, is_worth_retrying, output_tokens, refusal, used_tokens
from seawall.guards.limits.settings import Limit
from seawall.guards.limits.till import Demand, Empty
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.subject import subject_of

MAX_CACHED: Final = 16_384
MAX_AT_HAND: Final = 1024  # drawers are larger than names


@dataclass(frozen=True, slots=True)
class Spot:
    """What is known of a route's calls before there is an attempt.

    `max_tokens` is the ceiling of an answer. `target` is what the route asks first, where the client does not choose;
    without it, limits of a provider or a model count nothing.
    """

    max_tokens: int
    target: Target | None = None


class LimitsGuard:
    """Let no more calls and tokens through than the limits allow; calls on once, or not at all.

    A call takes one request, and as many tokens as its prompt and its answer may have by estimate, from every bucket
    it counts against, or from none. At its end its tokens are put right by what was really used; the request stays
    counted, whatever became of it, or bad requests were without limit. `till` is the worker's own, `hash_person` gives
    what stands for a person's name.
    """

    def __init__(self, limits: Sequence[Limit], till: AnyTill, hash_person: Callable[[str], str], spot: Spot) -> None:
        self._limits = tuple(limits)
        self._till = till
        self._hash_person = hash_person
        self._spot = spot
        self._known: dict[tuple[object, ...], Wanted] = {}
        self._at_hand: dict[tuple[object, ...], tuple[Demand, ...]] = {}
        kinds = {limit.kind for limit in limits}
        self._by_user, self._by_conversation = "user" in kinds, "conversation" in kinds
        self._by_feature = "feature" in kinds
        self._by_label = self._by_user or self._by_feature or self._by_conversation

    def __call__(self, exchange: Exchange, call_next: CallNext) -> Awaitable[Reply]:
        """Take what the call needs, then go on.

        Raises:
            RateLimited: a bucket does not have it; nothing was taken from any.
            LedgerUnavailable: nobody knows whether it has.
        """
        caller = self._caller(exchange)
        demands = self._at_hand.get(caller)
        if demands is not None and self._till.take_at_once(demands):
            return call_next(exchange)
        # Found anew where it does not suffice, for a till forgets drawers that are empty.
        wanted = self._wanted(exchange, caller)
        drawer = self._till.drawer
        demands = tuple(Demand(drawer(bucket), 1) for bucket in wanted.requests)
        if not wanted.tokens:
            if len(self._at_hand) >= MAX_AT_HAND:
                self._at_hand.clear()  # it only saves time
            self._at_hand[caller] = demands
        elif exchange.endpoint.is_billed:
            return self._metered(exchange, call_next, demands, wanted)
        if self._till.take_at_once(demands):
            return call_next(exchange)
        return self._asked(exchange, call_next, demands)

    async def _asked(self, exchange: Exchange, call_next: CallNext, demands: Sequence[Demand]) -> Reply:
        """Take what is not in hand, and go on."""
        await self._take(demands)
        return await call_next(exchange)

    async def _metered(
        self, exchange: Exchange, call_next: CallNext, requests: Sequence[Demand], wanted: Wanted
    ) -> Reply:
        """Take tokens too, go on, and put right at the end what was only an estimate."""
        estimate = self._estimate(exchange)
        tokens = [Demand(self._till.drawer(bucket), estimate) for bucket in wanted.tokens]
        demands = [*requests, *tokens]
        if not self._till.take_at_once(demands):
            await self._take(demands)
        try:
            reply = await call_next(exchange)
        except BaseException:
            self._put_right(exchange, tokens, None)
            raise
        if reply.stream is None:
            self._put_right(exchange, tokens, None)
        else:
            reply.stream.on_end(partial(self._put_right, exchange, tokens))
        return reply

    async def _take(self, demands: Sequence[Demand]) -> None:
        empty = await self._till.take(demands)
        if empty is not None:
            raise _limited(empty)

    def _put_right(self, exchange: Exchange, tokens: list[Demand], error: BaseException | None) -> None:
        """Give back what was not used, or count what was used beyond the estimate, however the call ended."""
        del error
        for drawer, estimate in tokens:
            over = used_tokens(exchange.attempts, estimate) - estimate
            if over > 0:
                self._till.charge(drawer, over)
            elif over < 0:
                self._till.put_back(drawer, -over)

    def _estimate(self, exchange: Exchange) -> int:
        fields = {} if exchange.body is None else exchange.body.fields
        return max(estimate_tokens(fields) + output_tokens(exchange.endpoint, fields, self._spot.max_tokens), 1)

    def _caller(self, exchange: Exchange) -> tuple[object, ...]:
        """Give all that tells the buckets of a caller on a route from those of another."""
        principal = exchange.principal or ANONYMOUS
        if not self._by_label:
            return exchange.route, principal.key_id, principal.team, principal.project
        labels = exchange.labels
        return (
            exchange.route,
            principal.key_id,
            principal.team,
            principal.project,
            (principal.user, labels.user) if self._by_user else "",
            (principal.feature, labels.feature) if self._by_feature else "",
            labels.conversation if self._by_conversation else "",
        )

    def _wanted(self, exchange: Exchange, caller: tuple[object, ...]) -> Wanted:
        """Find a call's buckets; look-ups are remembered."""
        wanted = self._known.get(caller)
        if wanted is None:
            if len(self._known) >= MAX_CACHED:
                self._known.clear()  # it only saves time
            subject = subject_of(exchange, self._spot.target, self._hash_person)
            wanted = self._known[caller] = buckets_of(self._limits, subject)
        return wanted


def _limited(empty: Empty) -> RateLimited:
    verdict = refusal(empty.bucket, empty.units, empty.wait_s)
    error = RateLimited(verdict.note, retry_after_s=empty.wait_s, code=verdict.code)
    if not is_worth_retrying(empty.wait_s):
        error.should_retry = False
    return error

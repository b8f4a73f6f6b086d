"""Hold an attempt's worst case, and settle what it really cost."""

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any, Final

from seawall.core.account import Unit
from seawall.core.error import BadRequest, BudgetExhausted, Unsupported
from seawall.core.price import Price
from seawall.core.receipt import Receipt
from seawall.core.target import Target
from seawall.core.worst_case import Bound
from seawall.dialects.bound.bound import bound_of
from seawall.dialects.dialect import CHAT, MESSAGES, RESPONSES
from seawall.guards.budget.accounts import Accounts
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.any_purse import AnyPurse
from seawall.guards.budget.betas import lifted
from seawall.guards.budget.lease import Attempt, Lease
from seawall.guards.budget.rule import LEAST_ANSWER, Answer, Ending, Left, clamped, settlement, worst_case
from seawall.guards.budget.settings import BudgetSettings
from seawall.guards.budget.wording import exhausted_note, left_of
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.watchdog import HungUp
from seawall.ports.ledger import Short

CLAMPED: Final = "budget.clamped"
_ROUNDS: Final = 4  # a clamped call may come short of another account, and then of what was left a moment ago
_REFUSE: Final = BudgetSettings()
_BETAS: Final = b"anthropic-beta"  # travels on to the provider as it came
_FIELDS: Final = {
    MESSAGES: ("max_tokens",),
    CHAT: ("max_completion_tokens", "max_tokens"),
    RESPONSES: ("max_output_tokens",),
}


class _Case(Attempt, frozen=True, kw_only=True):
    """An attempt with all that is known of it before it is made; `before` is how many there were of its call."""

    before: int
    leases: Sequence[Lease]
    price: Price | None
    bound: Bound
    worst: Amounts


class BudgetGuard:
    """Give every attempt its receipt, and settle it however the attempt ends; calls on once, or not at all.

    What no budget covers, and what is not billed, gets a receipt for nothing. Settling is an addition in memory, so
    that no cancellation can come between.
    """

    __slots__ = ("_book", "_purse", "_settings")

    def __init__(
        self, settings: BudgetSettings = _REFUSE, book: Accounts | None = None, purse: AnyPurse | None = None
    ) -> None:
        self._settings = settings
        self._book = book
        self._purse = purse

    def __call__(self, exchange: Exchange, call_next: CallNext) -> Awaitable[Reply]:
        """Hold, then go on.

        Raises:
            BudgetExhausted: the call does not fit under a cap, or not even with the shortest answer.
            LedgerUnavailable: what is leased does not suffice, and more cannot be had now.
            BadRequest: the call has no upper bound, or its target no price, and a cap applies.
        """
        book, purse, target = self._book, self._purse, exchange.target
        if book is not None and purse is not None and target is not None and exchange.sends.is_billed:
            leases = book.of(exchange, purse.wall_s())
            if leases:
                return self._held(exchange, call_next, purse, _case(exchange, target, leases))
        exchange.receipt = Receipt(f"{exchange.id}-{len(exchange.attempts) + 1}", 0, 0)
        return call_next(exchange)

    async def _held(self, exchange: Exchange, call_next: CallNext, purse: AnyPurse, case: _Case) -> Reply:
        asked = exchange.body
        receipt = purse.try_hold(case, case.leases, case.worst)
        if receipt is None:
            case, receipt = await self._waited(exchange, purse, case)
        exchange.receipt = receipt
        try:
            reply = await call_next(exchange)
        except BaseException as error:
            exchange.body = asked  # the next attempt may have more room
            _settle(exchange, purse, case, receipt, error)
            raise
        if reply.stream is None:
            _settle(exchange, purse, case, receipt, None)
        else:
            reply.stream.on_end(partial(_settle, exchange, purse, case, receipt))
        return reply

    async def _waited(self, exchange: Exchange, purse: AnyPurse, case: _Case) -> tuple[_Case, Receipt]:
        """Hold with the ledger's help, and less where the route would rather have a short answer than none."""
        left, rounds = Left(), _ROUNDS if self._settings.on_exhausted == "clamp" else 1
        while True:
            rounds -= 1
            result = await purse.hold(case, case.leases, case.worst)
            if isinstance(result, Receipt):
                return case, result
            left = _narrowed(left, result)
            shorter = _clamped(exchange, case, left) if rounds else None
            if shorter is None:
                raise self._exhausted(result, case)
            case = shorter

    def _exhausted(self, short: Short, case: _Case) -> BudgetExhausted:
        name = short.account.name
        window = next(lease.window for lease in case.leases if lease.name == name)
        error = BudgetExhausted(exhausted_note(short, case.worst, window))
        error.may_degrade = self._settings.on_exhausted == "degrade"
        return error


def _case(exchange: Exchange, target: Target, leases: Sequence[Lease]) -> _Case:
    """Find the worst case of the attempt that the exchange is about to make."""
    fields = exchange.body.fields if exchange.body is not None else {}
    betas = exchange.headers.get(_BETAS) if exchange.sends is MESSAGES else None
    bound = bound_of(exchange.sends, fields, lifted(target, betas) if betas else target)
    if bound.input_tokens is None:
        raise BadRequest(
            f"what this call uses has no upper bound, which its budget needs: {bound.why}", code="budget.unbounded"
        )
    price, before = target.price, len(exchange.attempts)
    if price is None and any(lease.account.unit is Unit.NUSD for lease in leases):
        raise Unsupported(f"{target.name} has no known price, and this call's budget is in money", code="price.unknown")
    attempt_id = f"{exchange.id}-{before + 1}"
    worst = worst_case(price, bound)
    return _Case(attempt_id, target.name, before=before, leases=leases, price=price, bound=bound, worst=worst)


def _narrowed(left: Left, short: Short) -> Left:
    """Add to what is known to be left that one more account came short."""
    amount = left_of(short)
    if short.account.unit is Unit.NUSD:
        return left._replace(nusd=amount if left.nusd is None else min(amount, left.nusd))
    return left._replace(tokens=amount if left.tokens is None else min(amount, left.tokens))


def _clamped(exchange: Exchange, case: _Case, left: Left) -> _Case | None:
    """Lower the exchange's `max_tokens` to what fits; None where no answer worth its prompt does."""
    body, target = exchange.body, exchange.target
    names = [
        name for name in _FIELDS.get(exchange.sends, ()) if body is not None and type(body.fields.get(name)) is int
    ]
    if body is None or target is None or not names:
        return None
    answer = Answer(max(body.fields[name] for name in names), _choices(body.fields), _floor(body.fields))
    max_tokens = clamped(case.price, case.bound, answer, left)
    if max_tokens is None:
        return None
    exchange.body = body = body.fork()
    for name in names:
        body.set(name, max_tokens)
    exchange.note(CLAMPED)
    return _case(exchange, target, case.leases)


def _choices(fields: dict[str, Any]) -> int:  # any JSON values
    n = fields.get("n")
    return n if type(n) is int and n > 0 else 1


def _floor(fields: dict[str, Any]) -> int:  # any JSON values
    """Say how many tokens an answer needs at least: thinking with a budget comes before any text."""
    thinking = fields.get("thinking")
    budget = thinking.get("budget_tokens") if type(thinking) is dict else None
    return LEAST_ANSWER + (budget if type(budget) is int and budget > 0 else 0)


def _settle(exchange: Exchange, purse: AnyPurse, case: _Case, receipt: Receipt, error: BaseException | None) -> None:
    """Book what an attempt cost, as far as anybody knows."""
    was_dispatched = exchange.receipt is not receipt  # whoever sends something takes the receipt first
    if not was_dispatched:
        exchange.receipt = None
    attempts = exchange.attempts
    record = attempts[-1] if len(attempts) > case.before else None
    ending = Ending(was_dispatched, error is None, isinstance(error, HungUp), record)
    booking = settlement(case.worst, case.price, case.bound, ending)
    purse.settle(receipt, booking.amounts, booking.doubt)

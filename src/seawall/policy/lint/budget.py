"""What is unsafe about caps on money, tokens and calls."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from seawall.core.account import Unit
from seawall.core.holder import EACH
from seawall.core.money import TOKENS_PER_MTOK, usd_text
from seawall.guards.budget.settings import Budget
from seawall.guards.limits.settings import Limit
from seawall.policy.fault import Path, path_text
from seawall.policy.lint.chain import EMBEDS
from seawall.policy.lint.judged import Draft, Judged, Model, Route, Rule
from seawall.policy.price_schedule import price_on
from seawall.policy.prices import PriceBook
from seawall.policy.spending import cap_text, concerns, doubled, rate_text, sameness, stated

# Whoever calls may make up new names of these, each with a budget of its own.
_MADE_UP: Final = ("user", "feature", "conversation")
# Every call has one of each, and no caller can make up another.
_BOUND: Final = ("route", "provider", "model", "key")


def _no_budget(judged: Judged) -> Iterator[Draft]:
    for route in _uncapped(judged):
        yield Draft(
            route.path, "nothing caps what this route may spend", "add budget_per_day_usd: 20, or a budget for all"
        )


def _label_only(judged: Judged) -> Iterator[Draft]:
    uncapped = [route.name for route in _uncapped(judged)]
    for account in judged.document.budgets if uncapped else ():
        kind, _, name = account.partition(":")
        if kind in _MADE_UP and name == EACH:
            message = (
                f"callers name their {kind}s themselves, each new one has a budget of its own,"
                f" and nothing caps the sum of them on {', '.join(uncapped)}"
            )
            yield Draft(("budgets", account), message, 'add a budget for all, or for each key: "key:*"')


def _uncapped(judged: Judged) -> Iterator[Route]:
    budgets = [budget for budget, _ in stated(judged.document, judged.roster).budgets if budget.unit is not Unit.CALLS]
    for route in judged.routes:
        if not any(_covers(budget, route) for budget in budgets) and not _covered_in_parts(budgets, route):
            yield route


def _covers(budget: Budget, route: Route) -> bool:
    if budget.kind == "all" or (budget.kind == "route" and budget.name == route.name):
        return True
    return budget.kind in _BOUND and budget.name == EACH


def _covered_in_parts(budgets: list[Budget], route: Route) -> bool:
    """Say whether each model that the route may ask is capped, by itself or by its provider."""
    capped = {f"{budget.kind}:{budget.name}" for budget in budgets}
    return bool(route.models) and all(
        {f"provider:{model.found.entry.name}", f"model:{_name(model)}"} & capped for model in route.models
    )


def _too_small(judged: Judged) -> Iterator[Draft]:
    book = _book(judged)
    for budget, path in stated(judged.document, judged.roster).budgets:
        for route in judged.routes:
            if not budget.cap or route.settings.on_exhausted == "clamp":
                continue  # nothing is what a cap of nothing wants; and what is clamped passes with what fits
            for model in _capped(budget, route):
                said = _excess(budget, route, model, book, judged)
                if said is not None:
                    yield Draft(path, *said)
                    break


def _capped(budget: Budget, route: Route) -> Iterator[Model]:
    return (m for m in route.models if _answers(m) and concerns(budget, route.name, [_name(m)]))


def _answers(model: Model) -> bool:
    return model.is_on and not model.found.model.startswith(EMBEDS)


def _excess(budget: Budget, route: Route, model: Model, book: PriceBook, judged: Judged) -> tuple[str, str] | None:
    answer = model.link.said.max_tokens or route.settings.max_tokens
    if budget.unit is Unit.TOKENS and answer > budget.cap:
        asked, fits = f"{answer:,} tokens", budget.cap - 1
    elif budget.unit is Unit.NUSD:
        price = price_on(book.schedule(model.found), judged.today)
        rate = 0 if price is None else price.bands[0].rates.output
        if answer * rate <= budget.cap * TOKENS_PER_MTOK:
            return None
        asked = f"{answer:,} tokens of {_name(model)}, for {usd_text(-(-answer * rate // TOKENS_PER_MTOK))} USD"
        fits = budget.cap * TOKENS_PER_MTOK // rate
    else:
        return None
    message = f"an answer on {route.name} may take {asked}: with {cap_text(budget)} such a call never passes"
    lower = f"set max_tokens below {fits:,}, " if fits > 1 else ""
    return message, f"{lower}raise the cap, or add on_exhausted: clamp"


def _burst_too_small(judged: Judged) -> Iterator[Draft]:
    for limit, path in stated(judged.document, judged.roster).limits:
        for route in judged.routes:
            # What a call asks for is taken at once; without models the client's own decides, and may answer.
            answers = not route.models or any(map(_answers, route.models))
            most = route.settings.max_tokens
            met = concerns(limit, route.name, [_name(model) for model in route.models])
            if answers and met and limit.counts == "tokens" and limit.rate.burst <= most:
                message = (
                    f"an answer on {route.name} may take {most:,} tokens:"
                    f" with {rate_text(limit)} such a call never passes"
                )
                yield Draft(path, message, f"set burst_tokens well above {most:,}, or max_tokens lower")


def _book(judged: Judged) -> PriceBook:
    prices = judged.document.prices
    return PriceBook(prices, {(name, n): name for name, entries in prices.items() for n in range(len(entries))})


def _doubled(judged: Judged) -> Iterator[Draft]:
    for lost, held in doubled(stated(judged.document, judged.roster).budgets):
        message = f"the same is capped at {path_text(held.path)}: {cap_text(held.budget)} holds, the smaller"
        yield Draft(lost.path, message, "keep one of them")


def _under_each(judged: Judged) -> Iterator[Draft]:
    budgets = stated(judged.document, judged.roster).budgets
    for one, path in budgets:
        for each, other in budgets:
            same_but_name = sameness(each) == sameness(replace(one, name=EACH))
            if same_but_name and one.name != EACH and each.cap < one.cap:
                message = f"never reached: {cap_text(each)} holds for each {one.kind} ({path_text(other)})"
                yield Draft(path, message, "raise that one, or lower this one")


def _unused(judged: Judged) -> Iterator[Draft]:
    said = stated(judged.document, judged.roster)
    caps: list[tuple[Budget | Limit, Path]] = [*said.budgets, *said.limits]
    for cap, path in caps:
        if not any(concerns(cap, route.name, [_name(model) for model in route.models]) for route in judged.routes):
            yield Draft(path[:2], f"no route uses {path[1]}")


def _no_way_down(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        if route.settings.on_exhausted == "degrade" and not route.models[1:] and route.settings.degraded.is_error:
            where = route.settings.origins["on_exhausted"].path
            message = f"{route.name} has nothing to degrade to: a call that does not fit is refused"
            yield Draft(where, message, "add degraded: {message: ...}, or a cheaper fallback")


def _name(model: Model) -> str:
    return f"{model.found.entry.name}/{model.found.model}"


RULES: Final = (
    Rule("warning", "budget.none", "no budget covers the route", _no_budget),
    Rule("warning", "budget.label_only", "budgets only for names that callers make up", _label_only),
    Rule("warning", "budget.too_small", "a budget below what one answer may cost", _too_small),
    Rule("warning", "limit.too_small", "a burst below what one answer may take", _burst_too_small),
    Rule("warning", "budget.unreachable", "a budget above the one that each of its kind has", _under_each),
    Rule("warning", "budget.no_way_down", "calls to degrade with nothing to degrade to", _no_way_down),
    Rule("note", "budget.twice", "two budgets for the same, of which the smaller holds", _doubled),
    Rule("note", "budget.unused", "a budget or limit of a provider or model that no route uses", _unused),
)

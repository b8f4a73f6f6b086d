"""What is legal but unsafe, as a table of small rules. A finding says what, where and how to mend it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple, TypeAlias

from seawall.policy.document import PolicyDocument, RouteDocument
from seawall.policy.effective import WAITS, Effective, effective, profile_chain
from seawall.policy.fault import Path, Place, path_text
from seawall.policy.load import Reading
from seawall.policy.model_facts import ModelFacts, facts_of
from seawall.policy.price_table import provider_behind
from seawall.policy.reference import EnvReference, Reference, References, SecretMissingError, SecretUnsafeError
from seawall.policy.roster import Entry, Found, Roster

Level: TypeAlias = Literal["error", "warning", "note"]

RETIRES_SOON: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a careful operator would want to know."""

    level: Level
    code: str
    place: Place
    path: Path
    message: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """A route under judgement: what it says, what holds for it, and its models in order with where each is named."""

    name: str
    said: RouteDocument
    settings: Effective
    models: tuple[tuple[Path, Found], ...]

    @property
    def path(self) -> Path:
        """Where the route stands in the document."""
        return ("routes", self.name)


@dataclass(frozen=True, slots=True)
class Judged:
    """Everything that a rule may look at."""

    document: PolicyDocument
    roster: Roster
    routes: tuple[Route, ...]
    references: References
    today: date


@dataclass(frozen=True, slots=True)
class Draft:
    """A finding before its place is looked up."""

    path: Path
    message: str
    mend: str = ""


class Rule(NamedTuple):
    """One rule: how bad it is, its stable code, what it looks for in a few words, and the looking itself."""

    level: Level
    code: str
    what: str
    find: Callable[[Judged], Iterator[Draft]]


def lint(reading: Reading, roster: Roster, environment: Mapping[str, str], today: date) -> tuple[Finding, ...]:
    """Judge a policy without faults, in the order of its lines."""
    if reading.document is None:
        return ()
    document = reading.document
    routes = tuple(_route(document, roster, name) for name in document.routes)
    judged = Judged(document, roster, routes, References(environment), today)
    findings = [
        Finding(rule.level, rule.code, reading.places.of_key(draft.path), draft.path, draft.message, draft.mend)
        for rule in RULES
        for draft in rule.find(judged)
    ]
    return tuple(sorted(findings, key=lambda finding: (finding.place, path_text(finding.path), finding.code)))


def _route(document: PolicyDocument, roster: Roster, name: str) -> Route:
    said = document.routes[name]
    named: list[tuple[Path, str]] = [(("routes", name, "model"), said.model)] if said.model is not None else []
    named += [(("routes", name, "fallback", number), model) for number, model in enumerate(said.fallback)]
    found = ((path, roster.find(model)) for path, model in named)
    return Route(
        name, said, effective(document, name), tuple((path, model) for path, model in found if isinstance(model, Found))
    )


def _no_budget(judged: Judged) -> Iterator[Draft]:
    budgets = judged.document.budgets
    for route in judged.routes:
        if route.said.budget_per_day_usd is None and not {"all", "route:*", f"route:{route.name}"} & set(budgets):
            yield Draft(
                route.path, "nothing caps what this route may spend", "add budget_per_day_usd: 20, or a budget for all"
            )


def _budget_waits(judged: Judged) -> Iterator[Draft]:
    message = "this version does not enforce budgets yet: spending is recorded, not stopped"
    mend = "set a spend limit in the provider's console until then"
    for account in judged.document.budgets:
        yield Draft(("budgets", account), message, mend)
    for route in judged.routes:
        if route.said.budget_per_day_usd is not None:
            yield Draft((*route.path, "budget_per_day_usd"), message, mend)


def _limits_wait(judged: Judged) -> Iterator[Draft]:
    for account in judged.document.limits:
        yield Draft(("limits", account), "this version does not enforce limits yet")


def _retries_wait(judged: Judged) -> Iterator[Draft]:
    mend = "the official clients try twice more by themselves"
    named = [(route.path, route.said.retries) for route in judged.routes]
    named += [(("profiles", name), profile.retries) for name, profile in judged.document.profiles.items()]
    for path, retries in named:
        if retries is not None:
            yield Draft((*path, "retries"), "this version does not retry yet", mend)


def _fallback_waits(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        if route.said.fallback:
            yield Draft(
                (*route.path, "fallback"), "this version does not fall back yet: only the first model is called"
            )


def _no_fallback(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        if route.said.model is not None and not route.said.fallback:
            yield Draft(
                route.path, f"nothing answers when {route.said.model} does not", "add fallback: [another model]"
            )


def _own_model(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        if route.said.model is None:
            message = "any model of any provider may be called here: the client's own model decides"
            yield Draft(route.path, message, "add model: to decide it here")


def _models(judged: Judged) -> Iterator[tuple[Path, Found, ModelFacts]]:
    for route in judged.routes:
        for path, found in route.models:
            yield path, found, facts_of(found.entry.dialect, found.model)


def _floating(judged: Judged) -> Iterator[Draft]:
    for path, found, facts in _models(judged):
        if facts.is_floating:
            mend = f"pin it: {facts.snapshot}" if facts.snapshot else "name a model without -latest"
            yield Draft(path, f"{found.model} is a floating name: the provider may change the model behind it", mend)


def _retired(judged: Judged) -> Iterator[Draft]:
    for path, found, facts in _models(judged):
        if facts.retires_on is not None and facts.retires_on <= judged.today:
            yield Draft(
                path, f"{found.model} was switched off on {facts.retires_on}: calls to it fail", _instead(facts)
            )


def _retiring(judged: Judged) -> Iterator[Draft]:
    for path, found, facts in _models(judged):
        if facts.retires_on is not None and judged.today < facts.retires_on <= judged.today + RETIRES_SOON:
            days = (facts.retires_on - judged.today).days
            yield Draft(path, f"{found.model} is switched off on {facts.retires_on}, in {days} days", _instead(facts))


def _instead(facts: ModelFacts) -> str:
    return f"a current model of its kind is {facts.instead}" if facts.instead else ""


def _no_timeout(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        if _is_default(route, "timeout_ms"):
            total = route.settings.timeout_ms
            yield Draft(
                route.path, f"no timeout is set: a call may take {total // 1000} s", "add timeout_ms, or a profile"
            )


def _no_max_tokens(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        if _is_default(route, "max_tokens"):
            message = (
                f"no max_tokens is set: an answer may have {route.settings.max_tokens} tokens, longer ones are cut"
            )
            yield Draft(route.path, message, "add max_tokens, or a profile")


def _is_default(route: Route, field: str) -> bool:
    origin = route.settings.origins[field]
    return not origin.path and not origin.profile


def _late_timeouts(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        for wait in WAITS:
            stated = getattr(route.said, wait)
            if stated is not None and stated > route.settings.timeout_ms:
                message = f"{stated} ms is never reached: the total is {route.settings.timeout_ms} ms"
                yield Draft((*route.path, wait), message)


def _above_model(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        for path, found in route.models:
            most = facts_of(found.entry.dialect, found.model).output_tokens
            if most is not None and route.settings.max_tokens > most:
                message = f"max_tokens {route.settings.max_tokens} is more than {found.model} gives, which is {most}"
                yield Draft(path, message, f"set max_tokens to {most} or less")


def _json_unchecked(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        for path, found in route.models:
            if route.settings.enforce_json and found.entry.dialect == "anthropic":
                message = (
                    f"{found.model} has no switch for enforce_json to turn, and this version does not check answers"
                )
                yield Draft(path, message, "send output_config.format with a schema, and have the client check it")


def _sampling_dropped(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        stated = [name for name in ("temperature", "top_p") if getattr(route.said, name) is not None]
        for path, found in route.models:
            if stated and facts_of(found.entry.dialect, found.model).drops_sampling:
                yield Draft(path, f"{found.model} refuses {' and '.join(stated)}: left out of calls to it")


def _secret_missing(judged: Judged) -> Iterator[Draft]:
    for path, entry, key, error in _bad_keys(judged):
        if isinstance(error, SecretMissingError):
            mend = f"export {key.shown}=..." if isinstance(key, EnvReference) else f"put the key into {key.path}"
            yield Draft(path, f"found {error}: on this machine {entry.name} cannot be called", mend)


def _secret_unsafe(judged: Judged) -> Iterator[Draft]:
    for path, _, _, error in _bad_keys(judged):
        if isinstance(error, SecretUnsafeError):
            yield Draft(path, f"found {error}, expected a secret that only Seawall can read")


def _bad_keys(judged: Judged) -> Iterator[tuple[Path, Entry, Reference, ValueError]]:
    for entry, path in _keys(judged):
        if entry.key is not None:
            try:
                judged.references.secret(entry.key)
            except (SecretMissingError, SecretUnsafeError) as error:
                yield path, entry, entry.key, error


def _keys(judged: Judged) -> Iterator[tuple[Entry, Path]]:
    """Give each provider that may be called, with the place that a missing key is laid at."""
    for entry in judged.roster.entries.values():
        used = [path for route in judged.routes for path, found in route.models if found.entry == entry]
        if entry.is_enabled and (entry.path or used):
            yield entry, (*entry.path, "api_key") if entry.path else used[0]


def _no_key(judged: Judged) -> Iterator[Draft]:
    for entry in judged.roster.entries.values():
        said = judged.document.providers.get(entry.name)
        if entry.key is None and said is not None and said.api_key is None and not entry.address.is_loopback:
            yield Draft(
                entry.path, f"{entry.name} is called without a key", "add api_key, or api_key: none if it needs none"
            )


def _plain_http(judged: Judged) -> Iterator[Draft]:
    for entry in judged.roster.entries.values():
        if entry.address.origin.scheme == "http" and not entry.address.is_loopback:
            message = f"prompts and the key travel unencrypted to {entry.address.origin.authority}"
            yield Draft((*entry.path, "base_url"), message, "use https://")


def _no_version(judged: Judged) -> Iterator[Draft]:
    for entry in judged.roster.entries.values():
        if entry.dialect == "openai" and not entry.address.path:
            message = f"calls go to {entry.address.url}/chat/completions; most servers want /v1 before that"
            yield Draft((*entry.path, "base_url"), message, f"write {entry.address.url}/v1 if yours does")


def _regional(judged: Judged) -> Iterator[Draft]:
    for entry in judged.roster.entries.values():
        host = entry.address.origin.host
        if host.endswith(".api.openai.com") and provider_behind(entry.address.url) is None:
            message = f"{host} is a region of OpenAI, which charges 1.1 times as much there for newer models"
            yield Draft((*entry.path, "base_url"), message, "state what you pay under prices:")


def _unused_provider(judged: Judged) -> Iterator[Draft]:
    if any(route.said.model is None for route in judged.routes):
        return
    used = {found.entry.name for route in judged.routes for _, found in route.models}
    for entry in judged.roster.entries.values():
        if entry.path and entry.name not in used:
            yield Draft(entry.path, f"no route uses {entry.name}")


def _switched_off(judged: Judged) -> Iterator[Draft]:
    for entry in judged.roster.entries.values():
        if not entry.is_enabled:
            yield Draft((*entry.path, "enabled"), f"{entry.name} is switched off: nothing is sent to it")


def _unused_profile(judged: Judged) -> Iterator[Draft]:
    document = judged.document
    used = {
        name
        for route in judged.routes
        if route.said.profile is not None
        for name, _, _ in profile_chain(document, route.said.profile, ())
    }
    for name in document.profiles:
        if name not in used:
            yield Draft(("profiles", name), f"no route uses the profile {name}")


def _unused_price(judged: Judged) -> Iterator[Draft]:
    if any(route.said.model is None for route in judged.routes):
        return
    used = {found.model for route in judged.routes for _, found in route.models}
    used |= {f"{found.entry.name}/{found.model}" for route in judged.routes for _, found in route.models}
    for name in judged.document.prices:
        if name not in used:
            yield Draft(("prices", name), f"no route uses the model {name}")


# Codes are stable: people filter by them.
RULES: Final = (
    Rule("warning", "budget.none", "no budget covers the route", _no_budget),
    Rule("warning", "budget.waiting", "a budget that this version does not enforce", _budget_waits),
    Rule("warning", "limit.waiting", "a limit that this version does not enforce", _limits_wait),
    Rule("warning", "retry.waiting", "retries, which this version does not make", _retries_wait),
    Rule("warning", "fallback.waiting", "a fallback, which this version does not use", _fallback_waits),
    Rule("warning", "fallback.none", "one model and nothing behind it", _no_fallback),
    Rule("warning", "model.floating", "a name whose model the provider may change", _floating),
    Rule("warning", "model.retired", "a model that is switched off", _retired),
    Rule("warning", "model.retiring", "a model that is switched off within 90 days", _retiring),
    Rule("warning", "timeout.none", "no total timeout from route or profile", _no_timeout),
    Rule("warning", "timeout.unreachable", "a timeout longer than the total", _late_timeouts),
    Rule("warning", "tokens.none", "no ceiling of tokens from route or profile", _no_max_tokens),
    Rule("warning", "tokens.above_model", "a ceiling above what the model gives", _above_model),
    Rule("warning", "json.unchecked", "strict JSON asked of a model whose answer is not checked", _json_unchecked),
    Rule("warning", "secret.missing", "a secret that is not on this machine", _secret_missing),
    Rule("error", "secret.unsafe", "a secret that others can read, or that cannot travel", _secret_unsafe),
    Rule("warning", "secret.none", "a provider elsewhere that is called without a key", _no_key),
    Rule("warning", "url.unencrypted", "http:// to another machine", _plain_http),
    Rule("warning", "url.no_version", "an OpenAI address without the usual /v1", _no_version),
    Rule("warning", "price.regional", "a region with prices of its own", _regional),
    Rule("note", "model.any", "the client's own model decides", _own_model),
    Rule("note", "sampling.dropped", "a sampling setting that the model refuses", _sampling_dropped),
    Rule("note", "provider.unused", "a provider that no route uses", _unused_provider),
    Rule("note", "provider.off", "a provider that is switched off", _switched_off),
    Rule("note", "profile.unused", "a profile that no route uses", _unused_profile),
    Rule("note", "price.unused", "a price of a model that no route uses", _unused_price),
)

"""From a document to plans: every name resolved, every price known, every secret fetched, or every fault told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import Final

from seawall.core.target import Provider, Target
from seawall.guards.budget.settings import BudgetSettings
from seawall.guards.degraded.settings import DegradedSettings
from seawall.policy.capacity import admission, concurrency, idempotency, kill
from seawall.policy.chain import Link, chain_of
from seawall.policy.document import PolicyDocument
from seawall.policy.effective import Effective, ProfileError, effective, profile_chain
from seawall.policy.fault import Fault, Path, in_order, policy_error
from seawall.policy.leg import leg_settings, own_settings
from seawall.policy.load import Reading, read_policy, read_policy_file
from seawall.policy.model_facts import known_models
from seawall.policy.plan import CompiledPolicy, JournalSettings, Leg, LegSettings, Plan
from seawall.policy.price_schedule import changes_after, price_on
from seawall.policy.price_table import upcoming_change
from seawall.policy.prices import PriceBook
from seawall.policy.profile import BUILT_IN
from seawall.policy.reference import PretendedReferences, References, SecretMissingError, SecretUnsafeError
from seawall.policy.resolver import Resolver, make_target
from seawall.policy.roster import Entry, Found, Roster, Unclear, build_roster, switched_on
from seawall.policy.spending import spending_faults, stated
from seawall.policy.validate import did_you_mean

MAX_ANTHROPIC_TEMPERATURE: Final = 1.0

_NAME_DEPTH: Final = 2
_WHOLE: Final = frozenset({"providers", "prices"})
_BYTES_PER_MB: Final = 1024 * 1024
_NO_STAND_INS: Final[Mapping[str, Provider]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a policy is compiled against: where references lead, which day it is (UTC), and what replaces what.

    A stand-in is used for every provider of its dialect whose key is missing.
    """

    references: References | PretendedReferences
    today: date
    stand_ins: Mapping[str, Provider] = field(default_factory=lambda: _NO_STAND_INS)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What compiling gave: a policy, or everything that is wrong with the document.

    `roster` is there whenever the document could be read at all. `off` holds the places of the models that are named
    and not there, because they or their providers are switched off.
    """

    policy: CompiledPolicy | None
    roster: Roster | None
    faults: tuple[Fault, ...]
    off: frozenset[Path] = frozenset()


def load_policy(
    path: FilePath,
    *,
    environment: Mapping[str, str],
    stand_ins: Mapping[str, Provider] = _NO_STAND_INS,
    today: date | None = None,
) -> CompiledPolicy:
    """Read and compile a policy file; `today` None means the date of now (UTC).

    Raises:
        PolicyError: the policy cannot be used; the message has a line for every fault.
    """
    return _compiled(read_policy_file(path), environment, stand_ins, today)


def compile_text(
    text: str | bytes,
    *,
    environment: Mapping[str, str],
    source: str = "<text>",
    stand_ins: Mapping[str, Provider] = _NO_STAND_INS,
    today: date | None = None,
) -> CompiledPolicy:
    """Compile a policy that is no file; `source` names it in messages.

    Raises:
        PolicyError: as `load_policy`.
    """
    data = text.encode() if isinstance(text, str) else text
    return _compiled(read_policy(data, source), environment, stand_ins, today)


def _compiled(
    reading: Reading, environment: Mapping[str, str], stand_ins: Mapping[str, Provider], today: date | None
) -> CompiledPolicy:
    day = today or datetime.now(UTC).date()
    compiled = compile_policy(reading, Surroundings(References(environment), day, stand_ins))
    if compiled.policy is None:
        raise policy_error(reading.source, compiled.faults)
    return compiled.policy


def compile_policy(reading: Reading, surroundings: Surroundings) -> Compiled:
    """Compile what was read; never fails, every fault is in the result."""
    if reading.document is None:
        return Compiled(None, None, reading.faults)
    compiler = Compiler(reading, reading.document, surroundings)
    # Those of the providers are found first: without them no model is known to be anybody's.
    first = (*reading.faults, *_not_echoes(compiler.faults, reading.faults))
    policy = compiler.policy()
    faults = in_order([*first, *_not_echoes(compiler.faults, first)])
    return Compiled(None if faults else policy, compiler.roster, faults, frozenset(compiler.off))


def _not_echoes(faults: list[Fault], first: tuple[Fault, ...]) -> list[Fault]:
    """Leave out what is only the echo of an earlier fault: the part that it misses was there, but faulty."""
    # A fault within a route or profile leaves its name standing; one within a provider or price leaves nothing to use.
    sections = {str(f.path[0]) for f in first if f.path and (len(f.path) <= _NAME_DEPTH or f.path[0] in _WHOLE)}
    if any(not fault.path for fault in first):
        return []
    return [
        fault
        for fault in faults
        if not fault.leans_on & sections and not any(f.path[: len(fault.path)] == fault.path for f in first)
    ]


class Compiler:
    """Compiles one document, and collects what is wrong with it in `faults`, what is not there in `off`."""

    def __init__(self, reading: Reading, document: PolicyDocument, surroundings: Surroundings) -> None:
        self.faults: list[Fault] = []
        self.off: set[Path] = set()
        self._reading = reading
        self._document = document
        self._around = surroundings
        self.roster: Roster = build_roster(document, surroundings.references, reading.places, self.faults)
        self.book = PriceBook(document.prices, _price_origins(reading, document))
        self._providers: dict[str, Provider] = {}
        self._changes: list[date] = []

    def policy(self) -> CompiledPolicy:
        """Compile everything; the result is good only while `faults` is empty."""
        self._check_names()
        for entry in self.roster.entries.values():
            if entry.path and entry.is_enabled:
                self._provider(entry, entry.path)
        plans = {route: plan for route in self._document.routes if (plan := self._plan(route)) is not None}
        resolver = Resolver(self._usable(), self.book, self._around.today)
        self._changes += [day for day in _stated_days(self._document) if day > self._around.today]
        if any(not plan.targets for plan in plans.values()):
            upcoming = upcoming_change(self._around.today)
            self._changes += [upcoming] if upcoming is not None else []
        journal = self._document.journal
        caps = stated(self._document, self.roster)
        return CompiledPolicy(
            version=self._reading.version,
            source=self._reading.source,
            plans=MappingProxyType(plans),
            providers=MappingProxyType(dict(self._providers)),
            journal=JournalSettings(journal.keep_metadata_days, journal.keep_bodies_days),
            body_limit=self._document.max_body_mb * _BYTES_PER_MB,
            resolve=resolver,
            changes_on=min(self._changes, default=None),
            admission=admission(self._document.overload),
            concurrency=concurrency(self._document.providers),
            kill=kill(self._document.killswitch),
            idempotency=idempotency(self._document.idempotency),
            budgets=caps.budgets_in_force,
            limits=caps.limits_in_force,
        )

    def _usable(self) -> Mapping[str, tuple[Entry, Provider]]:
        # An implied provider serves client-chosen models where its key is there; nobody has to have both.
        for entry in self.roster.entries.values():
            if not entry.path and entry.name not in self._providers:
                self._implied(entry)
        return {
            name: (entry, self._providers[name])
            for name, entry in self.roster.entries.items()
            if name in self._providers and entry.is_enabled
        }

    def _implied(self, entry: Entry) -> None:
        faults = len(self.faults)
        self._provider(entry, ())
        del self.faults[faults:]

    def _provider(self, entry: Entry, where: Path) -> Provider | None:
        if entry.name not in self._providers:
            made = self._made(entry, where)
            if made is not None:
                self._providers[entry.name] = made
        return self._providers.get(entry.name)

    def _made(self, entry: Entry, where: Path) -> Provider | None:
        origin, path = entry.address.origin, entry.address.path
        if entry.key is None:
            return Provider(entry.name, entry.dialect, origin, path, None)
        place: Path = (*entry.path, "api_key") if entry.path else where
        try:
            return Provider(entry.name, entry.dialect, origin, path, self._around.references.secret(entry.key))
        except SecretMissingError as error:
            stand_in = self._around.stand_ins.get(entry.dialect)
            if stand_in is not None:
                return stand_in
            self._fault(place, str(error), f"it to hold the key of {entry.name}", code="secret.missing")
        except SecretUnsafeError as error:
            self._fault(place, str(error), "a secret that only Seawall can read", code="secret.unsafe")
        return None

    def _plan(self, route: str) -> Plan | None:
        try:
            settings = effective(self._document, route)
        except ProfileError as error:
            self._profile_fault(error)
            return None
        links = chain_of(self._document, route, settings)
        if links and links[0].role != "model":
            is_fallback = links[0].role == "fallback"
            where: Path = ("routes", route, "fallback") if is_fallback else links[0].path
            found = "a fallback without a model" if is_fallback else f"a cheaper model for {route}, which has no model"
            self._fault(where, found, "a model to fall back from")
        own = leg_settings(settings)
        legs = [leg for link in links if (leg := self._leg(link, settings, own)) is not None]
        degraded = settings.degraded
        return Plan(
            route=route,
            traffic_class=settings.traffic_class,
            profile=settings.profile,
            legs=tuple(legs),
            own=own,
            streaming=settings.streaming,
            hold_back_s=settings.hold_back_ms / 1000,
            degraded=DegradedSettings(degraded.message, degraded.cached_s),
            continues=settings.on_broken_stream == "continue",
            is_strict=settings.strict_translation,
            budget=BudgetSettings(settings.on_exhausted),
            drains=settings.on_hang_up == "drain",
        )

    def _leg(self, link: Link, settings: Effective, own: LegSettings) -> Leg | None:
        if not switched_on(link.said.enabled, link.path, self._around.references, self._reading.places, self.faults):
            self.off.add(link.path)
            return None
        target = self._named_target(link, settings)
        return None if target is None else Leg(target, own_settings(own, link.said), link.role == "degraded")

    def _named_target(self, link: Link, settings: Effective) -> Target | None:
        path, name = link.path, link.model
        found = self.roster.find(name)
        leans_on = frozenset({"providers"})
        if isinstance(found, Unclear):
            self._fault(path, found.found, found.expected, found.hint, code="model.unclear", leans_on=leans_on)
            return None
        if not found.entry.is_enabled:
            if link.role == "model":
                hint = f"switch {found.entry.name} on, or name another model"
                self._fault(path, f'"{name}", whose provider is switched off', "a provider that is on", hint)
            self.off.add(path)
            return None  # a fallback whose provider is switched off is simply not there
        if found.entry.dialect == "anthropic":
            self._check_temperature(link, settings)
        provider = self._provider(found.entry, path)
        if provider is None:
            return None
        schedule = self.book.schedule(found)
        price = price_on(schedule, self._around.today)
        if price is not None:
            change = changes_after(schedule, self._around.today)
            self._changes += [change] if change is not None else []
            return make_target(provider, found, price)
        expected = "a model whose price is known"
        self._fault(
            path, f'"{name}"', expected, self._price_hint(found), code="price.unknown", leans_on=leans_on | {"prices"}
        )
        return None

    def _check_temperature(self, link: Link, settings: Effective) -> None:
        temperature, where = settings.temperature, settings.origins["temperature"].path
        if link.said.temperature is not None:
            temperature, where = link.said.temperature, (*link.path, "temperature")
        if (temperature or 0) > MAX_ANTHROPIC_TEMPERATURE:
            self._fault(where, f"{temperature}", f"at most 1 for {link.model}, which is an Anthropic model")

    def _price_hint(self, found: Found) -> str:
        stated = self.book.name_used(found)
        begins = changes_after(self.book.schedule(found), self._around.today)
        if begins is not None:
            return f"its first price begins on {begins}"
        if stated is not None:
            return f'say both input_usd_per_mtok and output_usd_per_mtok under prices."{stated}"'
        rates = "{input_usd_per_mtok: 1, output_usd_per_mtok: 5}"
        near = did_you_mean(found.model, known_models(found.entry.dialect))
        state = f"state it: prices: {{{found.model}: {rates}}}, with its real price"
        return f"{near} If not, {state}" if near else state

    def _check_names(self) -> None:
        document, places = self._document, self._reading.places
        self.faults += spending_faults(document, self.roster, places, self._around.today)
        for name in document.profiles:
            try:
                list(profile_chain(document, name, ("profiles", name)))
            except ProfileError as error:
                self._profile_fault(error)

    def _profile_fault(self, error: ProfileError) -> None:
        if error.is_loop:
            self._fault(error.path, f'"{error.name}", which leads back to itself', "a profile further down")
            return
        known = [*BUILT_IN, *self._document.profiles]
        expected = "a profile: " + ", ".join(dict.fromkeys(known))
        hint = did_you_mean(error.name, known)
        self._fault(error.path, f'"{error.name}"', expected, hint, "name.unknown", frozenset({"profiles"}))

    def _fault(
        self,
        path: Path,
        found: str,
        expected: str,
        hint: str = "",
        code: str = "value.invalid",
        leans_on: frozenset[str] = frozenset(),
    ) -> None:
        place = self._reading.places.of_value(path)
        self.faults.append(Fault(place, path, found, expected, hint, code=code, leans_on=leans_on))


def _price_origins(reading: Reading, document: PolicyDocument) -> dict[tuple[str, int], str]:
    origins = {}
    for name, entries in document.prices.items():
        for number in range(len(entries)):
            place = reading.places.of_value(("prices", name, number))
            origins[name, number] = f"{FilePath(reading.source).name}:{place.line}"
    return origins


def _stated_days(document: PolicyDocument) -> list[date]:
    return [entry.starts for entries in document.prices.values() for entry in entries if entry.starts is not None]

"""The providers of a policy, declared and implied, and which of them a model's name means."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from seawall.policy.address import OFFICIAL, Address, parse_address
from seawall.policy.document import PolicyDocument, ProviderDocument
from seawall.policy.document.section import NO_SECRET
from seawall.policy.fault import Fault, Path, Places
from seawall.policy.model_facts import ModelFacts, facts_of, family
from seawall.policy.reference import EnvReference, PretendedReferences, Reference, References, parse_reference
from seawall.policy.validate import did_you_mean

OFFICIAL_KEYS: Final = {"anthropic": EnvReference("ANTHROPIC_API_KEY"), "openai": EnvReference("OPENAI_API_KEY")}


@dataclass(frozen=True, slots=True)
class Entry:
    """One provider: its address, where its key is, and whether calls may go there. `path` is empty where implied."""

    name: str
    dialect: str
    address: Address
    key: Reference | None
    is_enabled: bool
    path: Path

    @property
    def is_official(self) -> bool:
        """Say whether its dialect's own maker serves it, in whichever region."""
        official = parse_address(OFFICIAL[self.dialect], self.dialect).origin.host
        host = self.address.origin.host
        return host == official or host.endswith(f".{official}")

    @property
    def is_plain(self) -> bool:
        """Say whether it is its dialect's own provider by its name or its address."""
        return self.name == self.dialect or self.address == parse_address(OFFICIAL[self.dialect], self.dialect)


@dataclass(frozen=True, slots=True)
class Found:
    """A model's name, understood."""

    entry: Entry
    model: str

    @property
    def facts(self) -> ModelFacts:
        """What is known of the model where it is served."""
        return facts_of(self.entry.dialect, self.model, is_official=self.entry.is_official)


@dataclass(frozen=True, slots=True)
class Unclear:
    """A model's name that means no provider, or more than one; says what to write instead."""

    found: str
    expected: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Roster:
    """Every provider that a policy can mean."""

    entries: Mapping[str, Entry]

    def find(self, name: str) -> Found | Unclear:
        """Understand `provider/model`, or a bare model where exactly one provider can be meant."""
        provider, slash, model = name.partition("/")
        if slash and provider in self.entries:
            if model:
                return Found(self.entries[provider], model)
            return Unclear(f'"{name}"', f"a model after {provider}/")
        claimants = self._claimants(name)
        if len(claimants) == 1:
            return Found(claimants[0], name)
        expected = "provider/model with a provider of " + ", ".join(self.entries)
        if claimants:
            names = " or ".join(f"{entry.name}/{name}" for entry in claimants)
            return Unclear(f'"{name}", which more than one provider may have', expected, f"write {names}")
        hint = did_you_mean(provider, self.entries) if slash else ""
        return Unclear(f'"{name}", which does not say whose model it is', expected, hint)

    def _claimants(self, model: str) -> list[Entry]:
        # A provider that the policy declares for a dialect comes before the implied official one: the operator has said
        # where this dialect goes, and a call must not leave for anywhere else because a name was left bare.
        declared = [entry for entry in self.entries.values() if entry.path]
        dialect = family(model)
        if dialect is None:
            return declared if len(declared) == 1 else []
        speaking = [entry for entry in declared if entry.dialect == dialect]
        plain = [entry for entry in speaking if entry.is_plain]
        return plain or speaking or [e for e in self.entries.values() if e.dialect == dialect]


def build_roster(
    document: PolicyDocument, references: References | PretendedReferences, places: Places, faults: list[Fault]
) -> Roster:
    """List the declared providers and imply the official ones; what is wrong with a provider is added to `faults`."""
    entries: dict[str, Entry] = {}
    for name, declared in document.providers.items():
        entry = _entry(name, declared, references, places, faults)
        if entry is not None:
            entries[name] = entry
    for dialect, url in OFFICIAL.items():
        if dialect not in document.providers:
            address = parse_address(url, dialect)
            entries[dialect] = Entry(dialect, dialect, address, OFFICIAL_KEYS[dialect], is_enabled=True, path=())
    return Roster(entries)


def _entry(
    name: str,
    declared: ProviderDocument,
    references: References | PretendedReferences,
    places: Places,
    faults: list[Fault],
) -> Entry | None:
    path: Path = ("providers", name)
    dialect = declared.dialect or (name if name in OFFICIAL else None)
    if dialect is None:
        hint = did_you_mean(name, OFFICIAL) or "say which API it speaks"
        faults.append(Fault(places.of_key(path), path, "no dialect", "dialect: anthropic or openai", hint))
        return None
    url = declared.base_url
    if url is None:
        url = OFFICIAL[dialect]
    where: Path = (*path, "base_url")
    try:
        address = parse_address(url, dialect)
    except ValueError as error:
        faults.append(Fault(places.of_value(where), where, str(error), f"a URL such as {OFFICIAL[dialect]}"))
        return None
    is_enabled = switched_on(declared.enabled, path, references, places, faults)
    return Entry(name, dialect, address, _key(declared, dialect, address), is_enabled, path)


def _key(declared: ProviderDocument, dialect: str, address: Address) -> Reference | None:
    if declared.api_key is None:
        # The official key is implied for the official address only: nowhere else is it sent unasked.
        return OFFICIAL_KEYS[dialect] if address == parse_address(OFFICIAL[dialect], dialect) else None
    return None if declared.api_key == NO_SECRET else parse_reference(declared.api_key)


def switched_on(
    switch: bool | str,  # noqa: FBT001 - the value of a key
    path: Path,
    references: References | PretendedReferences,
    places: Places,
    faults: list[Fault],
) -> bool:
    """Say whether what stands at `path` is switched on; a variable that says neither is added to `faults`."""
    if isinstance(switch, bool):
        return switch
    try:
        return references.flag(switch.removeprefix("env:"))
    except ValueError as error:
        where: Path = (*path, "enabled")
        faults.append(Fault(places.of_value(where), where, str(error), "1, true, yes, on, 0, false, no or off"))
        return True


def declared_entries(roster: Roster) -> Iterator[Entry]:
    """Give the providers that the policy itself declares."""
    return (entry for entry in roster.entries.values() if entry.path)

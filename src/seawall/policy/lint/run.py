"""Judge a policy by every rule."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from seawall.policy.chain import Link, chain_of
from seawall.policy.document import PolicyDocument
from seawall.policy.effective import effective
from seawall.policy.fault import path_text
from seawall.policy.lint import bound, budget, chain, console_cap, model, pin, price, profile, provider
from seawall.policy.lint.judged import Finding, Judged, Model, Route
from seawall.policy.load import Reading
from seawall.policy.reference import References
from seawall.policy.roster import Found, Roster

# Codes are stable: people filter by them.
RULES: Final = (
    *budget.RULES,
    *price.RULES,
    *chain.RULES,
    *model.RULES,
    *bound.RULES,
    *provider.RULES,
    *console_cap.RULES,
    *profile.RULES,
    *pin.RULES,
)


def lint(reading: Reading, roster: Roster, environment: Mapping[str, str], today: date) -> tuple[Finding, ...]:
    """Judge a policy without faults, in the order of its lines."""
    if reading.document is None:
        return ()
    document = reading.document
    references = References(environment)
    routes = tuple(_route(document, roster, references, name) for name in document.routes)
    judged = Judged(document, roster, routes, references, today, reading.pins)
    findings = [
        Finding(rule.level, rule.code, reading.places.of_key(draft.path), draft.path, draft.message, draft.mend)
        for rule in RULES
        for draft in rule.find(judged)
    ]
    # Once each: a model that a profile names is found again on every route that uses it.
    return tuple(
        sorted(dict.fromkeys(findings), key=lambda finding: (finding.place, path_text(finding.path), finding.code))
    )


def _route(document: PolicyDocument, roster: Roster, references: References, name: str) -> Route:
    settings = effective(document, name)
    chain = chain_of(document, name, settings)
    models = tuple(
        Model(link, found, _is_on(link, found, references))
        for link in chain
        if isinstance(found := roster.find(link.model), Found)
    )
    return Route(name, document.routes[name], settings, models)


def _is_on(link: Link, found: Found, references: References) -> bool:
    switch = link.said.enabled
    is_on = switch if isinstance(switch, bool) else references.flag(switch.removeprefix("env:"))
    return is_on and found.entry.is_enabled

"""Judge a policy by every rule."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from seawall.policy.document import PolicyDocument
from seawall.policy.effective import effective
from seawall.policy.fault import Path, path_text
from seawall.policy.lint import bound, chain, model, pin, profile, provider, spending
from seawall.policy.lint.judged import Finding, Judged, Route
from seawall.policy.load import Reading
from seawall.policy.reference import References
from seawall.policy.roster import Found, Roster

# Codes are stable: people filter by them.
RULES: Final = (*spending.RULES, *chain.RULES, *model.RULES, *bound.RULES, *provider.RULES, *profile.RULES, *pin.RULES)


def lint(reading: Reading, roster: Roster, environment: Mapping[str, str], today: date) -> tuple[Finding, ...]:
    """Judge a policy without faults, in the order of its lines."""
    if reading.document is None:
        return ()
    document = reading.document
    routes = tuple(_route(document, roster, name) for name in document.routes)
    judged = Judged(document, roster, routes, References(environment), today, reading.pins)
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

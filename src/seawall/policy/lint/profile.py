"""What is odd about profiles."""

from collections.abc import Iterator
from typing import Final

from seawall.policy.effective import profile_chain
from seawall.policy.lint.judged import Draft, Judged, Rule


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


RULES: Final = (Rule("note", "profile.unused", "a profile that no route uses", _unused_profile),)

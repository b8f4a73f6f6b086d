"""What is unsafe about what happens when a model does not answer."""

from collections.abc import Iterator
from typing import Final

from seawall.policy.lint.judged import Draft, Judged, Rule


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


RULES: Final = (
    Rule("warning", "retry.waiting", "retries, which this version does not make", _retries_wait),
    Rule("warning", "fallback.waiting", "a fallback, which this version does not use", _fallback_waits),
    Rule("warning", "fallback.none", "one model and nothing behind it", _no_fallback),
)

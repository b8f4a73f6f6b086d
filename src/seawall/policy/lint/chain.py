"""What is unsafe about what happens when a model does not answer."""

from collections.abc import Iterator
from typing import Final

from seawall.guards.retry.settings import MAX_ATTEMPTS
from seawall.policy.lint.judged import Draft, Judged, Model, Route, Rule

EMBEDS: Final = "text-embedding-"


def _no_fallback(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        if len(route.models) == 1 and route.settings.degraded.is_error:
            yield Draft(
                route.path,
                f"nothing answers when {route.said.model} does not",
                "add fallback: [another model], or degraded: {message: ...}",
            )


def _no_degraded(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        if len(route.models) > 1 and route.settings.degraded.is_error:
            message = "when every model fails, the application gets an error"
            yield Draft(route.path, message, "add degraded: {message: ...}, or cached_s or model in its place")


def _same_provider(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        names = {model.found.entry.name for model in route.models}
        if len(route.models) > 1 and len(names) == 1:
            yield Draft(
                (*route.path, "fallback"),
                f"every model is at {names.pop()}: an outage there takes all of them",
                "add a model of another provider",
            )


def _unreachable(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        most = route.settings.max_attempts
        for model in route.models[most:]:
            message = f"max_attempts is {most}: {model.link.model} is asked only while a model before it is left alone"
            mend = (
                "name fewer models"
                if most == MAX_ATTEMPTS
                else f"name fewer models, or raise max_attempts (up to {MAX_ATTEMPTS})"
            )
            yield Draft(model.path, message, mend)


def _repeated(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        seen: set[tuple[str, str]] = set()
        for model in route.models:
            name = (model.found.entry.name, model.found.model)
            if name in seen:
                message = f"{model.link.model} stands before it already: what fails there fails here"
                yield Draft(model.path, message, "name another model; retries ask the same one again")
            seen.add(name)


def _cannot_carry(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        for model in route.models[1:]:
            for message, mend in _obstacles(route, route.models[0], model):
                yield Draft(model.path, message, mend)


def _obstacles(route: Route, first: Model, model: Model) -> Iterator[tuple[str, str]]:
    """Say what the route asks for, and its first model gives, that this one cannot."""
    name = model.link.model
    if loses_json(route, model):
        message = f"{name} has no switch for enforce_json to turn: its answers need not be JSON"
        yield message, "name a model of OpenAI's dialect, or send a schema and check the answer"
    longest, prompt = model.found.facts.context_tokens, route.settings.max_input_tokens
    if longest is not None and prompt is not None and prompt > longest:
        yield f"{name} takes prompts of {longest} tokens, and max_input_tokens lets {prompt} through", ""
    if first.found.model.startswith(EMBEDS) != model.found.model.startswith(EMBEDS):
        yield f"{name} is of another kind than {first.link.model}: only one of them makes embeddings", "name another"


def loses_json(route: Route, model: Model) -> bool:
    """Say whether the route's first model can be told to answer in JSON and this one cannot."""
    first = route.models[0].found.entry.dialect
    return route.settings.enforce_json and first == "openai" and model.found.entry.dialect == "anthropic"


def _strict_for_nothing(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        dialects = {model.found.entry.dialect for model in route.models}
        if route.said.strict_translation and len(dialects) == 1:
            message = f"every model speaks the {dialects.pop()} dialect: only a client of another one is translated"
            yield Draft((*route.path, "strict_translation"), message)


RULES: Final = (
    Rule("warning", "fallback.none", "one model and nothing behind it", _no_fallback),
    Rule("warning", "fallback.cannot_carry", "a model that cannot do what the route asks of the first", _cannot_carry),
    Rule("warning", "fallback.repeated", "a model that the chain has twice", _repeated),
    Rule("note", "fallback.same_provider", "models that one outage takes together", _same_provider),
    Rule("note", "fallback.unreachable", "a model behind more models than there are attempts", _unreachable),
    Rule("note", "degraded.none", "an error once every model has failed", _no_degraded),
    Rule("note", "translation.none", "strict translation where nothing is translated", _strict_for_nothing),
)

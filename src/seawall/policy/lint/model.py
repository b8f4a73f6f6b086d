"""What is unsafe about the models that a policy names."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from seawall.policy.fault import Path
from seawall.policy.lint.chain import loses_json
from seawall.policy.lint.judged import Draft, Judged, Rule
from seawall.policy.model_facts import ModelFacts
from seawall.policy.roster import Found

RETIRES_SOON: Final = timedelta(days=90)

_SAMPLING: Final = ("temperature", "top_p")


def _own_model(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        if route.said.model is None:
            message = "any model of any provider may be called here: the client's own model decides"
            yield Draft(route.path, message, "add model: to decide it here")


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


def _above_model(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        for model in route.models:
            most = model.found.facts.output_tokens
            stated = model.link.said.max_tokens or route.settings.max_tokens
            if most is not None and stated > most:
                message = f"max_tokens {stated} is more than {model.found.model} gives, which is {most}"
                yield Draft(model.path, message, f"set max_tokens to {most} or less")


def _json_unchecked(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        for model in route.models:
            is_silent = model.found.entry.dialect == "anthropic" and not loses_json(route, model)
            if route.settings.enforce_json and is_silent:
                name = model.found.model
                message = f"{name} has no switch for enforce_json to turn, and this version does not check answers"
                mend = "send output_config.format with a schema, and have the client check it"
                yield Draft(model.path, message, mend)


def _sampling_dropped(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        for model in route.models:
            said = (route.said, model.link.said)
            stated = [name for name in _SAMPLING if any(getattr(each, name) is not None for each in said)]
            if stated and model.found.facts.drops_sampling:
                message = f"{model.found.model} refuses {' and '.join(stated)}: left out of calls to it"
                yield Draft(model.path, message)


def _models(judged: Judged) -> Iterator[tuple[Path, Found, ModelFacts]]:
    for route in judged.routes:
        for model in route.models:
            yield model.path, model.found, model.found.facts


def _instead(facts: ModelFacts) -> str:
    return f"a current model of its kind is {facts.instead}" if facts.instead else ""


RULES: Final = (
    Rule("note", "model.any", "the client's own model decides", _own_model),
    Rule("warning", "model.floating", "a name whose model the provider may change", _floating),
    Rule("warning", "model.retired", "a model that is switched off", _retired),
    Rule("warning", "model.retiring", "a model that is switched off within 90 days", _retiring),
    Rule("warning", "tokens.above_model", "a ceiling above what the model gives", _above_model),
    Rule("warning", "json.unchecked", "strict JSON asked of a model whose answer is not checked", _json_unchecked),
    Rule("note", "sampling.dropped", "a sampling setting that the model refuses", _sampling_dropped),
)

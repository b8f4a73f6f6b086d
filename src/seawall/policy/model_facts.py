"""What is known of a model beside its price: data, kept in `models.toml`."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Final

from seawall.core.traits import UNKNOWN_TRAITS, Traits

_DATED: Final = re.compile(r"(?:-[0-9]{8}|-[0-9]{4}-[0-9]{2}-[0-9]{2}|@[0-9]{8}|@latest|-latest)$")
_OF_THE_MODEL: Final = frozenset({"efforts", "output_tokens", "input_tokens"})  # not read as they stand in a kind
_TRAITS: Final = tuple(field.name for field in fields(Traits) if field.name not in _OF_THE_MODEL)
# Model families by their names, for the question which dialect a bare name belongs to.
_FAMILIES: Final = {
    "anthropic": re.compile(r"claude-"),
    "openai": re.compile(r"gpt-|chatgpt-|o[1-4](?:-|$)|text-embedding-|codex-"),
}


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Facts of one model; None and empty mean that nobody told us.

    `snapshot` is the dated id for which a floating name stands, `retires_on` the day on which it is switched off,
    `instead` a current model of the same tier, `traits` what it takes in a request, with `output_tokens` and
    `input_tokens` among it.
    """

    is_known: bool = False
    context_tokens: int | None = None
    output_tokens: int | None = None
    drops_sampling: bool = False
    wants_completion_tokens: bool = False
    snapshot: str = ""
    is_floating: bool = False
    retires_on: date | None = None
    instead: str = ""
    traits: Traits = UNKNOWN_TRAITS


def facts_of(dialect: str, model: str, *, is_official: bool = False) -> ModelFacts:
    """Look a model's facts up: by its own id, or by its name without a date.

    `is_official` says that its dialect's own maker serves it: an id of the maker's families that is not listed is then
    taken for a newer model, with the traits that all of the newest have.
    """
    table = _models(dialect)
    name = _DATED.sub("", model)
    plain = table.get(model) or table.get(name)
    is_latest = model.endswith("latest")
    if plain is None:
        newer = _table()["unlisted"][dialect] if is_official and family(model) == dialect else {}
        return ModelFacts(
            is_floating=is_latest,
            drops_sampling=newer.get("drops_sampling", False),
            wants_completion_tokens=newer.get("completion", False),
            traits=_traits(newer, {}),
        )
    snapshot = str(plain.get("snapshot", ""))
    is_dated = model not in table and not is_latest
    return ModelFacts(
        is_known=True,
        context_tokens=plain.get("context"),
        output_tokens=plain.get("output"),
        drops_sampling=plain.get("drops_sampling", False),
        wants_completion_tokens=plain.get("completion", False),
        snapshot="" if is_dated else snapshot,
        is_floating=is_latest or (bool(snapshot) and not is_dated),
        retires_on=plain.get("retires"),
        instead=str(plain.get("instead", "")),
        traits=_traits(_table()["kinds"].get(plain.get("kind", ""), {}), plain),
    )


def family(model: str) -> str | None:
    """Name the dialect whose models are called like this; None for a name of no known family."""
    return next((dialect for dialect, pattern in _FAMILIES.items() if pattern.match(model)), None)


def known_models(dialect: str) -> tuple[str, ...]:
    """List every model of which something is known, for suggestions."""
    return tuple(_models(dialect))


def _models(dialect: str) -> Mapping[str, Mapping[str, Any]]:  # TOML: texts, numbers, dates
    return _table().get(dialect, {}) if dialect in _FAMILIES else {}


def _traits(said: Mapping[str, Any], own: Mapping[str, Any]) -> Traits:
    known = {name: said[name] for name in _TRAITS if name in said}
    efforts = tuple(said.get("efforts", ()))
    return Traits(**known, efforts=efforts, output_tokens=own.get("output"), input_tokens=own.get("context"))


@cache
def _table() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:  # TOML: texts, numbers, dates
    return tomllib.loads(resources.files("seawall.policy").joinpath("models.toml").read_text("utf-8"))

"""The settings that hold for a route, each with where it came from: the route, its profiles, or the defaults."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from seawall.guards.budget.settings import OnExhausted, OnHangUp
from seawall.policy.document import (
    BreakerDocument,
    DegradedDocument,
    PolicyDocument,
    ProfileDocument,
    RouteDocument,
    SharedSettings,
)
from seawall.policy.fault import Path
from seawall.policy.profile import BUILT_IN, DEFAULTS

# The part of the total that a wait may not exceed: it would be cut off by the total anyway.
WAITS: Final = ("connect_timeout_ms", "first_token_timeout_ms", "idle_timeout_ms", "answer_timeout_ms")
# The keys of the breaker are decided one by one: a route that says one of them has the others from its profile.
BREAKER: Final = tuple(f"breaker.{key}" for key in BreakerDocument.model_fields)
SETTINGS: Final = (*(field for field in SharedSettings.model_fields if field != "breaker"), *BREAKER)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting came from: a place in the document, a profile, both or neither (a default).

    `path` is empty for what is built in; `limited_by` names the setting that cut the value down.
    """

    path: Path = ()
    profile: str = ""
    limited_by: str = ""


@dataclass(frozen=True, slots=True)
class Effective:
    """Every setting of one route, decided. `origins` has an entry for each of `SETTINGS`."""

    traffic_class: str
    temperature: float | None
    top_p: float | None
    max_tokens: int
    max_tokens_above: str
    max_input_tokens: int | None
    enforce_json: bool
    retries: int
    max_attempts: int
    timeout_ms: int
    connect_timeout_ms: int
    first_token_timeout_ms: int
    idle_timeout_ms: int
    answer_timeout_ms: int | None
    streaming: bool
    hold_back_ms: int
    on_broken_stream: str
    strict_translation: bool
    on_exhausted: OnExhausted
    on_hang_up: OnHangUp
    breaker: BreakerDocument
    degraded: DegradedDocument
    profile: str
    origins: Mapping[str, Origin]


@dataclass(frozen=True, slots=True)
class _Layer:
    settings: SharedSettings
    path: Path
    profile: str


class ProfileError(ValueError):
    """A profile is not there, or leads back to itself; `path` is where it is named."""

    def __init__(self, path: Path, name: str, *, is_loop: bool) -> None:
        super().__init__(name)
        self.path = path
        self.name = name
        self.is_loop = is_loop


def key_of(setting: str) -> str:
    """Give a setting's key in the document."""
    field, dot, key = setting.partition(".")
    return (SharedSettings.model_fields[field].alias or field) + dot + key


def value_in(settings: SharedSettings | Effective, setting: str) -> object:
    """Give what is said of a setting; None where nothing is."""
    field, _, key = setting.partition(".")
    value: object = getattr(settings, field)
    return getattr(value, key) if key and value is not None else value


def effective(document: PolicyDocument, route: str) -> Effective:
    """Decide every setting of a route.

    Raises:
        ProfileError: the route's profile, or one that it builds on, is not there or leads back to itself.
    """
    layers = list(_layers(document, route, document.routes[route]))
    # Any: the fields of SharedSettings, each validated there and each of the type that Effective gives it.
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for field in SETTINGS:
        layer = next((layer for layer in layers if value_in(layer.settings, field) is not None), layers[-1])
        values[field] = value_in(layer.settings, field)
        origins[field] = Origin((*layer.path, *key_of(field).split(".")) if layer.path else (), layer.profile)
    # Not validated again: two layers that are good by themselves may disagree, which compiling mends.
    said = {setting.partition(".")[2]: values.pop(setting) for setting in BREAKER}
    values["breaker"] = BreakerDocument.model_construct(None, **said)
    for wait in WAITS:
        if values[wait] is not None and values[wait] > values["timeout_ms"]:
            values[wait] = values["timeout_ms"]
            origins[wait] = Origin(origins["timeout_ms"].path, origins["timeout_ms"].profile, limited_by="timeout_ms")
    return Effective(**values, profile=document.routes[route].profile or "", origins=origins)


def profile_chain(document: PolicyDocument, name: str, path: Path) -> Iterator[tuple[str, Path, ProfileDocument]]:
    """Walk from a profile to what it builds on; a path is empty where the profile is built in.

    Raises:
        ProfileError: one of them is not there or leads back to itself.
    """
    seen: set[str] = set()
    while True:
        if name in seen:
            raise ProfileError(path, name, is_loop=True)
        seen.add(name)
        own, built_in = document.profiles.get(name), BUILT_IN.get(name)
        if own is not None:
            yield name, ("profiles", name), own
        if own is None or own.extends is None:
            if built_in is not None:
                yield name, (), built_in
            elif own is None:
                raise ProfileError(path, name, is_loop=False)
            return
        if own.extends == name and built_in is not None:
            yield name, (), built_in
            return
        name, path = own.extends, ("profiles", name, "extends")


def _layers(document: PolicyDocument, route: str, settings: RouteDocument) -> Iterator[_Layer]:
    yield _Layer(settings, ("routes", route), "")
    if settings.profile is not None:
        where: Path = ("routes", route, "profile")
        for name, path, profile in profile_chain(document, settings.profile, where):
            yield _Layer(profile, path, name)
    yield _Layer(DEFAULTS, (), "")

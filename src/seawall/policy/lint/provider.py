"""What is unsafe about providers: their keys, their addresses, and whether anybody calls them."""

from collections.abc import Iterator
from typing import Final

from seawall.policy.fault import Path
from seawall.policy.lint.judged import Draft, Judged, Rule
from seawall.policy.reference import EnvReference, Reference, SecretMissingError, SecretUnsafeError
from seawall.policy.roster import Entry


def _secret_missing(judged: Judged) -> Iterator[Draft]:
    for path, entry, key, error in _bad_keys(judged):
        if isinstance(error, SecretMissingError):
            mend = f"export {key.shown}=..." if isinstance(key, EnvReference) else f"put the key into {key.path}"
            yield Draft(path, f"found {error}: on this machine {entry.name} cannot be called", mend)


def _secret_unsafe(judged: Judged) -> Iterator[Draft]:
    for path, _, _, error in _bad_keys(judged):
        if isinstance(error, SecretUnsafeError):
            yield Draft(path, f"found {error}, expected a secret that only Seawall can read")


def _bad_keys(judged: Judged) -> Iterator[tuple[Path, Entry, Reference, ValueError]]:
    for entry, path in _keys(judged):
        if entry.key is not None:
            try:
                judged.references.secret(entry.key)
            except (SecretMissingError, SecretUnsafeError) as error:
                yield path, entry, entry.key, error


def _keys(judged: Judged) -> Iterator[tuple[Entry, Path]]:
    """Give each provider that may be called, with the place that a missing key is laid at."""
    for entry in judged.roster.entries.values():
        used = [
            model.path
            for route in judged.routes
            for model in route.models
            if model.is_on and model.found.entry == entry
        ]
        if entry.is_enabled and (entry.path or used):
            yield entry, (*entry.path, "api_key") if entry.path else used[0]


def _no_key(judged: Judged) -> Iterator[Draft]:
    for entry in judged.roster.entries.values():
        said = judged.document.providers.get(entry.name)
        if entry.key is None and said is not None and said.api_key is None and not entry.address.is_loopback:
            yield Draft(
                entry.path, f"{entry.name} is called without a key", "add api_key, or api_key: none if it needs none"
            )


def _plain_http(judged: Judged) -> Iterator[Draft]:
    for entry in judged.roster.entries.values():
        if entry.address.origin.scheme == "http" and not entry.address.is_loopback:
            message = f"prompts and the key travel unencrypted to {entry.address.origin.authority}"
            yield Draft((*entry.path, "base_url"), message, "use https://")


def _no_version(judged: Judged) -> Iterator[Draft]:
    for entry in judged.roster.entries.values():
        if entry.dialect == "openai" and not entry.address.path:
            message = f"calls go to {entry.address.url}/chat/completions; most servers want /v1 before that"
            yield Draft((*entry.path, "base_url"), message, f"write {entry.address.url}/v1 if yours does")


def _unused_provider(judged: Judged) -> Iterator[Draft]:
    if any(route.said.model is None for route in judged.routes):
        return
    used = {model.found.entry.name for route in judged.routes for model in route.models}
    for entry in judged.roster.entries.values():
        if entry.path and entry.name not in used:
            yield Draft(entry.path, f"no route uses {entry.name}")


def _switched_off(judged: Judged) -> Iterator[Draft]:
    for entry in judged.roster.entries.values():
        if not entry.is_enabled:
            yield Draft((*entry.path, "enabled"), f"{entry.name} is switched off: nothing is sent to it")


RULES: Final = (
    Rule("warning", "secret.missing", "a secret that is not on this machine", _secret_missing),
    Rule("error", "secret.unsafe", "a secret that others can read, or that cannot travel", _secret_unsafe),
    Rule("warning", "secret.none", "a provider elsewhere that is called without a key", _no_key),
    Rule("warning", "url.unencrypted", "http:// to another machine", _plain_http),
    Rule("warning", "url.no_version", "an OpenAI address without the usual /v1", _no_version),
    Rule("note", "provider.unused", "a provider that no route uses", _unused_provider),
    Rule("note", "provider.off", "a provider that is switched off", _switched_off),
)

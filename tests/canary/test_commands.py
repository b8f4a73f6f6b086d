"""Credentials in the place of references, names and texts of a policy: refused or passed over, and never said again."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from seawall.cli.main import main
from seawall.core.key import key_digest, key_text
from tests.canary.canary import Canary, client_key, hits, provider_key

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("canary commands")]

_GOOD: Final = "version: 1\nroutes:\n  /ai/chat: {model: claude-haiku-5-5}\n"
POLICIES: Final = {
    "as the key": "providers: {anthropic: {api_key: @}}\n" + _GOOD,
    "as the key, quoted": 'providers: {anthropic: {api_key: "@"}}\n' + _GOOD,
    "as the key, a block": "providers:\n  anthropic:\n    api_key: |\n      @\n" + _GOOD,
    "as the key, with env:": "providers: {anthropic: {api_key: env:@}}\n" + _GOOD,
    "as the key, with file:": "providers: {anthropic: {api_key: 'file:@'}}\n" + _GOOD,
    "as the key, with a wrong scheme": "providers: {anthropic: {api_key: 'secret:@'}}\n" + _GOOD,
    "as a list of keys": "providers: {anthropic: {api_key: ['@', '@']}}\n" + _GOOD,
    "under a misspelt name": "providers: {anthropic: {api_keey: '@'}}\n" + _GOOD,
    "under a name of its own": "providers: {anthropic: {secret: '@', token: '@', headers: {x-api-key: '@'}}}\n" + _GOOD,
    "as a user of the address": "providers: {anthropic: {base_url: 'https://@@api.anthropic.com'}}\n" + _GOOD,
    "as a password of the address": "providers: {anthropic: {base_url: 'https://user:@@api.anthropic.com'}}\n" + _GOOD,
    "as a query of the address": "providers: {anthropic: {base_url: 'https://api.anthropic.com/?key=@'}}\n" + _GOOD,
    "as the address": "providers: {anthropic: {base_url: '@'}}\n" + _GOOD,
    "as the dialect": "providers: {anthropic: {dialect: '@'}}\n" + _GOOD,
    "as a switch": "providers: {anthropic: {enabled: '@'}}\n" + _GOOD,
    "as a provider": "providers: {'@': {dialect: anthropic}}\n" + _GOOD,
    "as a route": "version: 1\nroutes: {'/ai/@': {model: claude-haiku-5-5}}\n",
    "as a route, without a slash": "version: 1\nroutes: {'@': {model: claude-haiku-5-5}}\n",
    "as a model": "version: 1\nroutes: {/ai/chat: {model: '@'}}\n",
    "as a provider's model": "version: 1\nroutes: {/ai/chat: {model: 'anthropic/@'}}\n",
    "as a fallback": "version: 1\nroutes: {/ai/chat: {model: claude-haiku-5-5, fallback: ['@']}}\n",
    "as a profile": "version: 1\nroutes: {/ai/chat: {model: claude-haiku-5-5, profile: '@'}}\n",
    "as a class": "version: 1\nroutes: {/ai/chat: {model: claude-haiku-5-5, class: '@'}}\n",
    "as a number": "version: 1\nroutes: {/ai/chat: {model: claude-haiku-5-5, max_tokens: '@'}}\n",
    "as a section": _GOOD + "'@': 1\n",
    "as an unknown field": "version: 1\nroutes: {/ai/chat: {model: claude-haiku-5-5, '@': 1}}\n",
    "as a price": _GOOD + "prices: {'@': {input_usd_per_mtok: '@'}}\n",
    "as the version": "version: '@'\n",
    "twice": "providers: {anthropic: {api_key: '@', api_key: '@'}}\n" + _GOOD,
    "in YAML that breaks off": "providers: {anthropic: {api_key: '@}}\n" + _GOOD,
    "in YAML that does not fit": "providers:\n  anthropic:\n   api_key: @\n  x\n @: [\n",
    "in an anchor": "x: &a @\ny: *@\n" + _GOOD,
    "in a tag": "x: !@ 1\n" + _GOOD,
    "in a directive": "%@ 1\n---\n" + _GOOD,
    "in a comment": f"# api_key: @\n{_GOOD}",
    "as the whole": "@",
    "as bytes": "providers: {anthropic: {api_key: !!binary '@'}}\n" + _GOOD,
}
# Where a text is nothing but a text that has no business there, it is said again unless it looks like a credential.
_KEYS_PLACES: Final = ("as the key", "as a list of keys", "under", "twice", "in ", "as the address")
PLACES_OF_KEYS: Final = tuple(name for name in POLICIES if name.startswith(_KEYS_PLACES) or "of the address" in name)


def _policy(folder: Path, text: str, canary: Canary) -> str:
    path = folder / "policy.yaml"
    path.write_text(text.replace("@@", "\0").replace("@", canary.value).replace("\0", canary.value + "@"), "utf-8")
    return str(path)


def _ask(*words: str) -> bytes:
    result = CliRunner().invoke(main, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output.encode()


def _run(folder: Path, *words: str, **environment: str) -> tuple[int, bytes]:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "seawall", *words],
        env=environment,
        cwd=folder,
        capture_output=True,
        timeout=40,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["anthropic", "openai", "client", "plain"])
def test_no_policy_makes_a_command_repeat_a_credential(tmp_path: Path, kind: str) -> None:
    canary = client_key("client key", key_text(bytes(range(32)))) if kind == "client" else provider_key(kind)
    said: dict[str, bytes] = {}

    for name in PLACES_OF_KEYS if kind == "plain" else POLICIES:
        path = _policy(tmp_path, POLICIES[name], canary)
        said[f"check of a key {name}"] = _ask("check", path)
        said[f"check --json of a key {name}"] = _ask("check", path, "--json")
        said[f"explain of a key {name}"] = _ask("explain", "/ai/chat", "--policy", path)

    assert hits(said, [canary]) == []
    assert [name for name, output in said.items() if not output] == []


_CLOSED: Final = "providers: {anthropic: {api_key: env:ANTHROPIC_API_KEY}}\n" + _GOOD


@pytest.mark.parametrize("kind", ["anthropic", "plain"])
def test_a_start_that_fails_does_not_say_why_in_credentials(tmp_path: Path, kind: str) -> None:
    canary = provider_key(kind)
    value = canary.value
    open_file = tmp_path / "open.key"
    open_file.write_text(value)
    open_file.chmod(0o644)
    long_file = tmp_path / "long.key"
    long_file.write_text(f"{value}\n{value}\n")
    long_file.chmod(0o600)
    starts = {
        "a literal key": (POLICIES["as the key"], {}),
        "a password in the address": (POLICIES["as a password of the address"], {"ANTHROPIC_API_KEY": "x"}),
        "no variable": (_CLOSED, {"OTHER": value}),
        "a space in the variable": (_CLOSED, {"ANTHROPIC_API_KEY": f"{value} {value}"}),
        "a line break in the variable": (_CLOSED, {"ANTHROPIC_API_KEY": f"{value}\n{value}"}),
        "a file that everybody can read": (_CLOSED.replace("env:ANTHROPIC_API_KEY", f"'file:{open_file}'"), {}),
        "a file of two lines": (_CLOSED.replace("env:ANTHROPIC_API_KEY", f"'file:{long_file}'"), {}),
        "a switch that is a key": (_GOOD + "providers: {openai: {enabled: env:SWITCH}}\n", {"SWITCH": value}),
        "a proxy that is none": (_CLOSED, {"ANTHROPIC_API_KEY": "x", "HTTPS_PROXY": f"ftp://user:{value}@proxy.test"}),
        "a proxy without a port": (_CLOSED, {"ANTHROPIC_API_KEY": "x", "HTTP_PROXY": f"http://user:{value}@:x"}),
    }

    ports = ("--port", "0", "--admin-port", "0", "--state-dir", str(tmp_path / "state"))
    for name, (text, environment) in starts.items():
        path = _policy(tmp_path, text, canary)
        code, output = _run(tmp_path, "serve", "--policy", path, *ports, **environment)

        assert code in {1, 2}, (name, output)
        assert hits({name: output}, [canary]) == []
        assert b"Traceback" not in output, (name, output)


def test_a_client_key_is_said_once_and_kept_as_a_digest(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    created = _ask("keys", "create", "--team", "birds", "--json", "--state-dir", state)
    canary = client_key("client key", json.loads(created)["key"])
    stranger = client_key("stranger", key_text(bytes(range(32))))

    said = {
        "list": _ask("keys", "list", "--state-dir", state),
        "list --json": _ask("keys", "list", "--json", "--state-dir", state),
        "revoke of a stranger": _ask("keys", "revoke", stranger.value, "--state-dir", state),
        "rotate of a stranger": _ask("keys", "rotate", stranger.value, "--state-dir", state),
        "revoke": _ask("keys", "revoke", canary.value, "--state-dir", state),
        "rotate of a revoked one": _ask("keys", "rotate", canary.value, "--state-dir", state),
        "calls of a key": _ask("calls", "--user", canary.value, "--state-dir", state),
        "a call that is a key": _ask("calls", "show", canary.value, "--state-dir", state),
    }
    files = {path.name: path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()}

    assert hits({"create": created}, [canary]) != []
    assert hits(said | files, [canary, stranger]) == []
    assert key_digest(canary.value.encode()) in b"".join(files.values())

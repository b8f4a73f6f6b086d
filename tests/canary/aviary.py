"""A gateway whose every credential is a canary, and everything that it lets out."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from seawall.core.key import KeyGrant, key_text
from tests.canary.canary import Canary, client_key, provider_key
from tests.canary.parrot import Parrot
from tests.hostile.running import Gateway, issue
from tests.hostile.wire import Case, converse

LAUNCHER: Final = Path(__file__).with_name("launcher.py")
STATE: Final = "state"
WAIT_S: Final = 20.0
_PRICE: Final = "{input_usd_per_mtok: 1, output_usd_per_mtok: 2}"
_POLICY: Final = """\
version: 1
providers:
  anthropic: {{dialect: anthropic, base_url: "{url}", api_key: env:ANTHROPIC_API_KEY}}
  openai: {{dialect: openai, base_url: "{url}/v1", api_key: "file:{file}"}}
  house: {{dialect: openai, base_url: "{url}/v1", api_key: env:HOUSE_KEY}}
  villa: {{dialect: anthropic, base_url: "{url}", api_key: env:HOUSE_KEY}}
  closed: {{dialect: openai, base_url: "http://127.0.0.1:9/v1", api_key: env:HOUSE_KEY}}
  plain: {{dialect: openai, base_url: "https://{authority}/v1", api_key: env:HOUSE_KEY}}
  proxied: {{dialect: openai, base_url: "http://provider.test/v1", api_key: env:HOUSE_KEY}}
  tunnelled: {{dialect: anthropic, base_url: "https://provider.test", api_key: env:HOUSE_KEY}}
  unknown: {{dialect: openai, base_url: "http://unknown.invalid/v1", api_key: env:HOUSE_KEY}}
profiles:  # every provocation is a call of its own: none is tried again, and none leaves a target shut for the next
  alone: {{retries: 0, breaker: {{min_calls: 100000, open_s: 1.0e-6, longest_open_s: 1.0e-6, probes: 1000}}}}
routes:
  /ai/chat: {{profile: alone, timeout_ms: 4000}}
  /to/anthropic: {{profile: alone, model: anthropic/claude-haiku-5-5, timeout_ms: 4000}}
  /to/openai: {{profile: alone, model: openai/gpt-6-luna, timeout_ms: 4000}}
  /to/house: {{profile: alone, model: house/m, timeout_ms: 4000}}
  /to/villa: {{profile: alone, model: villa/m, timeout_ms: 4000}}
  /to/closed: {{profile: alone, model: closed/m, timeout_ms: 4000}}
  /to/plain: {{profile: alone, model: plain/m, timeout_ms: 4000}}
  /to/proxied: {{profile: alone, model: proxied/m, timeout_ms: 4000}}
  /to/tunnelled: {{profile: alone, model: tunnelled/m, timeout_ms: 4000}}
  /to/unknown: {{profile: alone, model: unknown/m, timeout_ms: 4000}}
prices:
""" + "".join(
    f"  {name}/m: {_PRICE}\n" for name in ("house", "villa", "closed", "plain", "proxied", "tunnelled", "unknown")
).replace("{", "{{").replace("}", "}}")
REPEATING: Final = ("anthropic", "openai", "house", "villa", "proxied", "tunnelled")
FAILING: Final = ("closed", "plain", "unknown")


@dataclass(slots=True)
class Aviary:
    """The gateway, its canaries, and by place all that was heard."""

    gateway: Gateway
    parrot: Parrot
    folder: Path
    canaries: dict[str, Canary]
    environment: Mapping[str, str]
    heard: dict[str, list[bytes]] = field(default_factory=dict)
    failures: int = 0

    @property
    def key(self) -> str:
        """A good client key."""
        return self.canaries["good"].value

    def send(self, place: str, request: bytes) -> None:
        """Send a request and keep all that is said to it, but for the content of good answers."""
        heard = converse(self.gateway.port, Case(place, (request,), may_be_silent=True).then_leave())
        kept = self.heard.setdefault(place, [])
        for answer in heard.answers:
            kept.append(
                str(answer.fields).encode() + (answer.body if answer.status >= 400 or answer.is_stream else b"")
            )
        kept.append(heard.rest)
        self.failures += any(answer.status >= 400 for answer in heard.answers) or not heard.answers

    def accident(self) -> None:
        """Let credentials get into tracebacks, warnings and other people's loggers, and dump every stack."""
        process = self.gateway.process
        process.popen.send_signal(signal.SIGUSR1)
        _until(lambda: b"accidents happened" in process.output)
        process.popen.send_signal(signal.SIGRTMIN)
        _until(lambda: b"(most recent call first)" in process.output)

    def run(self, *words: str, options: Sequence[str] = ("-X", "dev")) -> bytes:
        """Run a command of the same installation in the same environment; give all that it prints."""
        done = subprocess.run(
            [sys.executable, *options, "-m", "seawall", *words],
            env=dict(self.environment),
            cwd=self.folder,
            capture_output=True,
            timeout=WAIT_S,
            check=False,
        )
        assert done.stdout + done.stderr, words
        return done.stdout + done.stderr

    def command_lines(self) -> bytes:
        """Give the command lines of every process that has to do with this state directory."""
        lines = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes()
            except OSError:
                continue  # it has ended meanwhile
            if str(self.folder).encode() in line:
                lines.append(line)
        return b"\n".join(lines)

    def files(self) -> dict[str, bytes]:
        """Give every file of the state directory, databases and their logs as raw bytes."""
        found: dict[str, bytes] = {}
        for path in self.gateway.state_dir.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # it runs, and takes files away
                if path.is_file():
                    found[path.name] = path.read_bytes()
        return found


def _until(is_done: Callable[[], bool]) -> None:
    until_s = time.monotonic() + WAIT_S
    while not is_done():
        assert time.monotonic() < until_s


def open_aviary(folder: Path, parrot: Parrot) -> Aviary:
    """Start the gateway under canaries: keys of the environment and of a file, of a proxy, and of clients."""
    canaries = {
        "environment": provider_key("anthropic"),
        "file": provider_key("openai"),
        "formless": provider_key("plain"),
        "proxy": provider_key("plain"),
        "good": client_key(
            "a good client key", issue(folder / STATE, KeyGrant(team="birds", default_route="/ai/chat")).key.reveal()
        ),
        "stranger": client_key("a key that nobody holds", key_text(bytes(range(32)))),
        "foreign": provider_key("openai"),
    }
    key_file = folder / "openai.key"
    key_file.write_text(canaries["file"].value + "\n")
    key_file.chmod(0o600)
    proxy = parrot.url.replace("http://", f"http://user:{canaries['proxy'].value}@")
    environment = {
        "ANTHROPIC_API_KEY": canaries["environment"].value,
        "HOUSE_KEY": canaries["formless"].value,
        "HTTP_PROXY": proxy,
        "HTTPS_PROXY": proxy,
        "NO_PROXY": "unknown.invalid",
        "PYTHONASYNCIODEBUG": "1",
        "ACCIDENT": " ".join(canary.value for canary in canaries.values()),
    }
    policy = _POLICY.format(url=parrot.url, authority=parrot.url.removeprefix("http://"), file=key_file)
    gateway = Gateway.start(folder, policy, environment, python=("-X", "dev", str(LAUNCHER)))
    return Aviary(gateway, parrot, folder, canaries, environment)

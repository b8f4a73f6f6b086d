"""A gateway under attack, and everything that is watched meanwhile."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from tests.hostile.judgement import complaints
from tests.hostile.request import Shape, good_body
from tests.hostile.running import Gateway, Provider
from tests.hostile.wire import Case, Heard, MalformedError, converse

PROVIDER_KEYS: Final = {
    "ANTHROPIC_API_KEY": "sk-ant-api03-" + "Qx7" * 20,
    "OPENAI_API_KEY": "sk-proj-" + "Zv9" * 20,
}
_CLIENTS: Final = 8
_AT_ONCE: Final = 400  # the provider remembers a thousand requests

# All that may reach the provider in a head.
_FORWARDED: Final = frozenset({
    "host", "content-length", "content-type", "accept-encoding", "user-agent", "accept", "x-api-key",
    "authorization", "traceparent", "tracestate", "anthropic-version", "anthropic-beta", "openai-organization",
    "openai-project", "openai-beta",
})  # fmt: skip  # one list, not a column


@dataclass(slots=True)
class Stage:
    """The gateway under attack, its provider, a good key, and what has been seen so far."""

    gateway: Gateway
    provider: Provider
    key: str
    count: int = 0
    slowest: tuple[float, str] = (0.0, "")
    statuses: dict[int, int] = field(default_factory=dict)

    def attack(self, case: Case) -> tuple[Heard | None, list[str]]:
        """Carry one case out, and say what is wrong with its end."""
        try:
            heard = converse(self.gateway.port, case)
        except TimeoutError:
            return None, [f"{case.name}: neither an answer nor an end"]
        except MalformedError as error:
            return None, [f"{case.name}: no HTTP/1.1: {error.args[0][:200]!r}"]
        self.count += 1
        self.slowest = max(self.slowest, (heard.took_s, case.name[:60]))
        for answer in heard.answers:
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        return heard, [*complaints(case, heard), *self._leaks(case, heard)]

    def attack_all(self, cases: Iterable[Case]) -> list[str]:
        """Carry cases out, several at a time; look at the provider and make a good call now and then."""
        waiting, found = list(cases), []
        with ThreadPoolExecutor(_CLIENTS) as clients:
            while waiting:
                batch, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
                found += [complaint for _, each in clients.map(self.attack, batch) for complaint in each]
                found += self.upstream_complaints()
                assert self.call().answers[0].status == 200
        return found

    def call(self) -> Heard:
        """Make a good call."""
        return converse(self.gateway.port, Case("good", (Shape(self.key).request(good_body()),)))

    def upstream_complaints(self, *also_unwanted: str) -> list[str]:
        """Say what reached the provider since the last time that should not have."""
        return [
            c for request in self.provider.seen() if (c := _upstream_complaint(request, ("injected", *also_unwanted)))
        ]

    def log_complaints(self) -> list[str]:
        """Say what in the gateway's output should not be there: a traceback, a credential, a line that is no JSON."""
        output = self.gateway.process.output
        found = [f"{secret[:8]}… in the log" for secret in self.secrets if secret.encode() in output]
        found += [str(line) for line in self.gateway.log() if "exception" in line or line["level"] == "error"]
        if b"Traceback" in output:
            found.append("a traceback in the log")
        return found

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may ever read."""
        return (self.key, *PROVIDER_KEYS.values())

    def _leaks(self, case: Case, heard: Heard) -> list[str]:
        told = b"".join([*(str(a.fields).encode() + a.body for a in heard.answers if a.status >= 400), heard.rest])
        return [f"{case.name}: {secret[:8]}… in the answer" for secret in self.secrets if secret.encode() in told]


def _upstream_complaint(request: dict[str, Any], unwanted: tuple[str, ...]) -> str:
    names = [name.lower() for name, _ in request["headers"]]
    if strange := set(names) - _FORWARDED:
        return f"the provider got the fields {sorted(strange)}"
    if len(names) != len(set(names)):
        return f"the provider got a field twice: {names}"
    if not request["target"].startswith("/v1/") or any(word in str(request) for word in unwanted):
        return f"the provider got {request}"
    return ""

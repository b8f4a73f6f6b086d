"""A gateway with caps before a provider that meters by itself: its policy, its calls, and what its ledger says."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from seawall.core.balance import Balance, Lease
from seawall.core.key import KeyGrant
from seawall.ports.books import Charge
from seawall.sandbox import Sandbox
from seawall.stores.sqlite.keys import FILE_NAME as KEYS
from seawall.stores.sqlite.keys import SqliteKeyStore
from seawall.stores.sqlite.ledger_books import SqliteBooks
from seawall.stores.sqlite.ledger_schema import FILE_NAME as LEDGER
from tests.e2e.process.running import PROVIDER_KEY, Gateway, seawall, until
from tests.e2e.process.wire import Answer, call

CENT: Final = 10_000_000  # nano-dollars, and what `FLAT_TOKENS` of this model's answer cost; its prompts cost nothing
FLAT: Final = "sandbox-flat"
FLAT_TOKENS: Final = 100
PROVIDERS: Final = """\
providers:
  anthropic: {{base_url: '{url}', api_key: env:PROVIDER_KEY}}
  openai: {{base_url: '{url}/v1', api_key: env:PROVIDER_KEY}}
prices:
  anthropic/sandbox-flat: {{input_usd_per_mtok: 0, output_usd_per_mtok: 100}}
profiles:  # what a test asks for is what is billed: no attempt but its own
  once: {{max_tokens: 4000, retries: 0, breaker: {{min_calls: 100000}}}}
"""
FLAT_ROUTE: Final = "routes: {/flat: {profile: once, model: anthropic/sandbox-flat}}\n"
PATH: Final = "/flat/v1/messages"


def ask_flat(tokens: int = FLAT_TOKENS, *, is_stream: bool = False, **more: Any) -> bytes:
    """Make the body of a call of known worst case: a cent, where nothing else is asked for."""
    message = {"role": "user", "content": "Hello"}
    asked = {"model": FLAT, "max_tokens": tokens, "messages": [message], **more}
    return json.dumps({**asked, **({"stream": True} if is_stream else {})}).encode()


def issue(folder: Path, *grants: KeyGrant) -> dict[KeyGrant, str]:
    """Issue client keys before the gateway starts."""
    with contextlib.closing(SqliteKeyStore(folder / "state" / KEYS)) as store:
        return {grant: store.create(grant, 0.0).key.reveal() for grant in grants}


@contextlib.contextmanager
def books_of(folder: Path) -> Iterator[SqliteBooks]:
    """Open the ledger beside whoever writes in it."""
    with contextlib.closing(SqliteBooks(folder / "state" / LEDGER)) as books:
        yield books


@dataclass
class Bank:
    """A gateway, its provider, and the books that both keep. `key` is sent with every call, where there is one."""

    gateway: Gateway
    sandbox: Sandbox
    key: str = ""
    grant: KeyGrant = field(default_factory=KeyGrant)
    keys: Mapping[KeyGrant, str] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, sandbox: Sandbox, policy: str, *options: str, number: int = 0) -> "Bank":
        """Start a gateway with this policy, without client keys where `options` say so."""
        (folder / "policy.yaml").write_text(policy.format(url=sandbox.url), "utf-8")
        gateway = Gateway.start(folder, "--policy", "policy.yaml", *options, number=number, **PROVIDER_KEY)
        return cls(gateway, sandbox)

    def with_key(self, grant: KeyGrant) -> "Bank":
        """Call with one of the keys that were issued before the start."""
        return replace(self, key=self.keys[grant], grant=grant)

    @property
    def billed_nusd(self) -> int:
        """What the provider has metered, by its own prices, once every call that has reached it is over.

        A call is metered after its last byte, and its client may be quicker.
        """
        sandbox = self.sandbox
        until(
            lambda: len(sandbox.requests.last(1000)) <= len(sandbox.meter.entries),
            "the provider has metered every call",
        )
        return self.sandbox.meter.total.billed_nusd

    def ask(self, body: bytes | None = None, path: str = PATH, **headers: str) -> Answer:
        """Make a call."""
        key = {"x_api_key": self.key} if self.key else {}
        return call(self.gateway.port, path, body or ask_flat(), **key, **headers)

    def spend(self, most: int, path: str = PATH, **headers: str) -> Answer:
        """Make calls until one is refused, at most so many, and give the refusal."""
        for _ in range(most):
            if (answer := self.ask(None, path, **headers)).status != 200:
                return answer
        raise AssertionError(f"{most} calls, and none was refused")

    def balances(self, prefix: str = "") -> dict[str, Balance]:
        """Give the accounts as they stand, by name."""
        with books_of(self.gateway.folder) as books:
            return {balance.name: balance for balance in books.balances(prefix)}

    def leases(self) -> list[Lease]:
        """List what is in the hands of workers."""
        with books_of(self.gateway.folder) as books:
            return books.leases()

    def unsettled(self) -> list[Charge]:
        """List the charges that nobody knows to be right."""
        with books_of(self.gateway.folder) as books:
            return books.unsettled_rows()

    def settled(self, prefix: str) -> int:
        """Give what stands as spent on the accounts whose names begin so."""
        return sum(balance.settled for balance in self.balances(prefix).values())

    def settles(self, prefix: str, nusd: int) -> None:
        """Wait until so much, and no more, stands as spent: workers report twice a second."""
        until(lambda: self.settled(prefix) >= nusd, f"{nusd} are booked on {prefix}")
        assert self.settled(prefix) == nusd

    def gives_everything_back(self) -> None:
        """End the gateway in order, and see that nothing stays leased and that the books add up."""
        self.gateway.popen.terminate()
        assert self.gateway.ends() == 0
        assert {name: balance.leased for name, balance in self.balances().items() if balance.leased} == {}
        self.is_good()

    def is_good(self) -> None:
        """Have the balances computed anew from the history by the command for it."""
        check = seawall(self.gateway.folder, "spend", "check", "--state-dir", "state")
        assert check.returncode == 0, check.stdout + check.stderr


def code_of(answer: Answer) -> str:
    """Give the code of an error in Anthropic's dialect."""
    code: str = answer.json["error"]["details"]["error_code"]
    return code


def message_of(answer: Answer) -> str:
    """Give the message of an error."""
    message: str = answer.json["error"]["message"]
    return message

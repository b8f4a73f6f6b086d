"""Where an attempt goes."""

from dataclasses import dataclass, field

import msgspec

from seawall.core.price import Price
from seawall.core.secret import Secret
from seawall.core.traits import UNKNOWN_TRAITS, Traits


class Origin(msgspec.Struct, frozen=True):
    """The address of a provider's HTTP server. `host` is a name or an address without brackets.

    It is what the pool finds its connections by, which is why it is hashed in C.
    """

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The Host header's value (RFC 9110 §7.2): the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as the policy names it.

    `path` is what stands before `/messages` or `/chat/completions` on its server, without a slash at the end
    (`/v1` for both official providers).
    """

    name: str
    dialect: str
    origin: Origin
    path: str
    api_key: Secret | None


@dataclass(frozen=True, slots=True)
class Target:
    """A provider and a model of it, with what is known of that model. `price` None means that nobody knows it.

    `name` is the way policies, records and commands name it: `provider/model`. `max_tokens_field` is the request's
    field for the ceiling of an answer: some OpenAI models refuse the older name.
    """

    provider: Provider
    model: str
    price: Price | None
    drops_sampling: bool = False
    max_tokens_field: str = "max_tokens"
    traits: Traits = UNKNOWN_TRAITS
    name: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Put the name together, once: every attempt asks for it."""
        object.__setattr__(self, "name", f"{self.provider.name}/{self.model}")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The route's timeouts in seconds; all run under the exchange's total deadline.

    `answer_s` bounds the wait for an answer that does not stream; None leaves it to the deadline, or to a share of what
    is left of that while another target could still be asked.
    """

    total_s: float
    connect_s: float
    first_token_s: float
    idle_s: float
    answer_s: float | None = None

"""The door of the pipeline: who asks, for which route, under which policy."""

from collections.abc import Awaitable, Mapping
from typing import Final

from seawall.assembly.build import House, build_routes
from seawall.assembly.path import Paths
from seawall.core.error import BadRequest, MethodNotAllowed, NotAuthenticated, NotFound, SeawallError
from seawall.core.principal import Principal
from seawall.core.record import MAX_TEXT
from seawall.core.verdict import Refuse
from seawall.guards.access.guard import refusal
from seawall.guards.access.rule import decide
from seawall.pipeline.exchange import CallNext, Exchange, Headers, Reply, compose
from seawall.policy.plan import CompiledPolicy
from seawall.ports.keys import Keys

_MAX_KEY: Final = 512
_NO_PATH: Final = (
    "no such path; the endpoints are /v1/messages, /v1/messages/count_tokens, /v1/chat/completions, /v1/embeddings and "
    "/v1/models, alone or under a route's path"
)
_NO_ROUTE: Final = (
    "no route: put one before the endpoint's path, name one in `x-seawall-route`, or use a key that has a default route"
)


class Entry:
    """One version of the policy, ready to take calls; a reload makes a new one, and running calls keep theirs.

    `keys` None lets everybody in as `guest`, which only development on loopback and the embedded library do.
    """

    def __init__(self, policy: CompiledPolicy, house: House, keys: Keys | None, guest: Principal) -> None:
        self.policy = policy
        self.paths = Paths(policy.plans)
        self._pipelines: Mapping[str, CallNext] = build_routes(policy, house)
        self._keys = keys
        self._guest = guest
        self._only_route = next(iter(policy.plans)) if len(policy.plans) == 1 else ""
        self._call = compose((house.journal,), self._enter)

    def call(self, exchange: Exchange) -> Awaitable[Reply]:
        """Take one exchange through its route's pipeline and its record into the journal.

        Raises:
            SeawallError: the call was refused or failed; the record is written.
        """
        exchange.policy_version = self.policy.version
        return self._call(exchange)

    def _enter(self, exchange: Exchange) -> Awaitable[Reply]:
        if self._keys is None:
            exchange.principal = self._guest
        else:
            presented = presented_key(exchange.headers)
            exchange.principal = self._keys.find(presented) if presented else None
        if not exchange.endpoint.path:
            raise self._no_way(exchange, exchange.route)
        exchange.route = route = self._route(exchange)
        return self._pipelines[route](exchange)

    def _route(self, exchange: Exchange) -> str:
        """Find the route: the path's, the header's, the key's default, or the only one there is.

        Raises:
            NotAuthenticated: no good key, so that nobody learns without one which routes there are.
            NotAllowed: the key is for other routes than the named one.
            BadRequest: nothing names a route.
            NotFound: the named route is not in the policy.
        """
        asked = exchange.headers.get(b"x-seawall-route", b"").decode("latin-1")
        if len(asked) > MAX_TEXT:  # not cut: half a credential in the wrong place would no longer be known for one
            asked = f"a name of {len(asked)} characters"
        principal = exchange.principal
        route = exchange.route or asked or (principal.default_route if principal else "") or self._only_route
        if route in self._pipelines:
            return route
        raise self._no_way(exchange, route)

    def _no_way(self, exchange: Exchange, route: str) -> SeawallError:
        """Make the error for a path or a route that leads nowhere; a caller who may not ask gets told only that."""
        verdict = decide(exchange.principal, route, exchange.at_s)
        if isinstance(verdict, Refuse) and (route or verdict.code == NotAuthenticated.code):
            return refusal(verdict)
        if not exchange.endpoint.path:
            if allow := exchange.endpoint.method:
                return MethodNotAllowed(f"found another method, expected {allow.replace(', ', ' or ')}", allow=allow)
            return NotFound(_NO_PATH)
        if not route:
            return BadRequest(_NO_ROUTE, code="route.unnamed")
        return NotFound(f"the policy has no route {route!r}", code="route.unknown")


def presented_key(headers: Headers) -> bytes:
    """Give the key that a client presented; `x-api-key` goes before `Authorization`, as at Anthropic's own door.

    An empty `x-api-key`, which clients send that were given a token only, says nothing.
    """
    key = headers.get(b"x-api-key")
    if not key:
        scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer":
            return b""
    key = key.strip()
    return key if len(key) <= _MAX_KEY else b""

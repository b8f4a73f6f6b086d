"""Name the target: the route's model, or the client's own where the route leaves it open (rows C1, R7)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from seawall.core.error import BadRequest, NotFound, Unsupported
from seawall.core.target import Provider, Target
from seawall.dialects.dialect import MODELS
from seawall.pipeline.exchange import CallNext, Exchange, Reply


@dataclass(frozen=True, slots=True)
class RouteSettings:
    """Where a route leads. Without `target`, `resolve` names the target of the model that the client asked for.

    `speakers` gives a provider for each dialect, to answer the models endpoint.
    """

    target: Target | None
    resolve: Callable[[str], Target]
    speakers: dict[str, Provider]
    streaming: bool


class RouteGuard:
    """Set the exchange's first target; calls on once."""

    def __init__(self, settings: RouteSettings) -> None:
        self._settings = settings

    def __call__(self, exchange: Exchange, call_next: CallNext) -> Awaitable[Reply]:
        """Choose, then go on.

        Raises:
            BadRequest: no model where the client has to name one, or a stream on a route that has streaming off.
            NotFound: no provider has the model, no model can have this name, or no provider speaks the dialect.
            Unsupported: nobody knows the model's price.
        """
        settings = self._settings
        if exchange.wants_stream and not settings.streaming:
            raise BadRequest(f"stream: route {exchange.route!r} has streaming off", code="route.stream", param="stream")
        if exchange.endpoint is MODELS:
            exchange.target = self._for_models(exchange)
        else:
            exchange.target = settings.target or self._for_client_model(exchange)
        return call_next(exchange)

    def _for_client_model(self, exchange: Exchange) -> Target:
        if not exchange.model_asked:
            raise BadRequest(f"model: route {exchange.route!r} leaves the model to the client; name one", param="model")
        if not exchange.model_asked.isascii() or not exchange.model_asked.isprintable() or " " in exchange.model_asked:
            raise NotFound("model: expected an id of printable ASCII characters without spaces", param="model")
        target = self._settings.resolve(exchange.model_asked)
        if target.price is None and exchange.endpoint.is_billed:
            raise Unsupported(f"model: nobody knows the price of {target.name}; add it under `prices:` in the policy")
        return target

    def _for_models(self, exchange: Exchange) -> Target:
        target = self._settings.target
        if target is not None and target.provider.dialect == exchange.dialect.name:
            return target
        provider = self._settings.speakers.get(exchange.dialect.name)
        if provider is None:
            raise NotFound(f"no provider of the policy speaks the {exchange.dialect.name} dialect")
        return Target(provider, "", None)

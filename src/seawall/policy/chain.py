"""Which models a route tries, in order, as the document names them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from seawall.policy.document import FallbackDocument, PolicyDocument
from seawall.policy.effective import Effective
from seawall.policy.fault import Path

Role: TypeAlias = Literal["model", "fallback", "degraded"]


@dataclass(frozen=True, slots=True)
class Link:
    """One model of a chain. `path` is where its name stands, `said` what it says about itself."""

    path: Path
    role: Role
    said: FallbackDocument

    @property
    def model(self) -> str:
        """Its name as the document has it."""
        return self.said.model


def chain_of(document: PolicyDocument, route: str, settings: Effective) -> tuple[Link, ...]:
    """List a route's model, its fallbacks, and the cheaper model that answers when all of them have failed."""
    said = document.routes[route]
    links: list[Link] = []
    if said.model is not None:
        links.append(Link(("routes", route, "model"), "model", _named(said.model)))
    links += [
        Link(("routes", route, "fallback", number), "fallback", entry) for number, entry in enumerate(said.fallback)
    ]
    if settings.degraded.model is not None:
        path = (*settings.origins["degraded"].path, "model")
        links.append(Link(path, "degraded", _named(settings.degraded.model)))
    return tuple(links)


def _named(model: str) -> FallbackDocument:
    return FallbackDocument.model_validate({"model": model})

"""Who asks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """The owner of a client key and what the key may do. Empty text means "not set"; no routes means every route.

    `expires_at_s` is wall time in seconds since 1970; None never expires.
    """

    key_id: str
    team: str = ""
    project: str = ""
    user: str = ""
    feature: str = ""
    routes: tuple[str, ...] = ()
    default_route: str = ""
    expires_at_s: float | None = None

    def may_use(self, route: str) -> bool:
        """Say whether the key is allowed on this route."""
        return not self.routes or route in self.routes


ANONYMOUS = Principal(key_id="")

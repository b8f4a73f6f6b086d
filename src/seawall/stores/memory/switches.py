"""Switches in memory."""

from collections.abc import Callable

from seawall.core.switch import Switch


class MemorySwitches:
    """Implement `Switches` for a process of its own; a change shows at once. `wall_s` gives seconds since 1970."""

    def __init__(self, wall_s: Callable[[], float]) -> None:
        self._wall_s = wall_s
        self._switches: tuple[Switch, ...] = ()

    def in_force(self) -> tuple[Switch, ...]:
        """Give every switch that counts now."""
        if not self._switches:
            return ()
        now_s = self._wall_s()
        return tuple(switch for switch in self._switches if switch.is_on(now_s))

    def set(self, *switches: Switch) -> None:
        """Have exactly these switches thrown."""
        self._switches = switches

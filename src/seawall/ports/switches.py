"""What operators have switched off."""

from typing import Protocol

from seawall.core.switch import Switch


class Switches(Protocol):
    """Look at the kill switch on the hot path."""

    def in_force(self) -> tuple[Switch, ...]:
        """Give every switch that counts now, in the order in which they were written; mostly there is none.

        The tuple is one whole state of the store: a change is never seen by half, and what was given never changes.
        Takes no I/O, and under a microsecond where nothing is off. A change anywhere shows here within a second, and
        the end of a switch (`until_s`) at once. What cannot be read counts as a switch that is thrown for all.
        """

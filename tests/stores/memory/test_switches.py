from seawall.core.switch import EVERYTHING, Level, Switch
from seawall.ports.switches import Switches
from seawall.stores.memory.switches import MemorySwitches
from seawall.testing.clock import FakeClock


def test_a_switch_shows_at_once_and_ends_by_the_clock() -> None:
    clock = FakeClock()
    memory = MemorySwitches(clock.wall_s)
    switches: Switches = memory
    short, lasting = Switch(EVERYTHING, until_s=clock.wall_s() + 10), Switch(Level("team", "a"))

    before = switches.in_force()
    memory.set(short, lasting)
    during = switches.in_force()
    clock.advance(10)

    assert (before, during, switches.in_force()) == ((), (short, lasting), (lasting,))

"""What the tests of this room share: reading and compiling a policy that is written in the test."""

import textwrap
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, TypeAlias

import pytest

from seawall.core.target import Origin, Provider
from seawall.policy.compile import Compiled, Surroundings, compile_policy
from seawall.policy.fault import fault_line
from seawall.policy.load import Reading, read_policy
from seawall.policy.reference import PretendedReferences, References

Read: TypeAlias = Callable[[str], Reading]
Faults: TypeAlias = Callable[[str], list[str]]
Compile: TypeAlias = Callable[..., Compiled]

TODAY: Final = date(2026, 11, 21)
ENVIRONMENT: Final[Mapping[str, str]] = {"ANTHROPIC_API_KEY": "invented-a", "OPENAI_API_KEY": "invented-o"}


@pytest.fixture
def today() -> date:
    return TODAY


@pytest.fixture
def environment() -> dict[str, str]:
    return dict(ENVIRONMENT)


@pytest.fixture
def read() -> Read:
    """Read a policy; lines may be indented as the test is."""
    return lambda text: read_policy(textwrap.dedent(text).encode(), "p.yaml")


@pytest.fixture
def faults(read: Read) -> Faults:
    """Give the lines of everything that is wrong with a policy, what compiling finds included."""

    def lines(text: str) -> list[str]:
        reading = read(text)
        compiled = compile_policy(reading, Surroundings(PretendedReferences({}), TODAY))
        return [fault_line("p.yaml", fault) for fault in compiled.faults]

    return lines


@pytest.fixture
def compiled(read: Read) -> Compile:
    """Compile a policy against an environment that has both official keys, or against the one given."""

    def run(
        text: str, environment: Mapping[str, str] = ENVIRONMENT, day: date = TODAY, **stand_ins: Provider
    ) -> Compiled:
        return compile_policy(read(text), Surroundings(References(environment), day, stand_ins))

    return run


@pytest.fixture
def stand_in() -> Provider:
    return Provider("sandbox", "anthropic", Origin("http", "127.0.0.1", 9), "/v1", None)

"""What the tests of this room share: judging a policy that is written in the test."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, TypeAlias

import pytest

from seawall.policy.compile import Surroundings, compile_policy
from seawall.policy.lint.judged import Finding
from seawall.policy.lint.run import lint
from seawall.policy.load import Reading
from seawall.policy.reference import PretendedReferences

Judge: TypeAlias = Callable[..., list[Finding]]

TODAY: Final = date(2026, 11, 21)


@pytest.fixture
def judge(read: Callable[[str], Reading]) -> Judge:
    """Give the findings of a rule, or of rules whose codes begin so, in a policy without faults."""

    def run(text: str, code: str, environment: Mapping[str, str] | None = None) -> list[Finding]:
        reading = read(text)
        compiled = compile_policy(reading, Surroundings(PretendedReferences(environment or {}), TODAY))
        assert compiled.faults == ()
        assert compiled.roster is not None
        findings = lint(reading, compiled.roster, environment or {}, TODAY)
        return [finding for finding in findings if finding.code.startswith(code)]

    return run

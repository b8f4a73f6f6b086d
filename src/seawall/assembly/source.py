"""Where a process's policy comes from: a file or the quick start's own, and the sandbox where there is no key."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seawall.policy.compile import load_policy
from seawall.policy.plan import CompiledPolicy
from seawall.policy.quickstart import quickstart_policy, sandbox_providers


@dataclass(frozen=True, slots=True)
class PolicySource:
    """A policy file (None for the quick start), the environment its references lead to, and a sandbox's URL or ""."""

    path: Path | None
    environment: Mapping[str, str]
    sandbox_url: str = ""

    def load(self) -> CompiledPolicy:
        """Read and compile.

        Raises:
            PolicyError: the policy cannot be used.
        """
        if self.path is None:
            return quickstart_policy(self.environment, self.sandbox_url or None)
        stand_ins = sandbox_providers(self.sandbox_url) if self.sandbox_url else {}
        return load_policy(self.path, environment=self.environment, stand_ins=stand_ins)

"""What an export's tokens cost, by the policy's own prices."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

from seawall.core.error import SeawallError
from seawall.core.price import cost_nusd
from seawall.policy.compile import Surroundings, compile_policy
from seawall.policy.load import read_policy_file
from seawall.policy.plan import CompiledPolicy
from seawall.policy.reference import PretendedReferences
from seawall.telemetry.usage_export.line import ExportLine


class PolicyPrices:
    """Price lines that say tokens and no cost, as the policy prices the target on the day of the call.

    A line that names no tier, speed or region is priced at the standard rates.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._policies: dict[date, CompiledPolicy | None] = {}

    def cost_nusd(self, line: ExportLine, target: str, at_s: float) -> int:
        """Give what a line comes to in nano-dollars, rounded up.

        Raises:
            ValueError: it says no cost, and its tokens cannot be priced; the message says why.
        """
        if line.cost_nusd is not None:
            return line.cost_nusd
        if line.usage is None:
            raise ValueError("says neither cost nor tokens")
        policy = self._policy(datetime.fromtimestamp(at_s, UTC).date())
        try:
            price = policy.resolve(target).price
        except SeawallError as error:
            raise ValueError(f"says tokens and no cost_usd, and {self._file} has no price: {error}") from None
        if price is None:
            raise ValueError(f"says tokens and no cost_usd, and {self._file} has no price for {target}")
        return cost_nusd(price, line.usage, line.mode)

    def _policy(self, day: date) -> CompiledPolicy:
        if day not in self._policies:
            self._policies[day] = self._compiled(day)
        policy = self._policies[day]
        if policy is None:
            raise ValueError(
                f"says tokens and no cost_usd: name a good policy with --policy to price them ({self._file})"
            )
        return policy

    def _compiled(self, day: date) -> CompiledPolicy | None:
        if not self._file.is_file():
            return None
        references = PretendedReferences(os.environ)  # noqa: TID251  # the command line reads the environment
        return compile_policy(read_policy_file(self._file), Surroundings(references, day)).policy

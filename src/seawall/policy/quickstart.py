"""The policy of someone who has not written one yet."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from seawall.core.error import PolicyError
from seawall.core.secret import Secret
from seawall.core.target import Provider
from seawall.policy.address import OFFICIAL, parse_address
from seawall.policy.compile import compile_text
from seawall.policy.plan import CompiledPolicy
from seawall.policy.roster import OFFICIAL_KEYS

ROUTE: Final = "/ai/chat"
SOURCE: Final = "built-in policy"
SANDBOX: Final = "sandbox"

_SANDBOX_KEY: Final = "sandbox-needs-no-key"
_PROVIDER: Final = "  {name}: {{dialect: {name}, base_url: '{url}', api_key: '{key}'}}"
_POLICY: Final = f"""\
version: 1
providers:
{{providers}}
routes:
  {ROUTE}: {{{{max_tokens: 4096}}}}
"""


def sandbox_providers(sandbox_url: str) -> dict[str, Provider]:
    """Make the providers of a running sandbox, one for each dialect, to stand in for those without a key.

    Raises:
        ValueError: `sandbox_url` is no URL.
    """
    made = {}
    for dialect in OFFICIAL:
        address = parse_address(sandbox_url.rstrip("/").removesuffix("/v1") + "/v1", dialect)
        made[dialect] = Provider(SANDBOX, dialect, address.origin, address.path, Secret(_SANDBOX_KEY))
    return made


def quickstart_policy(
    environment: Mapping[str, str], sandbox_url: str | None, *, today: date | None = None
) -> CompiledPolicy:
    """Compile the policy for a start without a file: one route, on which the client's own model decides.

    Providers whose key is in the environment are called for real; the sandbox stands in for the others, and without a
    sandbox they are left out.

    Raises:
        PolicyError: there is neither a key nor a sandbox.
    """
    present = [dialect for dialect, key in OFFICIAL_KEYS.items() if environment.get(key.name)]
    dialects = present if sandbox_url is None else list(OFFICIAL)
    if not dialects:
        names = " or ".join(key.name for key in OFFICIAL_KEYS.values())
        raise PolicyError(f"found no provider key, expected {names} in the environment, a policy, or the sandbox")
    lines = [_PROVIDER.format(name=name, url=OFFICIAL[name], key=OFFICIAL_KEYS[name]) for name in dialects]
    return compile_text(
        _POLICY.format(providers="\n".join(lines)),
        environment=environment,
        source=SOURCE,
        stand_ins={} if sandbox_url is None else sandbox_providers(sandbox_url),
        today=today,
    )

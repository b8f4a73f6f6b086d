"""Whether a policy knows the name that a switch is thrown for."""

from pathlib import Path

from seawall.cli.policy_file import judge
from seawall.core.switch import Level
from seawall.policy.plan import CompiledPolicy
from seawall.policy.validate import did_you_mean


def doubt(level: Level, file: Path) -> str:
    """Say that the policy has nobody of that name, who is perhaps misspelt; empty where it has, or leaves names open.

    A switch may well be thrown for what only another policy names: this is a remark and no error.

    Raises:
        click.UsageError: there is no such file.
    """
    policy = judge(file).compiled.policy
    known = () if policy is None else _names(level.kind, policy)
    if not known or level.name in known:
        return ""
    hint = did_you_mean(level.name, known) or "it has " + ", ".join(known)
    return f"Mind that {file} has no {level.kind} {level.name}; {hint}"


def _names(kind: str, policy: CompiledPolicy) -> tuple[str, ...]:
    """Give every name of a kind that the policy has; none where clients may name others."""
    if kind == "provider":
        return tuple(policy.providers)
    if kind == "route":
        return tuple(policy.plans)
    if kind != "model" or not all(plan.legs for plan in policy.plans.values()):
        return ()
    targets = {target.model: target for plan in policy.plans.values() for target in plan.targets}
    return (*targets, *(f"{target.provider.name}/{model}" for model, target in targets.items()))

"""Write the tables of `docs/policy.md` from the models themselves: `python -m docs.policy_reference`.

A test compares the page with what is generated.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from seawall.policy.effective import SETTINGS, key_of, value_in
from seawall.policy.explain import value_text
from seawall.policy.lint.run import RULES
from seawall.policy.profile import BUILT_IN, DEFAULTS
from seawall.policy.schema import Node, policy_schema

_SECTIONS: Final = (
    ("The document", ""),
    ("providers.NAME", "ProviderDocument"),
    ("providers.NAME.concurrency", "ConcurrencyDocument"),
    ("providers.NAME.console_cap", "ConsoleCapDocument"),
    ("routes.PATH and profiles.NAME", "SharedSettings"),
    ("routes.PATH only", "RouteDocument"),
    ("routes.PATH.fallback, a list of models or of", "FallbackDocument"),
    ("profiles.NAME only", "ProfileDocument"),
    ("routes.PATH.breaker and profiles.NAME.breaker", "BreakerDocument"),
    ("routes.PATH.degraded and profiles.NAME.degraded", "DegradedDocument"),
    ("prices.MODEL, one or a list of", "PriceDocument"),
    ("prices.MODEL.bands, a list of", "BandDocument"),
    ("budgets.ACCOUNT", "BudgetDocument"),
    ("limits.ACCOUNT", "LimitDocument"),
    ("overload", "OverloadDocument"),
    ("overload.shares", "SharesDocument"),
    ("killswitch", "KillDocument"),
    ("idempotency", "IdempotencyDocument"),
    ("journal", "JournalDocument"),
)

PAGE: Final = Path(__file__).with_name("policy.md")


def filled(page: str) -> str:
    """Give the page with every table as the code has it now."""
    for name, lines in {"keys": _keys(), "profiles": _profiles(), "findings": _findings()}.items():
        before, start, rest = page.partition(f"<!-- {name} -->\n")
        after = rest.partition("<!-- end -->")[2]
        page = f"{before}{start}\n{''.join(lines).strip()}\n\n<!-- end -->{after}"
    return page


def _keys() -> Iterator[str]:
    shared = {key_of(setting).partition(".")[0] for setting in SETTINGS}
    definitions = policy_schema()["$defs"]
    for title, name in _SECTIONS:
        node = policy_schema() if not name else definitions["RouteDocument" if name == "SharedSettings" else name]
        wanted = {
            key: value
            for key, value in node["properties"].items()
            if name not in {"SharedSettings", "RouteDocument", "ProfileDocument"}
            or (key in shared) == (name == "SharedSettings")
        }
        yield f"\n### {title}\n\n| key | value | meaning |\n|---|---|---|\n"
        yield from (f"| `{key}` | {_type(value)} | {_meaning(value)} |\n" for key, value in wanted.items())


def _meaning(node: Node) -> str:
    if "description" in node:
        return str(node["description"])
    return str(policy_schema()["$defs"][node["$ref"].rsplit("/", 1)[-1]]["description"])


def _type(node: Node) -> str:
    if "enum" in node:
        return ", ".join(f"`{word}`" for word in node["enum"])
    if "const" in node:
        return f"`{node['const']}`"
    if "anyOf" in node:
        return " or ".join(_type(choice) for choice in node["anyOf"])
    if node.get("format") == "date":
        return "date"
    kind = {"integer": "whole number", "string": "text", "object": "mapping", "array": "list", "boolean": "true, false"}
    name = kind.get(node.get("type", "object"), "number")
    if "exclusiveMinimum" in node:
        return f"{name}, above {node['exclusiveMinimum']:g}, at most {node['maximum']:,}"
    if "minimum" in node:
        return f"{name}, {node['minimum']:,} to {node['maximum']:,}"
    return name


def _profiles() -> Iterator[str]:
    names = list(BUILT_IN)
    yield "| key | no profile | " + " | ".join(names) + " |\n|---|---|" + "---|" * len(names) + "\n"
    for field in SETTINGS:
        cells = [value_in(DEFAULTS, field), *(value_in(BUILT_IN[name], field) for name in names)]
        yield f"| `{key_of(field)}` | " + " | ".join(_cell(cell) for cell in cells) + " |\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value_text(value)


def _findings() -> Iterator[str]:
    yield "| code | level | what |\n|---|---|---|\n"
    yield from (f"| `{rule.code}` | {rule.level} | {rule.what} |\n" for rule in RULES)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")

"""Nothing is sent without a receipt, and only a committed hold makes one (design, "Money")."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from seawall.core.receipt import Receipt
from seawall.ports.upstream import Upstream
from tests.architecture.layout import SOURCE, python_files, shown

# Where an attempt goes out, and the chooser that hands it on to the pool or to a proxy's adapter.
SENDERS: Final = {"src/seawall/pipeline/dispatch.py", "src/seawall/upstreams/choose.py"}
# `testing` makes one for tests of what stands below the budget; nothing that is served imports it (import contract).
MINTS: Final = {
    "src/seawall/guards/budget/guard.py",
    "src/seawall/guards/budget/purse.py",
    "src/seawall/guards/budget/waiting.py",
    "src/seawall/testing/receipt.py",
}


def _calls() -> Iterator[tuple[Path, ast.Call]]:
    for path in python_files(SOURCE):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield path, node


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(name) | ast.Attribute(_, name):
            return name
    return ""


def _receipts() -> set[str]:
    """Name the class and all that is derived from it."""
    found, pile = set(), [Receipt]
    while pile:
        each = pile.pop()
        found.add(each.__name__)
        pile += each.__subclasses__()
    return found


def test_only_a_dispatch_sends() -> None:
    ways_out = {
        shown(path)
        for path, call in _calls()
        if _name(call) == "send" and isinstance(call.func, ast.Attribute) and len(call.args) == 2
    }

    assert ways_out == SENDERS


def test_sending_costs_a_receipt() -> None:
    assert Upstream.send.__annotations__["receipt"] is Receipt


def test_only_the_budget_room_makes_receipts() -> None:
    import seawall.guards.budget.purse  # noqa: F401, PLC0415  # so that the classes derived from Receipt are known

    names = _receipts()
    mints = {shown(path) for path, call in _calls() if _name(call) in names}

    assert names == {"Receipt", "Hold"}
    assert mints == MINTS


def test_no_other_module_speaks_to_a_providers_pool() -> None:
    """The pool, its adapter and their chooser are opened where a house is, and used by nobody else."""
    openers = {shown(path) for path, call in _calls() if _name(call) in {"open_upstream", "Pool", "Httpx2Upstream"}}

    assert openers == {
        "src/seawall/client/embedded.py",
        "src/seawall/gateway/opening.py",
        "src/seawall/upstreams/choose.py",
    }
